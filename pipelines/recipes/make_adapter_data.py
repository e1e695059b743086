"""Makes the bundled adapter's examples: ``make_adapter_data EVAL TRAIN OUT``.

``EVAL`` holds ``mixed_pool_dev`` (BEIR layout, every passage and question in eleven languages) and
``parallel/ntrex_other.jsonl.gz`` (news sentences in some 85 languages), ``TRAIN`` holds
``qa.jsonl.gz`` (questions and paragraphs of one language). ``OUT`` receives seven files for
``rag-engine train embedder``, one a kind of task:

- ``cross.jsonl``: a question in one language, its passage and another one of the same paragraph in
  a second language, a seventh of them alike;
- ``cross_long.jsonl``: the same with whole paragraphs;
- ``alike.jsonl``: a question and its paragraph in one language, at mixed lengths;
- ``parallel.jsonl``: a sentence or a question, and its translation;
- ``alike_short.jsonl``: a question, the sentence that answers it and another one of the same
  paragraph, in one language;
- ``parallel_passages.jsonl``: a passage and its translation;
- ``parallel_parts.jsonl``: words of a news sentence, and some sentences in another language of
  which one holds what they say.

Eight articles of ``mixed_pool_dev`` are kept back: no text of them is in these files, and what is
measured on them has not been learnt. The result depends on the files and the seed alone.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.examples import Example
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.pipelines.recipes.adapter_news import (
    parts_of_news,
    read_rows,
    translated,
    translated_news,
)
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
_WHOLE = 1 / 2
_SENTENCES_BEFORE = 2
_PARAGRAPHS_A_LANGUAGE = 1_300
_SENTENCES_A_LANGUAGE = 1_600
_SENTENCE = 16
"""Characters; what is shorter is a heading, or a rest of one."""
_PAIRS_A_QUESTION = 3
_PAIRS_A_PASSAGE = 6


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


def _with_neighbours(
    examples: Sequence[Example],
    asked: Sequence[_Asked],
    passages: Mapping[str, str],
    chance: random.Random,
) -> list[Example]:
    """Give each example a negative: of its passage's paragraph and language, else of its article.

    It is what answers no question or the positive of another group, so that it is known of every
    negative whether a batch holds a question that it answers.
    """
    answers = {name for each in asked for name in each.answers.values()}
    groups = {each.positive: each.what for each in examples}
    names = {text: name for name, text in sorted(passages.items())}
    near: dict[str, list[str]] = defaultdict(list)
    for text, name in names.items():
        if text in groups or name not in answers:
            paragraph = name.rsplit("-", 1)[0]
            near[paragraph].append(text)
            near[paragraph.rsplit("-", 1)[0]].append(text)
    found: list[Example] = []
    for each in examples:
        paragraph = names[each.positive].rsplit("-", 1)[0]
        for place in (paragraph, paragraph.rsplit("-", 1)[0]):
            others = [text for text in near[place] if groups.get(text) != each.what]
            if others:
                break
        found.append(each.model_copy(update={"negatives": (chance.choice(others),)}))
    return found


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
        translated(chance, chance.sample(texts, 2), group=" ".join(place), topic=place[0])
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
        translated(chance, chance.sample(texts, 2), group=number, topic=topics[number])
        for number, texts in sorted(by_number.items())
        for _ in range(_PAIRS_A_QUESTION)
    ]


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
    """Return questions with the sentence that holds the answer, and another of its paragraph."""
    found: list[Example] = []
    for _, rows in sorted(asked.items()):
        made = [_with_sentences(row, chance) for row in rows]
        several = [each for each in made if each.negatives]
        found += chance.sample(several, min(len(several), _SENTENCES_A_LANGUAGE))
    return found


def _with_sentences(row: Mapping[str, Any], chance: random.Random) -> Example:
    passage, language = row["passage"], row["language"]
    spans = sentences(passage)
    holding = _holding(spans, int(row["answer_start"]))
    texts = [passage[start:end] for start, end in spans]
    sentence = texts[holding]
    others = [each for each in texts if each != sentence and len(each) >= _SENTENCE]
    return Example(
        question=row["question"],
        positive=sentence,
        negatives=(chance.choice(others),) if others else (),
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


def main(arguments: Sequence[str]) -> None:
    """Write the seven files of examples into the folder ``OUT``."""
    measured, training, target = (Path(each) for each in arguments)
    chance = random.Random(_SEED)
    test_set = load_test_set(measured / "mixed_pool_dev")
    passages = {each.id: each.text for each in test_set.corpus}
    asked = _asked(test_set)
    paragraphs = _paragraphs(passages)
    some = chance.sample(asked, len(asked) * _PARAGRAPHS_IN // 100)
    questions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read_rows(training / "qa.jsonl.gz"):
        questions[row["language"]].append(row)
    crossed = _crossed(asked, passages, chance, count=_PASSAGES_A_QUESTION, depth=3)
    news = measured / "parallel" / "ntrex_other.jsonl.gz"
    files = {
        "cross.jsonl": _with_neighbours(crossed, asked, passages, chance),
        "cross_long.jsonl": _crossed(some, paragraphs, chance, count=1, depth=2),
        "alike.jsonl": _alike(questions, chance),
        "parallel.jsonl": [
            *_translated_questions(asked, chance),
            *translated_news(news, chance),
        ],
        "alike_short.jsonl": _alike_short(questions, chance),
        "parallel_passages.jsonl": _translated_passages(passages, chance),
        "parallel_parts.jsonl": parts_of_news(news, chance),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, examples in files.items():
        lines = [each.model_dump_json(exclude_defaults=True) + "\n" for each in examples]
        (target / name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
