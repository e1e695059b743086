"""The set of questions typed otherwise: that it is well-formed. What it finds, ``bench`` says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from typing import Any

import pytest

from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.bench.typing_cost import typed_otherwise_set

KINDS = {
    "letters otherwise",
    "name in another script",
    "numbers in words",
    "other numerals",
    "romanised",
    "without accents",
}


def rows(name: str) -> list[dict[str, Any]]:
    text = (typed_otherwise_set() / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def corpus() -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in rows("corpus.jsonl")}


@pytest.fixture(scope="module")
def queries() -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in rows("queries.jsonl")}


def pairs(queries: dict[str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    """How each question is typed otherwise, its text as written, and its text otherwise."""
    return [
        (row["kind"], queries[each.removesuffix("-bare")]["text"], row["text"])
        for each, row in queries.items()
        if each.endswith("-bare")
    ]


def test_ids_and_texts_are_there_once(corpus, queries):
    assert len(corpus) == len(rows("corpus.jsonl"))
    assert len(queries) == len(rows("queries.jsonl"))
    texts = Counter(
        unicodedata.normalize("NFC", row["text"]) for row in (*corpus.values(), *queries.values())
    )
    assert [text for text, times in texts.items() if times > 1 or text != text.strip()] == []


def test_every_question_is_there_as_written_and_otherwise(queries):
    bare = {each for each in queries if each.endswith("-bare")}
    assert {each + "-bare" for each in queries.keys() - bare} == bare
    assert len(bare) >= 220
    for each in bare:
        written = queries[each.removesuffix("-bare")]
        assert written["kind"] == "as written"
        assert queries[each]["language"] == written["language"]
    assert {queries[each]["kind"] for each in bare} == KINDS


def test_each_question_has_one_right_passage_in_its_language(corpus, queries):
    judged = load_test_set(typed_otherwise_set())
    assert {question.id for question in judged.questions} == set(judged.qrels) == set(queries)
    asked = set()
    for question, grades in judged.qrels.items():
        [(passage, grade)] = grades.items()
        assert grade == 1
        assert corpus[passage]["language"] == queries[question]["language"]
        assert judged.qrels[question.removesuffix("-bare")] == grades
        asked.add(passage)
    assert asked == set(corpus)  # no passage stands there for nothing


def test_every_language_has_passages_and_questions(corpus, queries):
    passages = Counter(row["language"] for row in corpus.values())
    questions = Counter(row["language"] for row in queries.values())
    assert len(passages) >= 20
    assert passages.keys() == questions.keys()
    assert min(passages.values()) >= 8
    assert min(questions.values()) >= 16


def test_each_kind_is_what_its_name_says(queries):
    for kind, written, otherwise in pairs(queries):
        assert unpunctuated(written) != unpunctuated(otherwise), otherwise
        if kind == "romanised":  # with accents at most, as Serbian is in Latin letters
            assert scripts(otherwise) == {"LATIN"}, otherwise
            assert "LATIN" not in scripts(written), written
        elif kind == "without accents":
            assert words(otherwise) == words(without_accents(written)), otherwise
        elif kind in {"numbers in words", "other numerals"}:
            assert re.findall(r"\d+|[IVX]{2,}", written) != re.findall(r"\d+", otherwise), otherwise
        elif kind == "name in another script":
            assert scripts(otherwise) - scripts(written), otherwise


def unpunctuated(text: str) -> str:
    """A text without what people leave out of questions anyway; an apostrophe is a letter's."""
    letters = (each for each in text.lower() if each == "'" or unicodedata.category(each)[0] != "P")
    return unicodedata.normalize("NFC", "".join(letters)).strip()


def without_accents(text: str) -> str:
    """A text without accents, as people type it; four letters are no letter with a mark."""
    letters = str.maketrans({"đ": "d", "ł": "l", "ı": "i", "ß": "ss"})
    apart = unicodedata.normalize("NFD", text.lower().translate(letters))
    return "".join(each for each in apart if not unicodedata.combining(each))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def scripts(text: str) -> set[str]:
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}
