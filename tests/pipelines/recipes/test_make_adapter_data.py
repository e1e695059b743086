"""The examples of the bundled adapter, made from small sets of the same shape."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rag_engine.connectors.training.examples import Example, read_examples
from rag_engine.pipelines.recipes.make_adapter_data import HELD_BACK, main

LANGUAGES = ["de", "en", "fr", "it"]
KEPT_BACK, SHOWN = "0", "1"


def name(language: str, article: str, paragraph: int, sentence: int) -> str:
    return f"{language}-{article}-{paragraph}-{sentence}"


def said(language: str, article: str, paragraph: int, sentence: int) -> str:
    return f"{name(language, article, paragraph, sentence)} says so in its own words."


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, tuple[Example, ...]]:
    """Two articles of three paragraphs of four sentences; of each, the first two are asked for."""
    folder = tmp_path_factory.mktemp("sets")
    pool = folder / "eval" / "mixed_pool_dev"
    places = [(a, p, s) for a in (KEPT_BACK, SHOWN) for p in range(3) for s in range(4)]
    write_rows(
        pool / "corpus.jsonl",
        [
            {"_id": name(each, *place), "title": "", "text": said(each, *place)}
            for each in LANGUAGES
            for place in places
        ],
    )
    asked = [place for place in places if place[2] < 2]
    questions = {f"{each}-q{a}{p}{s}": (a, p, s) for each in LANGUAGES for a, p, s in asked}
    write_rows(
        pool / "queries.jsonl",
        [{"_id": each, "text": f"question {each}"} for each in questions],
    )
    judged = [
        f"{each}\t{name(language, *place)}\t1\n"
        for each, place in questions.items()
        for language in LANGUAGES
    ]
    (pool / "qrels").mkdir()
    (pool / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8"
    )
    write_rows(
        folder / "eval" / "parallel" / "ntrex_other.jsonl.gz",
        [
            {
                "language": each,
                "sentence": n,
                "text": " ".join(f"{each}.{n}.{word}" for word in "abcdef"),
            }
            for each in LANGUAGES
            for n in range(5)
        ],
    )
    passage = "The pump runs for nine hours. It was built in Turku. It is red all over."
    write_rows(
        folder / "train" / "qa.jsonl.gz",
        [
            {
                "language": "en",
                "title": "Pump",
                "question": "Where was it built?",
                "passage": passage,
                "answer_start": passage.index("Turku"),
            },
            {
                "language": "en",
                "title": "Tank",
                "question": "What does it hold?",
                "passage": "It holds forty litres.",
                "answer_start": 9,
            },
        ],
    )
    main([str(folder / "eval"), str(folder / "train"), str(folder / "out")])
    return {path.stem: read_examples(path).examples for path in sorted((folder / "out").iterdir())}


def test_every_kind_is_there(made):
    assert sorted(made) == [
        "alike",
        "alike_short",
        "cross",
        "cross_long",
        "parallel",
        "parallel_parts",
        "parallel_passages",
    ]
    assert len(made["cross"]) == 2 * 4 * 6


def test_no_text_of_an_article_that_is_kept_back_is_shown(made):
    assert KEPT_BACK in HELD_BACK
    assert SHOWN not in HELD_BACK
    for examples in made.values():
        for example in examples:
            for text in (example.question, example.positive, *example.negatives):
                assert not text.startswith(tuple(f"{each}-{KEPT_BACK}-" for each in LANGUAGES))
                assert f"-q{KEPT_BACK}" not in text


def test_a_crossed_question_has_a_negative_beside_its_passage(made):
    groups = {each.positive: each.group for each in made["cross"]}
    for each in made["cross"]:
        (negative,) = each.negatives
        language, article, paragraph, sentence = negative.split()[0].split("-")
        assert language == each.passage_language
        assert each.group.split() == [article, paragraph, each.positive.split()[0][-1]]
        assert sentence != each.group.split()[2]
        assert groups.get(negative) != each.group
        assert negative in groups or int(sentence) >= 2  # else nobody knows what it answers


def test_some_words_of_a_sentence_ask_for_translations_around_it(made):
    assert made["parallel_parts"]
    for each in made["parallel_parts"]:
        words, passage = each.question.split(), each.positive.split()
        (asked,) = {word.split(".")[1] for word in words}
        assert {word.split(".")[0] for word in words} == {each.question_language}
        assert {word.split(".")[0] for word in passage} == {each.passage_language}
        assert each.question_language != each.passage_language
        assert asked in {word.split(".")[1] for word in passage}
        assert 4 <= len(words) < 6
        assert len(passage) in {6, 12, 18}


def test_a_question_with_its_sentence_has_another_of_the_paragraph(made):
    (example,) = made["alike_short"]  # a paragraph of one sentence has no other
    assert example.positive == "It was built in Turku."
    assert example.negatives[0] in {"The pump runs for nine hours.", "It is red all over."}
    assert {each.question for each in made["alike"]} == {
        "Where was it built?",
        "What does it hold?",
    }
