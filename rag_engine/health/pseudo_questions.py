"""Questions that the knowledge base asks itself, whose answers are known without labels.

A heading asks for the document that it stands in. The first sentence of a passage that has a
translation asks, with its own document left out, for the translation: that says whether search
finds across these two languages. Such questions are easier than a reader's (translations are known
by the same vectors), so a failure says more than a success.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from rag_engine.health.findings import EXAMPLES, Example, Finding, example_of, first_of, not_told
from rag_engine.health.sample import Sample
from rag_engine.store.catalogue_records import FoundChunk
from rag_engine.store.view import View
from rag_engine.text.sentences import sentences
from rag_engine.text.unspaced import UNSPACED

__all__ = ["Asked", "PseudoQuestions", "ask_pseudo_questions", "question_findings", "weight"]

DEPTH = 10
_OF_PAIR = 20
"""Questions of one pair of languages."""
_SHORTEST, _LONGEST = 12, 400
"""Characters of a question; the shortest by their weight."""
_DENSE = regex.compile(rf"(?V1)[[{UNSPACED}]\p{{Hangul}}]")
_DENSE_WEIGHT = 3
"""Four signs of these scripts, such as 水泵故障, name what takes twelve letters and more."""
_FEWEST_FOUND = 0.8
_FEWEST_ASKED = 5
"""Questions of a pair of languages: of fewer, none is called weak."""

Rank = Callable[[Sequence[str], Sequence[Collection[str]]], Iterable[Sequence[str]]]
"""Gives for each question the ids of the best documents, some of them left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Questions of one kind: ``found`` had what they ask for among the first ten.

    ``first`` had a right one first: for a translation, one in whatever language.
    """

    asked: int
    found: int
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoQuestions:
    """``headings`` by language, ``translations`` by pair of languages (``de->fr``).

    ``missed_headings`` are places in the sample, ``missed`` some translations that were not found.
    ``short_headings`` counts the headings that are too short to ask with.
    """

    headings: dict[str, Asked]
    translations: dict[str, Asked]
    missed_headings: tuple[int, ...]
    missed: tuple[Example, ...]
    short_headings: int = 0


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    group: str
    wanted: str
    right: frozenset[str]
    without: str
    shown: FoundChunk
    place: int = -1


def ask_pseudo_questions(
    view: View, sample: Sample, rank: Rank, *, most: int, seed: int
) -> PseudoQuestions:
    """Ask at most ``most`` questions, half of them from headings, drawn by a ``seed``."""
    generator = np.random.default_rng(seed)
    headings = _evenly(_of_headings(sample, generator), most // 2)
    translations = _evenly(_of_translations(view, generator), most - len(headings))
    both = [*headings, *translations]
    ranked = rank(
        [each.text for each in both], [[each.without] * bool(each.without) for each in both]
    )
    answers = list(zip(both, map(list, ranked), strict=True))
    of_headings, of_translations = answers[: len(headings)], answers[len(headings) :]
    return PseudoQuestions(
        headings=_counted(of_headings),
        translations=_counted(of_translations),
        missed_headings=tuple(each.place for each, found in of_headings if _missed(each, found)),
        missed=tuple(_missing(each) for each, found in of_translations if _missed(each, found))[
            :EXAMPLES
        ],
        short_headings=len({each for each in map(_heading, sample.chunks) if _is_short(each)}),
    )


def weight(text: str) -> int:
    """Return the characters of a text; Han, kana, Hangul, Thai, Lao, Khmer and Burmese count three.

    >>> weight("Pumpe 1"), weight("水泵故障"), weight("펌프 고장")
    (7, 12, 13)
    """
    return len(text) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(text))


def _is_short(heading: str) -> bool:
    return 0 < weight(heading) < _SHORTEST


def _missed(question: _Question, found: Sequence[str]) -> bool:
    return question.wanted not in found


def _counted(answers: Sequence[tuple[_Question, list[str]]]) -> dict[str, Asked]:
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for question, found in answers:
        first = bool(found) and found[0] in question.right
        groups.setdefault(question.group, []).append((question.wanted in found, first))
    return {
        group: Asked(
            asked=len(each),
            found=sum(found for found, _ in each),
            first=sum(first for _, first in each),
        )
        for group, each in sorted(groups.items())
    }


def _evenly(questions: Iterable[_Question], most: int) -> list[_Question]:
    """Take questions of each group in turn, until there are enough."""
    groups: dict[str, list[_Question]] = {}
    for question in questions:
        group = groups.setdefault(question.group, [])
        if len(group) < _OF_PAIR:
            group.append(question)
    taken: list[_Question] = []
    for turn in range(_OF_PAIR):
        taken += [groups[name][turn] for name in sorted(groups) if turn < len(groups[name])]
    return sorted(taken[:most], key=lambda question: question.group)


def _of_headings(sample: Sample, generator: np.random.Generator) -> Iterator[_Question]:
    """Yield headings that stand in one document alone."""
    documents: dict[str, set[str]] = {}
    headings = [_heading(each) for each in sample.chunks]
    for heading, each in zip(headings, sample.chunks, strict=True):
        documents.setdefault(heading, set()).add(each.chunk.document_id)
    asked: set[str] = set()
    for place in generator.permutation(len(sample)).tolist():
        heading, each = headings[place], sample.chunks[place]
        if weight(heading) >= _SHORTEST and len(documents[heading]) == 1 and heading not in asked:
            asked.add(heading)
            name = each.chunk.document_id
            yield _Question(heading, each.chunk.language, name, frozenset({name}), "", each, place)


def _heading(found: FoundChunk) -> str:
    parts = [found.title, *found.chunk.section[-1:]]
    return " ".join(" ".join(dict.fromkeys(part for part in parts if part)).split())[:_LONGEST]


def _of_translations(view: View, generator: np.random.Generator) -> Iterator[_Question]:
    """Yield the first sentences of passages that have a translation in another document."""
    pairs = view.snapshot.twins.pairs
    both = np.concatenate([pairs, pairs[:, ::-1]])
    codes = view.snapshot.language_codes(both.ravel()).reshape(-1, 2)
    order = generator.permutation(len(both))
    wanted: dict[tuple[int, int], int] = {}
    drawn = []
    for row in order.tolist():
        pair = (int(codes[row, 0]), int(codes[row, 1]))
        if wanted.setdefault(pair, 0) < 2 * _OF_PAIR:  # some of them make no question
            wanted[pair] += 1
            drawn.append(row)
    chunks: dict[int, FoundChunk] = {}
    twins = view.snapshot.twins.of(np.unique(both[drawn, 0]))
    ids = sorted({each for row in drawn for each in both[row].tolist()}.union(*twins.values()))
    for start in range(0, len(ids), 500):
        chunks.update(view.chunks(ids[start : start + 500]))
    for row in drawn:
        one, other = (chunks.get(each) for each in both[row].tolist())
        if one is None or other is None:
            continue
        text = _first_sentence(one)
        apart = one.chunk.document_id != other.chunk.document_id
        if apart and weight(text) >= _SHORTEST:
            group = f"{one.chunk.language}->{other.chunk.language}"
            right = frozenset(
                chunks[each].chunk.document_id for each in twins[one.id] if each in chunks
            )
            wanted_name, own = other.chunk.document_id, one.chunk.document_id
            yield _Question(text, group, wanted_name, right, own, one)


def _first_sentence(found: FoundChunk) -> str:
    """Return the first sentence that is no heading."""
    text, headings = found.chunk.text, {*found.chunk.section, found.title}
    for start, end in sentences(text, found.chunk.language):
        sentence = text[start:end]
        if sentence.strip("#=* ") not in headings and weight(sentence) >= _SHORTEST:
            return " ".join(sentence.split())[:_LONGEST]
    return ""


def _missing(question: _Question) -> Example:
    return example_of(question.shown.chunk, f"does not find {question.wanted}", question.text)


def question_findings(sample: Sample, asked: PseudoQuestions | None, why: str) -> Iterator[Finding]:
    """Say whether passages are found by their headings, and by their translations."""
    if asked is None:
        yield not_told(
            "pseudo-questions",
            f"none were asked: {why}",
            "run it again where the model is and answers: it tells whether search finds across "
            "languages",
        )
        return
    yield _by_heading(sample, asked)
    yield _across_languages(asked)


def _by_heading(sample: Sample, asked: PseudoQuestions) -> Finding:
    total, found = _sums(asked.headings)
    short = (
        f"; {asked.short_headings:,} too short to ask (under {_SHORTEST} characters)"
        if asked.short_headings
        else ""
    )
    if not total:
        return not_told(
            "found by its heading",
            f"there are no headings of one document alone to ask with{short}",
        )
    fine = found >= _FEWEST_FOUND * total
    return Finding(
        check="found by its heading",
        fine=fine,
        says=(
            f"{found:,} of {total:,} headings find their own document among the first {DEPTH}"
            f"{short}"
        ),
        advice=(
            "nothing to do"
            if fine
            else "headings that say nothing (Introduction, Page 3) find nothing: give documents a "
            "title, and sections headings that name their subject"
        ),
        count=total - found,
        of=total,
        examples=first_of(sample, asked.missed_headings),
    )


def _across_languages(asked: PseudoQuestions) -> Finding:
    total, found = _sums(asked.translations)
    if not total:
        return not_told("found across languages", "there are no translations to ask for")
    weak = [
        f"{pair} {each.found}/{each.asked}"
        for pair, each in asked.translations.items()
        if each.asked >= _FEWEST_ASKED and each.found < _FEWEST_FOUND * each.asked
    ]
    fine = found >= _FEWEST_FOUND * total and not weak
    if fine:
        advice = "nothing to do"
    elif weak:
        advice = (
            f"weak between {', '.join(weak[:8])}: measure these languages with rag-engine "
            "evaluate, ask with --also in a language that the model knows better, or train an "
            "adapter (rag-engine train embedder)"
        )
    else:
        advice = "measure with rag-engine evaluate, and see the examples"
    return Finding(
        check="found across languages",
        fine=fine,
        says=(
            f"{found:,} of {total:,} first sentences find a translation of their passage among "
            f"the first {DEPTH}"
        ),
        advice=advice,
        count=total - found,
        of=total,
        examples=asked.missed,
    )


def _sums(groups: dict[str, Asked]) -> tuple[int, int]:
    return sum(each.asked for each in groups.values()), sum(each.found for each in groups.values())
