"""The chat connector against a real server that answers, refuses, dawdles and breaks off."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import traceback

import httpx
import pytest
from pydantic import SecretStr

from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.errors import (
    InvalidInput,
    RagEngineError,
    ServiceError,
    ServiceMalformed,
    ServiceRefused,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
)
from rag_engine.ports import Generator, Prompt
from tests.connectors.scripted_server import (
    chunk,
    hang_up,
    refusal,
    reply,
    scripted_server,
    stream,
)

KEY = "sk-geheim-4711-0815"
PROMPT = Prompt(system="Regeln", user="Quellen und Frage", question="Frage?", language="de")
GOOD = stream(chunk("Acht "), chunk("Bar [1]."), chunk(None, "stop"), "[DONE]")


@pytest.fixture
def server():
    with scripted_server() as running:
        yield running


@pytest.fixture
def generator(server):
    made = []

    def make(*script, **options):
        server.script[:] = script
        options = {"api_key": SecretStr(KEY), "timeout_s": 5, "backoff_s": 0.01, **options}
        made.append(OpenAICompatibleGenerator(base_url=server.url, model="kleines", **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def answer(generator):
    return "".join(generator.generate(PROMPT))


def test_it_streams_piece_by_piece_and_sends_what_it_should(server, generator):
    asked = generator(GOOD, max_tokens=77, temperature=0.3)
    assert isinstance(asked, Generator)
    assert list(asked.generate(PROMPT)) == ["Acht ", "Bar [1]."]
    assert asked.name == "kleines"
    [request] = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "kleines",
        "messages": [
            {"role": "system", "content": "Regeln"},
            {"role": "user", "content": "Quellen und Frage"},
        ],
        "temperature": 0.3,
        "max_tokens": 77,
        "stream": True,
    }


def test_the_first_piece_comes_before_the_last_is_written(generator):
    release = threading.Event()
    pieces = generator(stream(chunk("a"), release.wait, chunk("b", "stop"))).generate(PROMPT)
    assert next(pieces) == "a"
    release.set()
    assert list(pieces) == ["b"]


def test_events_may_be_cut_anywhere(generator):
    data = (
        b": comment\r\n\r\nevent: x\r\ndata: "
        + json.dumps(json.loads(chunk("Grüße 水 🙂", "stop")), ensure_ascii=False).encode()
        + b"\r\n\r\ndata: [DONE]\r\n\r\n"
    )
    assert answer(generator(stream(*(data[i : i + 1] for i in range(len(data)))))) == "Grüße 水 🙂"


def test_an_event_of_several_data_lines_is_one(generator):
    event = b'data: {"choices": [{"delta":\ndata: {"content": "ja"}, "finish_reason": "stop"}]}\n\n'
    assert answer(generator(stream(event))) == "ja"


def test_a_server_that_does_not_stream_is_understood(generator):
    message = {"message": {"role": "assistant", "content": "Alles."}, "finish_reason": "stop"}
    assert answer(generator(reply({"choices": [message]}))) == "Alles."


def test_events_without_text_are_passed_over(generator):
    usage = json.dumps({"choices": [], "usage": {"total_tokens": 3}})
    role = json.dumps({"choices": [{"delta": {"role": "assistant", "content": None}}]})
    assert answer(generator(stream(role, usage, chunk("ja"), usage, "[DONE]"))) == "ja"


def test_an_answer_cut_at_its_longest_says_so(generator):
    assert answer(generator(stream(chunk("Es war einmal", "length")))) == "Es war einmal […]"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_passing_failure_is_tried_again(server, generator, status):
    assert answer(generator(refusal(status), refusal(status), GOOD)) == "Acht Bar [1]."
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 302, 204])
def test_a_lasting_refusal_is_not(server, generator, status):
    with pytest.raises(ServiceRefused, match=str(status)) as caught:
        answer(generator(refusal(status, "kein Guthaben") if status != 204 else reply(b"", 204)))
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_a_refusal_passes_the_servers_words_and_advice_on(generator):
    with pytest.raises(ServiceRefused, match=r"no such key.*RAG_ENGINE_LLM_API_KEY"):
        answer(generator(refusal(401, "no such key")))
    with pytest.raises(ServiceRefused, match=r"no model.*the model's name"):
        answer(generator(refusal(404, "no model")))
    with pytest.raises(ServiceRefused, match="plain words"):
        answer(generator(reply(b"plain words\n", 400)))
    with pytest.raises(ServiceRefused, match="too long"):
        answer(generator(reply({"detail": "too long"}, 422)))


def test_tries_end(server, generator):
    with pytest.raises(ServiceRefused, match="500"):
        answer(generator(refusal(500), max_retries=1))
    assert len(server.requests) == 2


def test_retry_after_is_kept_to(server, generator):
    asked = generator(refusal(429, Retry_After="1"), GOOD)
    began = time.monotonic()
    assert answer(asked) == "Acht Bar [1]."
    assert time.monotonic() - began >= 1


def test_a_long_retry_after_is_handed_to_the_caller(server, generator):
    with pytest.raises(ServiceRefused) as caught:
        answer(generator(refusal(429, Retry_After="3600")))
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


def test_a_hang_up_before_the_answer_is_tried_again(server, generator):
    assert answer(generator(hang_up, GOOD)) == "Acht Bar [1]."
    with pytest.raises(ServiceUnreachable, match="broke off"):
        answer(generator(hang_up, max_retries=0))


ROLE = json.dumps({"choices": [{"delta": {"role": "assistant", "content": ""}}]})


@pytest.mark.parametrize(
    "beginning",
    [stream(cut=True), stream(), stream(ROLE, cut=True), stream(b": wait\n\n", ROLE)],
)
def test_an_answer_cut_before_its_first_word_is_asked_for_again(server, generator, beginning):
    assert answer(generator(beginning, beginning, GOOD)) == "Acht Bar [1]."
    assert len(server.requests) == 3
    with pytest.raises(ServiceUnreachable):
        answer(generator(beginning, max_retries=1))
    assert len(server.requests) == 5


def test_an_answer_of_no_words_is_none_and_no_failure(server, generator):
    assert answer(generator(stream(ROLE, chunk(None, "stop"), "[DONE]"))) == ""
    assert answer(generator(stream(ROLE, "[DONE]"))) == ""
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "ending",
    [
        stream(chunk("Acht "), cut=True),
        stream(chunk("Acht ")),
        stream(chunk("Acht "), b'data: {"choi'),
    ],
)
def test_a_cut_answer_is_an_error_and_never_begun_again(server, generator, ending):
    pieces = generator(ending, GOOD).generate(PROMPT)
    assert next(pieces) == "Acht "
    with pytest.raises((ServiceUnreachable, ServiceMalformed)):
        next(pieces)
    assert len(server.requests) == 1


def test_no_server_at_all(generator):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    nobody = OpenAICompatibleGenerator(
        base_url=f"http://127.0.0.1:{port}/v1", model="m", max_retries=1, backoff_s=0.01
    )
    with pytest.raises(ServiceUnreachable, match=rf"127.0.0.1:{port}/v1 can not be reached"):
        answer(nobody)


def test_a_slow_server_times_out_once(server, generator):
    hold = threading.Event()
    asked = generator(lambda handler, request: hold.wait(5), timeout_s=0.2)
    with pytest.raises(ServiceTimeout, match=r"0\.2 s"):
        answer(asked)
    hold.set()
    assert len(server.requests) == 1


def test_a_stream_that_stalls_times_out(generator):
    hold = threading.Event()
    pieces = generator(stream(chunk("a"), lambda: hold.wait(60)), timeout_s=2).generate(PROMPT)
    assert next(pieces) == "a"
    with pytest.raises(ServiceTimeout):
        next(pieces)
    hold.set()


def test_comments_do_not_keep_a_stalled_stream_alive(generator):
    ping = [b": still here\n\n", lambda: time.sleep(0.05)] * 20
    with pytest.raises(ServiceTimeout):
        answer(generator(stream(*ping, chunk("late", "stop")), timeout_s=0.3))


def test_a_reader_that_takes_its_time_is_no_stalled_stream(generator):
    pieces = generator(stream(*map(chunk, "abc"), "[DONE]"), timeout_s=1).generate(PROMPT)
    for expected in "abc":
        assert next(pieces) == expected
        time.sleep(1.1)
    assert list(pieces) == []


@pytest.mark.parametrize(
    "broken",
    [
        reply(b"<html>Login</html>", Content_Type="text/html"),
        reply(b"\xff\xfe\x00"),
        reply(b"[" * 100_000),
        reply({"hello": "world"}),
        reply([1]),
        stream("{not json}"),
        stream('{"choices": [5]}'),
        stream('{"choices": [{"delta": {"content": 5}}]}'),
        stream('{"choices": {}, "x": 1}', '{"choices": "ab"}'),
        stream(b"data: " + b"x" * 1_100_000),
        reply(b"not gzip", Content_Encoding="gzip"),
    ],
)
def test_nonsense_is_named_as_such(server, generator, broken):
    with pytest.raises(ServiceMalformed):
        answer(generator(broken))
    assert len(server.requests) == 1


def test_an_error_within_a_stream(generator):
    error = json.dumps({"error": {"message": "out of memory", "code": 507}})
    with pytest.raises(ServiceRefused, match="out of memory") as caught:
        answer(generator(stream(chunk("a"), error)))
    assert caught.value.status == 507
    with pytest.raises(ServiceRefused, match="content filter"):
        answer(generator(stream(chunk("a"), chunk(None, "content_filter"))))


def test_an_error_within_a_stream_is_tried_again_before_the_first_word(server, generator):
    busy = json.dumps({"error": {"message": "no free slot", "code": 503}})
    assert answer(generator(stream(ROLE, busy), GOOD)) == "Acht Bar [1]."
    assert len(server.requests) == 2
    with pytest.raises(ServiceRefused, match="no free slot"):
        answer(generator(stream(ROLE, chunk("Acht"), busy), GOOD))
    assert len(server.requests) == 3


def test_the_key_comes_from_the_environment(server, generator, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_LLM_API_KEY", f"  {KEY}\n")
    answer(generator(GOOD, api_key=None))
    monkeypatch.setenv("MY_OWN_KEY", "other")
    answer(generator(GOOD, api_key=None, api_key_env="MY_OWN_KEY"))
    answer(generator(GOOD, api_key=None, api_key_env="NOT_SET_ANYWHERE"))
    assert [request.headers.get("Authorization") for request in server.requests] == [
        f"Bearer {KEY}",
        "Bearer other",
        None,
    ]


@pytest.mark.parametrize(
    "step",
    [
        refusal(401, f"Incorrect API key provided: {KEY}"),
        refusal(500, f"Bearer {KEY}"),
        reply(f"{KEY}".encode(), 400),
        reply(f"<p>{KEY}".encode()),
        reply(b"<" + b"p" * 285 + KEY.encode()),
        stream(json.dumps({"error": {"message": KEY}})),
        stream(json.dumps({"choices": [KEY]})),
        stream(KEY),
        hang_up,
        GOOD,
    ],
)
def test_the_key_shows_nowhere(generator, caplog, capsys, step):
    asked = generator(step)
    with caplog.at_level(logging.DEBUG):
        try:
            answer(asked)
            shown = ""
        except RagEngineError as error:
            shown = "".join(traceback.format_exception(error)) + repr(error)
    seen = shown + caplog.text + repr(asked) + repr(vars(asked)) + "".join(capsys.readouterr())
    assert KEY[:12] not in seen
    assert "httpx" in seen  # the log was on


def test_a_key_that_no_header_can_hold_is_not_shown(monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_LLM_API_KEY", "sk-ge“heim")
    with pytest.raises(SettingsError, match="RAG_ENGINE_LLM_API_KEY") as caught:
        OpenAICompatibleGenerator(base_url="http://localhost/v1", model="m")
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:8080/v1",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "https://user:geheim@host/v1",
        "https://host/v1?key=geheim",
        "https://host/v1#geheim",
        None,
    ],
)
def test_addresses_that_can_not_be_used(address):
    with pytest.raises(SettingsError, match="base_url") as caught:
        OpenAICompatibleGenerator(base_url=address, model="m")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""},
        {"max_tokens": 0},
        {"temperature": -1},
        {"timeout_s": 0},
        {"max_retries": -1},
    ],
)
def test_numbers_out_of_range(wrong):
    with pytest.raises(InvalidInput):
        OpenAICompatibleGenerator(**{"base_url": "http://localhost/v1", "model": "m", **wrong})


def test_every_kind_of_failure_can_be_caught_at_once():
    kinds = (ServiceTimeout, ServiceRefused, ServiceMalformed, ServiceUnreachable)
    assert all(issubclass(kind, ServiceError) for kind in kinds)


def test_connections_are_closed_with_the_last_reference(server, monkeypatch):
    closed = []
    monkeypatch.setattr(httpx.Client, "close", lambda self: closed.append(self))
    server.script[:] = [GOOD]
    answer(OpenAICompatibleGenerator(base_url=server.url, model="m"))
    assert len(set(map(id, closed))) == 2  # one keeps connections, one does not


def test_stops_and_a_temperature_are_sent(server, generator):
    answer(generator(GOOD, stop=("###", "\n\n"), temperature=0.7))
    assert server.requests[-1].body["stop"] == ["###", "\n\n"]
    assert server.requests[-1].body["temperature"] == 0.7
    answer(generator(GOOD))
    assert "stop" not in server.requests[-1].body
    for wrong in ("###", ["###", ""]):
        with pytest.raises(InvalidInput, match="stop is a list of texts"):
            generator(GOOD, stop=wrong)
