"""Passages that look right and are not, found by the model that is to be trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from rag_engine.connectors.training.examples import Example
from rag_engine.ports import Embedder, Float32Array

__all__ = ["nearest_others", "with_hard_negatives"]

_TOO_NEAR = 0.98
"""A passage nearer to the question than this times the positive may well be right: Moreira et al.
2024, "NV-Retriever", section 4 (TopK-PercPos)."""
_BLOCK = 512


def with_hard_negatives(
    examples: Sequence[Example], count: int, *, embedder: Embedder
) -> list[Example]:
    """Fill up each example's negatives to ``count`` with passages in the positive's language.

    They are the nearest to the question among all positives, but for those of its own group and
    those that are as near as the positive is.
    """
    passages = list(dict.fromkeys(example.positive for example in examples))
    groups = {example.positive: example.what for example in examples}
    languages = {example.positive: example.passage_language for example in examples}
    by_language: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        by_language[languages[passage]].append(passage)
    filled: list[Example] = []
    for language, pool in by_language.items():
        of_language = [example for example in examples if languages[example.positive] == language]
        vectors = embedder.embed_passages(pool)
        names = [groups[passage] for passage in pool]
        questions = embedder.embed_queries([example.question for example in of_language])
        places = {passage: place for place, passage in enumerate(pool)}
        own = [places[example.positive] for example in of_language]
        for example, nearest in zip(
            of_language,
            nearest_others(
                questions, vectors, own, [example.what for example in of_language], names, count
            ),
            strict=True,
        ):
            negatives = example.negatives[:count]
            more = [pool[place] for place in nearest if pool[place] not in negatives]
            filled.append(
                example.model_copy(
                    update={"negatives": (*negatives, *more)[: max(count, len(negatives))]}
                )
            )
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
