"""Makes the bundled adapter's examples: ``python -m pipelines.make_adapter_data EVAL TRAIN OUT``.

``EVAL`` holds ``mixed_pool_dev`` (BEIR layout, every passage and question in eleven languages) and
``parallel/ntrex_other.jsonl.gz`` (news sentences in some 85 languages), ``TRAIN`` holds
``qa.jsonl.gz`` (questions and paragraphs of one language). ``OUT`` receives six files for
``rag-engine train embedder``, one a kind of task:

- ``cross.jsonl``: a question in one language, its passage in another, a seventh of them alike;
- ``cross_long.jsonl``: the same with whole paragraphs;
- ``alike.jsonl``: a question and its paragraph in one language, at mixed lengths;
- ``parallel.jsonl``: a sentence or a question, and its translation;
- ``alike_short.jsonl``: a question and the sentence that answers it, in one language;
- ``parallel_passages.jsonl``: a passage and its translation.

Eight articles of ``mixed_pool_dev`` are kept back: no text of them is in these files, and what is
measured on them has not been learnt. The result depends on the files and the seed alone.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.train.examples import Example
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.text.sentences import sentences

__all__ = ["HELD_BACK", "main"]

HELD_BACK = frozenset({"0", "6", "14", "20", "28", "34", "40", "46"})
"""Articles that are measured on: the second field of a passage's id."""
_SEED = 20_261_127
_PASSAGES_A_QUESTION = 2
_ALIKE = 1 / 7
_PARAGRAPHS_IN = 40
"""Of a hundred questions, so many are asked of whole paragraphs too."""
_UNSPACED = frozenset({"th", "zh"})
_SYMMETRIC = 1 / 2
_WHOLE = 1 / 2
_SENTENCES_BEFORE = 2
_PARAGRAPHS_A_LANGUAGE = 1_300
_SENTENCES_A_LANGUAGE = 1_600
_PAIRS_A_SENTENCE = 8
_PAIRS_A_QUESTION = 3
_PAIRS_A_PASSAGE = 6
_SENTENCES_A_TOPIC = 10
"""News sentences stand in the order of their articles: neighbours are near misses."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question in one language, and the passages that answer it: an id for each language."""

    number: str
    language: str
    text: str
    answers: dict[str, str]

    @property
    def place(self) -> tuple[str, ...]:
        """Article, paragraph and sentence of the answer, as numbered in one language for all."""
        kept = self.answers.get("en") or min(self.answers.values())
        return tuple(kept.split("-")[1:])


def _asked(test_set: TestSet) -> list[_Asked]:
    """Return the questions about articles that are not kept back."""
    found = []
    for question in test_set.questions:
        language, number = question.id.split("-", 1)
        answers = {each.split("-")[0]: each for each in sorted(test_set.qrels[question.id])}
        asked = _Asked(number, language, question.text, answers)
        if asked.place[0] not in HELD_BACK:
            found.append(asked)
    return found


def _crossed(
    asked: Sequence[_Asked],
    passages: Mapping[str, str],
    chance: random.Random,
    *,
    count: int,
    depth: int,
) -> list[Example]:
    """Return each question with ``count`` of its passages; ``passages`` maps ids to texts.

    Examples whose places agree in their first ``depth`` parts say the same.
    """
    return [
        Example(
            question=each.text,
            positive=passages[each.answers[language]],
            question_language=each.language,
            passage_language=language,
            group=" ".join(each.place[:depth]),
            topic=each.place[0],
        )
        for each in asked
        for language in _languages(each, count, chance)
    ]


def _languages(asked: _Asked, count: int, chance: random.Random) -> list[str]:
    own = asked.language
    others = chance.sample(sorted(set(asked.answers) - {own}), count)
    return [own if own in asked.answers and chance.random() < _ALIKE else each for each in others]


def _paragraphs(passages: Mapping[str, str]) -> dict[str, str]:
    """Return for each passage's id the whole paragraph that the passage is a sentence of."""
    by_paragraph: dict[str, list[str]] = defaultdict(list)
    for name in sorted(passages, key=lambda name: int(name.rsplit("-", 1)[1])):
        by_paragraph[name.rsplit("-", 1)[0]].append(name)
    whole: dict[str, str] = {}
    for paragraph, names in by_paragraph.items():
        blank = "" if paragraph.split("-")[0] in _UNSPACED else " "
        whole |= dict.fromkeys(names, blank.join(passages[name].strip() for name in names))
    return whole


def _translated_passages(passages: Mapping[str, str], chance: random.Random) -> list[Example]:
    """Return passages with their translations, of articles that are not kept back."""
    by_place: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for name, text in sorted(passages.items()):
        language, *place = name.split("-")
        if place[0] not in HELD_BACK:
            by_place[tuple(place)].append((language, text))
    return [
        _translated(chance, chance.sample(texts, 2), group=" ".join(place), topic=place[0])
        for place, texts in sorted(by_place.items())
        if len(texts) > 1
        for _ in range(_PAIRS_A_PASSAGE)
    ]


def _translated_questions(asked: Sequence[_Asked], chance: random.Random) -> list[Example]:
    """Return questions with their translations."""
    by_number: dict[str, list[tuple[str, str]]] = defaultdict(list)
    topics = {each.number: each.place[0] for each in asked}
    for each in asked:
        by_number[each.number].append((each.language, each.text))
    return [
        _translated(chance, chance.sample(texts, 2), group=number, topic=topics[number])
        for number, texts in sorted(by_number.items())
        for _ in range(_PAIRS_A_QUESTION)
    ]


def _news(path: Path, chance: random.Random) -> list[Example]:
    """Return sentences with translations."""
    by_number: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in _rows(path):
        by_number[row["sentence"]].append((row["language"], row["text"].strip()))
    return [
        _translated(
            chance,
            chance.sample(texts, 2),
            group=f"news {number}",
            topic=f"news {number // _SENTENCES_A_TOPIC}",
        )
        for number, texts in sorted(by_number.items())
        for _ in range(_PAIRS_A_SENTENCE)
    ]


def _translated(
    chance: random.Random, pair: Sequence[tuple[str, str]], *, group: str, topic: str
) -> Example:
    (own, text), (other, translation) = pair
    return Example(
        question=text,
        positive=translation,
        question_language=own,
        passage_language=other,
        group=group,
        topic=topic,
        symmetric=chance.random() < _SYMMETRIC,
    )


def _alike(asked: Mapping[str, Sequence[dict[str, Any]]], chance: random.Random) -> list[Example]:
    """Return questions with paragraphs of their own language; ``asked`` are rows a language."""
    return [
        Example(
            question=row["question"],
            positive=_cut(row["passage"], int(row["answer_start"]), chance),
            question_language=language,
            passage_language=language,
            group=row["passage"],
            topic=f"{language} {row['title']}",
        )
        for language, rows in sorted(asked.items())
        for row in chance.sample(rows, min(len(rows), _PARAGRAPHS_A_LANGUAGE))
    ]


def _alike_short(
    asked: Mapping[str, Sequence[dict[str, Any]]], chance: random.Random
) -> list[Example]:
    """Return questions with the sentence that holds the answer."""
    return [
        _with_sentence(row)
        for _, rows in sorted(asked.items())
        for row in chance.sample(rows, min(len(rows), _SENTENCES_A_LANGUAGE))
    ]


def _with_sentence(row: Mapping[str, Any]) -> Example:
    passage, language = row["passage"], row["language"]
    spans = sentences(passage)
    start, end = spans[_holding(spans, int(row["answer_start"]))]
    sentence = passage[start:end]
    return Example(
        question=row["question"],
        positive=sentence,
        question_language=language,
        passage_language=language,
        group=sentence,
        topic=f"{language} {row['title']}",
    )


def _holding(spans: Sequence[tuple[int, int]], place: int) -> int:
    """Return which sentence holds a place."""
    return max((n for n, (start, _) in enumerate(spans) if start <= place), default=0)


def _cut(passage: str, answer: int, chance: random.Random) -> str:
    """Return the passage, or some of its sentences with the answer among the first."""
    spans = sentences(passage)
    holding = _holding(spans, answer)
    first = chance.randint(max(0, holding - _SENTENCES_BEFORE), holding)
    last = len(spans) if chance.random() < _WHOLE else chance.randint(holding + 1, len(spans))
    return passage[spans[first][0] : spans[last - 1][1]]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def main(arguments: Sequence[str]) -> None:
    """Write the six files of examples into the folder ``OUT``."""
    measured, training, target = (Path(each) for each in arguments)
    chance = random.Random(_SEED)
    test_set = load_test_set(measured / "mixed_pool_dev")
    passages = {each.id: each.text for each in test_set.corpus}
    asked = _asked(test_set)
    paragraphs = _paragraphs(passages)
    some = chance.sample(asked, len(asked) * _PARAGRAPHS_IN // 100)
    questions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(training / "qa.jsonl.gz"):
        questions[row["language"]].append(row)
    files = {
        "cross.jsonl": _crossed(asked, passages, chance, count=_PASSAGES_A_QUESTION, depth=3),
        "cross_long.jsonl": _crossed(some, paragraphs, chance, count=1, depth=2),
        "alike.jsonl": _alike(questions, chance),
        "parallel.jsonl": [
            *_translated_questions(asked, chance),
            *_news(measured / "parallel" / "ntrex_other.jsonl.gz", chance),
        ],
        "alike_short.jsonl": _alike_short(questions, chance),
        "parallel_passages.jsonl": _translated_passages(passages, chance),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, examples in files.items():
        lines = [each.model_dump_json(exclude_defaults=True) + "\n" for each in examples]
        (target / name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
