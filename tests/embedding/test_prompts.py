"""Prompts by model: stated, the model's own, the family's, none."""

from __future__ import annotations

import pytest

from rag_engine.embedding.prompts import Prompts, instructed, resolve_prompts
from rag_engine.errors import InvalidInput

INSTRUCT = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
)


@pytest.mark.parametrize(
    ("model", "query", "passage", "origin"),
    [
        ("intfloat/multilingual-e5-small", "query: ", "passage: ", "family"),
        ("intfloat/multilingual-e5-base", "query: ", "passage: ", "family"),
        ("intfloat/e5-large-v2", "query: ", "passage: ", "family"),
        ("models/Multilingual-E5-Large/", "query: ", "passage: ", "family"),
        ("intfloat/multilingual-e5-large-instruct", INSTRUCT, "", "family"),
        ("intfloat/e5-mistral-7b-instruct", INSTRUCT, "", "family"),
        ("BAAI/bge-m3", "", "", "family"),
        ("my-e5-small-model", "", "", "none"),
        ("model", "", "", "none"),
        ("", "", "", "none"),
    ],
)
def test_families(model, query, passage, origin):
    assert resolve_prompts(model) == Prompts(query=query, passage=passage, origin=origin)


def test_a_models_own_prompts_win_over_its_family():
    own = {"query": "frage: ", "passage": "text: "}
    prompts = resolve_prompts("intfloat/multilingual-e5-small", own=own)
    assert prompts == Prompts(query="frage: ", passage="text: ", origin="model")


@pytest.mark.parametrize("own", [{}, None, {"query": "", "document": ""}, {"query": None}])
def test_empty_prompts_that_every_saved_model_carries_state_nothing(own):
    assert resolve_prompts("multilingual-e5-small", own=own).origin == "family"


def test_document_comes_before_passage_as_in_sentence_transformers():
    own = {"query": "q", "passage": "p", "document": "d"}
    assert resolve_prompts("m", own=own).passage == "d"


def test_what_is_stated_wins_over_all():
    own = {"query": "q", "document": "d"}
    assert resolve_prompts("m", own=own, query_prompt="") == Prompts(
        query="", passage="d", origin="stated"
    )


def test_a_prompt_is_a_text():
    with pytest.raises(InvalidInput, match="passage_prompt"):
        resolve_prompts("m", passage_prompt=5)


@pytest.mark.parametrize("ending", ["\nQuery: ", "\nQuery:", "\nQuestion: "])
def test_a_task_takes_the_place_of_the_usual_one(ending):
    prompt = f"Instruct: Find an answer{ending}"
    assert instructed(prompt, " Finde ein Gesetz ") == f"Instruct: Finde ein Gesetz{ending}"
    joined = "می\u200cخواهم"
    assert instructed(prompt, joined) == f"Instruct: {joined}{ending}"


def test_the_family_of_instructed_models_takes_a_task():
    query = resolve_prompts("intfloat/multilingual-e5-large-instruct").query
    assert instructed(query, "Find a rule") == "Instruct: Find a rule\nQuery: "


@pytest.mark.parametrize("prompt", ["", "query: ", "Instruct: x"])
def test_other_models_take_none(prompt):
    with pytest.raises(InvalidInput, match="takes no instruction"):
        instructed(prompt, "Find a rule")


@pytest.mark.parametrize("task", ["", "  ", "a\nQuery: b", "a\u2028b", "\ud800", 5, "a" * 1_001])
def test_a_task_is_a_line_of_text(task):
    with pytest.raises(InvalidInput, match="an instruction is a line"):
        instructed("Instruct: x\nQuery: ", task)
