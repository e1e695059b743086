"""Makes the examples of the adapter's second training: ``make_held_data EVAL TRAIN OUT``.

``EVAL`` holds ``mixed_pool_dev``, ``nomiracl_dev`` (of which only the numbers are read, to leave
its questions out) and ``parallel/flores.jsonl.gz``; ``TRAIN`` holds ``qa.jsonl.gz``,
``qa_more.jsonl.gz``, ``nomiracl.jsonl.gz`` and ``courses.jsonl.gz``. ``OUT`` receives

- ``courses.jsonl``: headings or words of a paragraph, and the paragraph in another language, its
  neighbour for a negative;
- ``asked.jsonl``: questions and their passages in one language;
- ``hold_within.jsonl`` for ``--hold``: questions, sentences or words and passages of one language,
  205 of them, topic by topic: what is near in a language stays so;
- ``hold_across.jsonl`` for ``--hold``: questions and passages in any languages with their English
  originals: what is near in English is to be near between all.

An eighth of the questions in other scripts are written in Latin letters. Nothing of the eight
articles that ``make_adapter_data`` keeps back is in them. The result depends on the files and the
seed alone.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from anyascii import anyascii

from rag_engine.connectors.training.examples import Example
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.recipes.adapter_news import read_rows, some_words
from rag_engine.pipelines.recipes.make_adapter_data import HELD_BACK
from rag_engine.text.sentences import sentences

__all__ = ["main"]

_SEED = 20_261_129
_ENGLISH = "en"
_LATINISED = 1 / 8
_HEADINGS = 1 / 3
"""Of the questions about courses; the others are words of the paragraph."""
_COURSE_PAIRS = 6_000
_ASKED_A_LANGUAGE = 800
_COURSE_ROWS = 80
"""Rows a language that are held."""
_ASKED_ROWS = 400
_JUDGED_QUESTIONS = 160
_JUDGED_PASSAGES = 5
_SENTENCE_ROWS = 48
_ACROSS = 4_000
"""Rows of each of three kinds."""

_Rows = list[dict[str, Any]]
_Sentences = dict[int, dict[str, str]]


def _typed(question: str, chance: random.Random) -> str:
    latin = anyascii(question).strip()
    return latin if latin and chance.random() < _LATINISED else question


def _filled(course: dict[str, Any]) -> dict[str, Any]:
    """Return a row without languages in which nothing stands."""
    texts = {language: text for language, text in course["texts"].items() if text.strip()}
    return {**course, "texts": texts}


def _asked_of(course: dict[str, Any], language: str, chance: random.Random) -> tuple[str, str]:
    """Return what is asked of a paragraph in a language, and the same in English."""
    headings = course["headings"]
    if chance.random() < _HEADINGS and headings.get(language) and headings.get(_ENGLISH):
        return headings[language], headings[_ENGLISH]
    first = [_first_sentence(course["texts"][each]) for each in (language, _ENGLISH)]
    return first[0], first[1]


def _first_sentence(text: str) -> str:
    start, end = sentences(text)[0]
    return text[start:end]


def _course_pairs(courses: _Rows, chance: random.Random) -> Iterator[Example]:
    beside: dict[tuple[str, str], _Rows] = defaultdict(list)
    for row in courses:
        beside[row["source"], row["document"]].append(row)
    for row in chance.choices(courses, k=_COURSE_PAIRS):
        own, other = chance.choices(sorted(row["texts"]), k=2)
        near = [
            each["texts"][other]
            for each in beside[row["source"], row["document"]]
            if other in each["texts"] and each is not row
        ]
        if not near:
            continue
        question, _ = _asked_of(row, own, chance)
        if question == _first_sentence(row["texts"][own]):
            question = some_words(row["texts"][own], chance)
        yield Example(
            question=_typed(question, chance),
            positive=row["texts"][other],
            negatives=(chance.choice(near),),
            question_language=own,
            passage_language=other,
            group=f"{row['source']} {row['document']} {row['paragraph']}",
            topic=f"{row['source']} {row['document']}",
        )


def _asked_pairs(asked: dict[str, _Rows], chance: random.Random) -> Iterator[Example]:
    for language, rows in sorted(asked.items()):
        for row in chance.sample(rows, min(len(rows), _ASKED_A_LANGUAGE)):
            yield Example(
                question=_typed(row["question"], chance),
                positive=row["passage"],
                question_language=language,
                passage_language=language,
                group=row["passage"],
                topic=f"{language} {row['title']}",
            )


def _within_asked(asked: dict[str, _Rows], chance: random.Random) -> Iterator[Example]:
    for language, rows in sorted(asked.items()):
        some = chance.sample(rows, min(len(rows), _ASKED_ROWS))
        for row in sorted(some, key=lambda row: (row["title"] or "", row["passage"])):
            yield _held(language, row["question"], row["passage"])


def _within_judged(
    path: Path, left_out: frozenset[str], chance: random.Random
) -> Iterator[Example]:
    by_language: dict[str, _Rows] = defaultdict(list)
    for row in read_rows(path):
        if row["id"] not in left_out:
            by_language[row["language"]].append(row)
    for language, rows in sorted(by_language.items()):
        for row in chance.sample(rows, min(len(rows), _JUDGED_QUESTIONS)):
            for passage in chance.sample(row["passages"], _JUDGED_PASSAGES):
                text = (
                    f"{passage['title']}. {passage['text']}"
                    if chance.random() < 1 / 2
                    else passage["text"]
                )
                yield _held(f"{language} judged", row["question"], text)


def _within_courses(courses: _Rows, chance: random.Random) -> Iterator[Example]:
    by_language: dict[str, _Rows] = defaultdict(list)
    for row in courses:
        for language in row["texts"]:
            by_language[language].append(row)
    for language, rows in sorted(by_language.items()):
        start = chance.randrange(max(1, len(rows) - _COURSE_ROWS))
        for row in rows[start : start + _COURSE_ROWS]:
            text = row["texts"][language]
            question, _ = _asked_of(row, language, chance)
            yield _held(f"{language} course", question, text)


def _within_sentences(flores: _Sentences, chance: random.Random) -> Iterator[Example]:
    languages = sorted({language for texts in flores.values() for language in texts})
    for language in languages:
        known = [texts[language] for _, texts in sorted(flores.items()) if language in texts]
        start = chance.randrange(max(1, len(known) - _SENTENCE_ROWS))
        for text in known[start : start + _SENTENCE_ROWS]:
            yield _held(language, some_words(text, chance), text)


def _held(topic: str, question: str, passage: str) -> Example:
    return Example(question=question, positive=passage, topic=topic)


def _across_courses(courses: _Rows, chance: random.Random) -> Iterator[Example]:
    start = chance.randrange(len(courses))
    for row in (courses[start:] + courses[:start])[:_ACROSS]:
        own, other = chance.choices(sorted(row["texts"]), k=2)
        question, original = _asked_of(row, own, chance)
        yield Example(
            question=_typed(question, chance),
            positive=row["texts"][other],
            original_question=original,
            original_positive=row["texts"][_ENGLISH],
            topic="courses",
        )


def _across_sentences(flores: _Sentences, chance: random.Random) -> Iterator[Example]:
    numbers = sorted(flores)
    for place in range(_ACROSS):
        texts = flores[numbers[place % len(numbers)]]
        own, other = chance.choices(sorted(texts), k=2)
        whole = chance.random() < 1 / 2
        yield Example(
            question=texts[own] if whole else some_words(texts[own], chance),
            positive=texts[other],
            original_question=texts["eng_Latn"],
            original_positive=texts["eng_Latn"],
            topic="sentences",
        )


def _across_questions(folder: Path, chance: random.Random) -> Iterator[Example]:
    test_set = load_test_set(folder)
    passages = {each.id: each.text for each in test_set.corpus}
    by_number: dict[str, dict[str, Any]] = defaultdict(dict)
    for question in test_set.questions:
        language, number = question.id.split("-", 1)
        by_number[number][language] = question
    known = []
    for texts in by_number.values():
        answers = {each.split("-")[0]: each for each in test_set.qrels[texts[_ENGLISH].id]}
        article = answers[_ENGLISH].split("-")[1]
        if article not in HELD_BACK:
            known.append((int(article), answers[_ENGLISH], texts, answers))
    known.sort(key=lambda each: each[:2])
    for place in range(_ACROSS):
        _, _, texts, answers = known[place % len(known)]
        own, other = chance.choice(sorted(texts)), chance.choice(sorted(answers))
        yield Example(
            question=_typed(texts[own].text, chance),
            positive=passages[answers[other]],
            original_question=texts[_ENGLISH].text,
            original_positive=passages[answers[_ENGLISH]],
            topic="questions",
        )


def main(arguments: Sequence[str]) -> None:
    """Write the four files of examples into the folder ``OUT``."""
    measured, training, target = (Path(each) for each in arguments)
    chance = random.Random(_SEED)
    courses = [_filled(row) for row in read_rows(training / "courses.jsonl.gz")]
    asked: dict[str, _Rows] = defaultdict(list)
    for name in ("qa.jsonl.gz", "qa_more.jsonl.gz"):
        for row in read_rows(training / name):
            if row.get("answerable", True):
                asked[row["language"]].append(row)
    flores: _Sentences = defaultdict(dict)
    for row in read_rows(measured / "parallel" / "flores.jsonl.gz"):
        flores[row["sentence"]][row["language"]] = row["text"]
    judged = frozenset(each.id for each in load_test_set(measured / "nomiracl_dev").questions)
    files = {
        "courses.jsonl": list(_course_pairs(courses, chance)),
        "asked.jsonl": list(_asked_pairs(asked, chance)),
        "hold_within.jsonl": [
            *_within_asked(asked, chance),
            *_within_judged(training / "nomiracl.jsonl.gz", judged, chance),
            *_within_courses(courses, chance),
            *_within_sentences(flores, chance),
        ],
        "hold_across.jsonl": [
            *_across_courses(courses, chance),
            *_across_sentences(flores, chance),
            *_across_questions(measured / "mixed_pool_dev", chance),
        ],
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, examples in files.items():
        lines = [each.model_dump_json(exclude_defaults=True) + "\n" for each in examples]
        (target / name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
