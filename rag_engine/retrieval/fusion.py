"""How dense and lexical evidence become one score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_engine.ports import Float32Array, Ranking

__all__ = ["language_aware_scores", "reciprocal_rank_fusion", "semantic_scores"]


_SPREAD_OVER = 100
_LATE_WEIGHT = 2.0
"""What late interaction weighs beside the cosine of whole texts, in spreads of each."""


def language_aware_scores(
    scores: Float32Array,
    coverage: Float32Array,
    languages: Sequence[str],
    *,
    weight: float,
    expected: float,
) -> Float32Array:
    """Add lexical evidence to other scores, each language's measured against its own.

    ``scores`` and ``coverage`` have shape ``(n,)`` and, like ``languages``, describe the same
    candidates: the union of the dense and the lexical pool. Every candidate has both figures,
    computed exactly, so none is missing from a list. The result is::

        scores + weight * spread * (coverage - expected * best coverage in the passage's language)

    where the spread is the standard deviation of the 100 greatest scores. Words of the question
    can only be found in passages of its own language, so that adding coverage alone would hand
    that language a start; less what its passages get at best, coverage orders the passages within
    a language and says little between languages. A passage in a language that no term reaches
    keeps its score: there lexical search is blind, and silent. When all scores are equal, so is
    the spread zero, and a spread of 1 is taken. Ties are the caller's: score descending, then id.

    >>> scores, coverage = np.array([0.9, 0.7], np.float32), np.array([0, 1], np.float32)
    >>> found = language_aware_scores(scores, coverage, ["de", "fr"], weight=4, expected=0.6)
    >>> found.round(2).tolist()
    [0.8999999761581421, 0.8600000143051147]
    """
    best: dict[str, float] = {}
    for language, each in zip(languages, coverage.tolist(), strict=True):
        best[language] = max(each, best.get(language, 0.0))
    usual = expected * np.array([best[language] for language in languages], dtype=np.float32)
    spread = float(np.std(np.sort(scores)[-_SPREAD_OVER:])) or 1.0
    fused: Float32Array = (scores + weight * spread * (coverage - usual)).astype(np.float32)
    return fused


def semantic_scores(dense: Float32Array, late: Float32Array) -> Float32Array:
    """Join the cosines of whole texts with late interaction, both of shape ``(n,)``.

    Each is standardised over the candidates, and late interaction weighs twice as much; the result
    is on the scale of the cosines::

        (dense + 2 * std(dense) * (late - mean(late)) / std(late)) / 3 + 2/3 * mean(dense)

    >>> semantic_scores(np.array([0.8, 0.6], np.float32), np.array([1, 3], np.float32)).round(3)
    array([0.667, 0.733], dtype=float32)
    """
    deviation = float(np.std(late)) or 1.0
    moved = float(np.std(dense)) * (late - late.mean()) / deviation + dense.mean()
    joined: Float32Array = (dense + _LATE_WEIGHT * moved) / (1 + _LATE_WEIGHT)
    return joined.astype(np.float32)


def reciprocal_rank_fusion(rankings: Sequence[Ranking], rrf_k: int = 60) -> Ranking:
    """Fuse rankings by their ranks alone (Cormack, Clarke and Buettcher 2009, section 2).

    Each ranking gives ``1 / (rrf_k + rank)`` with ranks from 1; a document missing from a list
    gets 0 for it. Ties: by id. It is the usual default of hybrid search, kept as a baseline:
    across languages it is far worse than dense search alone.

    >>> one = Ranking(np.array([3, 1]), np.array([0.9, 0.8], np.float32))
    >>> two = Ranking(np.array([1]), np.array([7.0], np.float32))
    >>> reciprocal_rank_fusion([one, two]).ids.tolist()
    [1, 3]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, identifier in enumerate(ranking.ids.tolist(), start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1.0 / (rrf_k + rank)
    ids = np.array(sorted(scores, key=lambda each: (-scores[each], each)), dtype=np.int64)
    return Ranking(ids, np.array([scores[each] for each in ids.tolist()], dtype=np.float32))
