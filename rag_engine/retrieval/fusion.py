"""How dense and lexical evidence become one score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_engine.ports import Float32Array, Ranking

__all__ = ["language_aware_scores", "reciprocal_rank_fusion"]


_WEIGHT = 4.0
"""What full coverage is worth, in spreads of the dense scores."""
_EXPECTED = 0.6
"""The part of a language's best coverage that is taken as what any passage there would get."""
_SPREAD_OVER = 100


def language_aware_scores(
    dense: Float32Array, coverage: Float32Array, languages: Sequence[str]
) -> Float32Array:
    """Add lexical evidence to centred cosines, each language's measured against its own.

    ``dense`` and ``coverage`` have shape ``(n,)`` and, like ``languages``, describe the same
    candidates: the union of the dense and the lexical pool. Every candidate has both figures,
    computed exactly, so none is missing from a list. The score is::

        dense + 4 spread (coverage - 0.6 best coverage in the passage's language)

    where the spread is the standard deviation of the 100 greatest dense scores. Words of the
    question can only be found in passages of its own language, so that adding coverage alone
    would hand that language a start; less what its passages get at best, coverage orders the
    passages within a language and says little between languages. A passage in a language that no
    term reaches keeps its cosine: there lexical search is blind, and silent. When all cosines are
    equal, so is the spread zero, and a spread of 1 is taken. Ties are the caller's: score
    descending, then id.

    >>> dense, coverage = np.array([0.9, 0.7], np.float32), np.array([0, 1], np.float32)
    >>> language_aware_scores(dense, coverage, ["de", "fr"]).round(2).tolist()
    [0.8999999761581421, 0.8600000143051147]
    """
    best: dict[str, float] = {}
    for language, each in zip(languages, coverage.tolist(), strict=True):
        best[language] = max(each, best.get(language, 0.0))
    expected = _EXPECTED * np.array([best[language] for language in languages], dtype=np.float32)
    spread = float(np.std(np.sort(dense)[-_SPREAD_OVER:])) or 1.0
    scores: Float32Array = (dense + _WEIGHT * spread * (coverage - expected)).astype(np.float32)
    return scores


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
