"""Passages that look right and are not, found by the model that is to be trained.

sentence-transformers' ``mine_hard_negatives`` knows of a wrong passage only that it is another text
than the right one. Where a corpus says the same in several languages, or twice in one, that is no
reason: its translations are the nearest of all. So here groups count, languages do, and what says
the same as the positive is found out (``SaysTheSame``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.connectors.training.examples import Example
from rag_engine.ports import Embedder, Float32Array

__all__ = [
    "Candidates",
    "hard_candidates",
    "less_probable",
    "nearest_others",
    "with_hard_negatives",
    "with_negatives",
]

_TOO_NEAR = 0.98
"""A passage nearer to the question than this times the positive may well be right: Moreira et al.
2024, "NV-Retriever", section 4 (TopK-PercPos)."""
_LESS_PROBABLE = 0.95
"""The same of a cross-encoder's probabilities, which lie further apart."""
_SPARE = 2
"""So many times as many candidates are looked at where some may be dropped."""
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Candidates:
    """An example, and passages that may be wrong answers to it, the nearest first."""

    example: Example
    passages: tuple[str, ...]


def with_hard_negatives(
    examples: Sequence[Example], count: int, *, embedder: Embedder
) -> list[Example]:
    """Fill up each example's negatives to ``count`` with passages in the positive's language.

    They are the nearest to the question among all positives, but for those of its own group and
    those that are as near as the positive is.
    """
    return with_negatives(hard_candidates(examples, count, embedder=embedder), count)


def hard_candidates(
    examples: Sequence[Example],
    count: int,
    *,
    embedder: Embedder,
    across: bool = False,
    same: Callable[[Sequence[str], Sequence[str]], Sequence[bool]] | None = None,
    spare: bool = False,
) -> list[Candidates]:
    """Return for each example at least ``count`` passages that are near its question and wrong.

    They are in the positive's language, or with ``across`` in any. ``same`` tells of passages, the
    first with the first, which say the same: what says the same as the positive is not wrong. With
    ``spare`` there are more of them, for some to be dropped.
    """
    wide = count * _SPARE if spare or same is not None else count
    passages = list(dict.fromkeys(example.positive for example in examples))
    groups = {example.positive: example.what for example in examples}
    languages = {
        example.positive: "" if across else example.passage_language for example in examples
    }
    by_language: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        by_language[languages[passage]].append(passage)
    found: list[Candidates] = []
    for language, pool in by_language.items():
        of_language = [example for example in examples if languages[example.positive] == language]
        vectors = embedder.embed_passages(pool)
        names = [groups[passage] for passage in pool]
        questions = embedder.embed_queries([example.question for example in of_language])
        places = {passage: place for place, passage in enumerate(pool)}
        own = [places[example.positive] for example in of_language]
        nearest = nearest_others(
            questions, vectors, own, [example.what for example in of_language], names, wide
        )
        found += [
            Candidates(example, tuple(pool[place] for place in row))
            for example, row in zip(of_language, nearest, strict=True)
        ]
    return found if same is None else _not_the_same(found, same)


def _not_the_same(
    found: Sequence[Candidates], same: Callable[[Sequence[str], Sequence[str]], Sequence[bool]]
) -> list[Candidates]:
    pairs = [(each.example.positive, passage) for each in found for passage in each.passages]
    told = iter(same([one for one, _ in pairs], [other for _, other in pairs]))
    return [
        Candidates(each.example, tuple(passage for passage in each.passages if not next(told)))
        for each in found
    ]


def less_probable(logits: Sequence[float], right: float) -> list[bool]:
    """Tell which passages a cross-encoder thinks less probably right than the positive.

    A passage counts as wrong where its probability is less than 0.95 times the positive's.

    >>> less_probable([0.0, 2.9, 4.0], 3.0)
    [True, False, False]
    """
    log_probabilities = -np.logaddexp(0, -np.array([*logits, right], np.float64))
    bound = log_probabilities[-1] + np.log(_LESS_PROBABLE)
    return [bool(each < bound) for each in log_probabilities[:-1]]


def with_negatives(candidates: Sequence[Candidates], count: int) -> list[Example]:
    """Fill up each example's negatives to ``count`` with its first candidates."""
    filled: list[Example] = []
    for each in candidates:
        own = each.example.negatives[:count]
        more = [passage for passage in each.passages if passage not in own]
        negatives = (*own, *more)[:count]
        filled.append(each.example.model_copy(update={"negatives": negatives}))
    return filled


def nearest_others(
    questions: Float32Array,
    passages: Float32Array,
    own: Sequence[int],
    groups: Sequence[str],
    passage_groups: Sequence[str],
    count: int,
) -> list[list[int]]:
    """Return for each question the ``count`` nearest passages that are wrong.

    ``own`` are the places of the positives; ``groups`` and ``passage_groups`` what questions and
    passages are about.

    >>> eye = np.eye(2, dtype=np.float32)
    >>> passages = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    >>> nearest_others(eye[:1], passages, [0], ["a"], ["a", "a", "b"], 1)
    [[2]]
    """
    places: list[list[int]] = []
    for start in range(0, len(questions), _BLOCK):
        scores = questions[start : start + _BLOCK] @ passages.T
        for row, of_question in enumerate(scores):
            bound = _TOO_NEAR * of_question[own[start + row]]
            wrong = [
                place
                for place in np.argsort(-of_question)[: 8 * count + 32].tolist()
                if passage_groups[place] != groups[start + row] and of_question[place] < bound
            ]
            places.append(wrong[:count])
    return places
