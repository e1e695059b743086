"""The chat connector against a real llama.cpp server with a real small model."""

from __future__ import annotations

import time

import pytest

from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.errors import ServiceTimeout
from rag_engine.ports import Prompt
from tests.waiting import PATIENCE_S


def asked(question, system="You are a helpful assistant."):
    return Prompt(system=system, user=question, question=question, language="en")


@pytest.fixture
def generator(llama_server):
    made = []

    def make(**options):
        options = {"timeout_s": PATIENCE_S, "max_tokens": 32, **options}
        made.append(
            OpenAICompatibleGenerator(
                base_url=llama_server.base_url, model=llama_server.model, **options
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_it_answers_from_what_it_was_given(generator):
    prompt = asked("Repeat exactly: The code is 4711.")
    assert "4711" in "".join(generator().generate(prompt))


def test_the_answer_comes_piece_by_piece(generator):
    pieces = list(generator(max_tokens=24).generate(asked("Tell me a long story about a dog.")))
    assert len(pieces) > 12
    assert pieces[-1] == " […]"  # it was cut at max_tokens, and says so


def test_the_likeliest_answer_is_always_the_same(generator):
    prompt = asked("Name three colours.")
    assert len({"".join(generator(max_tokens=16).generate(prompt)) for _ in range(2)}) == 1


def test_who_stops_reading_sets_the_server_free(generator):
    # The server answers one question at a time: the second would wait for the end of the tale,
    # which goes on some hundred times as long as its first pieces took.
    endless = generator(max_tokens=4000).generate(asked("Write a very long fairy tale."))
    began = time.monotonic()
    for _ in range(40):
        assert next(endless)
    patience_s = max(5, 30 * (time.monotonic() - began))
    endless.close()
    assert "".join(generator(timeout_s=patience_s, max_tokens=4).generate(asked("Hello")))


def test_a_server_that_is_busy_with_another_is_too_slow(generator):
    busy = generator(max_tokens=4000).generate(asked("Write a very long fairy tale."))
    assert next(busy)
    with pytest.raises(ServiceTimeout, match=r"0\.3 s"):
        list(generator(timeout_s=0.3).generate(asked("Hello")))
    busy.close()
