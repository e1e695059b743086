"""LangChain chat models as generators: a real HTTP server answers, refuses, dawdles, breaks off."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.langchain import ChatModelGenerator
from rag_engine.errors import (
    InvalidInput,
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
)
from rag_engine.ports import Generator, Prompt
from tests.connectors.scripted_server import hang_up, refusal, reply, scripted_server, stream

KEY = "sk-geheim-4711-0815"
PROMPT = Prompt(system="Regeln", user="Quellen und Frage", question="Frage?", language="de")


def event(text: str | None, reason: str | None = None) -> str:
    """One event of a streamed chat answer, with all that OpenAI's client looks at."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": [choice]})


GOOD = stream(event("Acht "), event("Bar [1]."), event(None, "stop"), "[DONE]")


@pytest.fixture
def server():
    with scripted_server() as running:
        yield running


@pytest.fixture
def generator(server):
    def make(*script, **options):
        server.script[:] = script
        options = {"timeout": 5, "max_retries": 0, **options}
        return ChatModelGenerator(
            ChatOpenAI(base_url=server.url, model="kleines", api_key=KEY, **options)
        )

    return make


def answer(generator):
    return "".join(generator.generate(PROMPT))


def test_it_streams_piece_by_piece_and_sends_what_it_should(server, generator):
    asked = generator(GOOD, temperature=0.3)
    assert isinstance(asked, Generator)
    assert (asked.name, repr(asked)) == ("kleines", "ChatModelGenerator('kleines')")
    assert list(asked.generate(PROMPT)) == ["Acht ", "Bar [1]."]
    [request] = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["authorization"] == f"Bearer {KEY}"
    assert [(each["role"], each["content"]) for each in request.body["messages"]] == [
        ("system", "Regeln"),
        ("user", "Quellen und Frage"),
    ]
    assert (request.body["temperature"], request.body["stream"]) == (0.3, True)


def test_the_first_piece_comes_before_the_last_is_written(generator):
    release = threading.Event()
    pieces = generator(stream(event("a"), release.wait, event("b", "stop"), "[DONE]")).generate(
        PROMPT
    )
    assert next(pieces) == "a"
    release.set()
    assert list(pieces) == ["b"]


def test_the_models_own_retries_are_made(server, generator):
    assert answer(generator(refusal(429, Retry_After="0"), GOOD, max_retries=1)) == "Acht Bar [1]."
    assert len(server.requests) == 2


def test_an_answer_cut_at_its_longest_says_so(generator):
    asked = generator(stream(event("Es war einmal", "length"), "[DONE]"))
    assert answer(asked) == "Es war einmal […]"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_a_refusal_has_its_status_and_the_servers_words(generator, status):
    with pytest.raises(ServiceRefused, match="kein Guthaben") as caught:
        answer(generator(refusal(status, "kein Guthaben", Retry_After="7")))
    assert (caught.value.status, caught.value.retry_after) == (status, 7.0)


def test_a_slow_server_times_out(generator):
    hold = threading.Event()
    with pytest.raises(ServiceTimeout, match="kleines"):
        answer(generator(lambda handler, request: hold.wait(5), timeout=0.2))
    hold.set()


def test_a_stream_that_stalls_times_out(generator):
    hold = threading.Event()
    asked = generator(stream(event("a"), lambda: hold.wait(60)), timeout=2)
    pieces = asked.generate(PROMPT)
    assert next(pieces) == "a"
    with pytest.raises(ServiceTimeout):
        next(pieces)
    hold.set()


@pytest.mark.parametrize(
    "ending",
    [
        stream(event("Acht "), cut=True),
        stream(event("Acht ")),
        stream(event("Acht "), b'data: {"choi'),
    ],
)
def test_a_cut_answer_is_an_error(generator, ending):
    pieces = generator(ending).generate(PROMPT)
    assert next(pieces) == "Acht "
    with pytest.raises(ServiceUnreachable):
        next(pieces)


def test_no_server_at_all(generator):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    model = ChatOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", model="m", api_key=KEY, max_retries=0
    )
    with pytest.raises(ServiceUnreachable, match="'m' can not be reached"):
        answer(ChatModelGenerator(model))
    with pytest.raises(ServiceUnreachable):
        answer(generator(hang_up))


@pytest.mark.parametrize(
    "broken",
    [
        reply(b"<html>Login</html>", Content_Type="text/html"),
        reply({"hello": "world"}),
        stream("{not json}"),
        stream("[DONE]"),
    ],
)
def test_nonsense_is_named_as_such(generator, broken):
    with pytest.raises(ServiceMalformed, match="kleines"):
        answer(generator(broken))


def test_an_error_within_a_stream(generator):
    error = json.dumps({"error": {"message": "out of memory"}})
    with pytest.raises(ServiceRefused, match="out of memory"):
        answer(generator(stream(event("a"), error)))
    with pytest.raises(ServiceRefused, match="content filter"):
        answer(generator(stream(event("a"), event(None, "content_filter"), "[DONE]")))


@pytest.mark.parametrize(
    "step",
    [
        refusal(401, f"Incorrect API key provided: {KEY}"),
        refusal(500, f"Bearer {KEY}"),
        stream(json.dumps({"error": {"message": KEY}})),
        stream(KEY),
        hang_up,
    ],
)
def test_the_key_shows_nowhere(generator, step):
    asked = generator(step)
    with pytest.raises(ServiceError) as caught:
        answer(asked)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(asked)
    assert KEY not in shown


class Scripted(BaseChatModel):
    """A chat model without a server, for what only other providers send."""

    pieces: tuple[Any, ...] = ()
    key: SecretStr = SecretStr(KEY)

    @property
    def _llm_type(self):
        return "scripted"

    def _generate(self, messages, stop=None, run_manager=None, **options):
        return ChatResult(generations=[ChatGeneration(message=AIMessage("whole"))])


class Streaming(Scripted):
    def _stream(self, messages, stop=None, run_manager=None, **options) -> Iterator:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield ChatGenerationChunk(message=piece)


def test_other_providers(generator):
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Acht."}]
    said = AIMessageChunk(content=blocks)
    end = AIMessageChunk(content="", response_metadata={"stop_reason": "max_tokens"})
    assert answer(ChatModelGenerator(Streaming(pieces=[said, end]))) == "Acht. […]"
    assert answer(ChatModelGenerator(Streaming(pieces=[said]))) == "Acht."
    assert answer(ChatModelGenerator(Scripted())) == "whole"  # it can not stream
    assert ChatModelGenerator(Scripted()).name == "Scripted"
    assert ChatModelGenerator(Scripted(), name="the model").name == "the model"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError("slow"), ServiceTimeout),
        (ConnectionResetError("gone"), ServiceUnreachable),
        (RuntimeError("quota"), ServiceError),
        (KeyError("choices"), ServiceError),
        (ServiceMalformed("own"), ServiceMalformed),
    ],
)
def test_what_a_model_raises_is_one_of_the_engines_errors(raised, expected):
    with pytest.raises(ServiceError) as caught:
        answer(ChatModelGenerator(Streaming(pieces=[raised])))
    assert caught.type is expected
    assert caught.value is raised or caught.value.__cause__ is raised
    with pytest.raises(ServiceError) as caught:
        answer(ChatModelGenerator(Streaming(pieces=[RuntimeError(f"key {KEY}")])))
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_what_a_reader_raises_stays_as_it_is(tmp_path, quick_components, generator):
    def refuse(piece):
        raise KeyError(piece)

    asked = generator(GOOD)
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components, generator=asked) as kb:
        kb.add([Document(id="1", text="Der Druck beträgt acht Bar.")])
        with pytest.raises(KeyError, match="Acht"):
            kb.ask("Der Druck?", on_text=refuse, strictness="eager")
        found = kb.ask("Der Druck?", strictness="eager")
    assert (found.text, found.generator, found.supported) == ("Acht Bar [1].", "kleines", True)


def test_what_is_no_chat_model():
    with pytest.raises(InvalidInput, match="str"):
        ChatModelGenerator("gpt")
