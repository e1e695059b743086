"""Hits that say different things: maximal marginal relevance.

Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents
and producing summaries", section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.ports import Float32Array, Int64Array
from rag_engine.records import Hit
from rag_engine.retrieval.log_odds import log_odds
from rag_engine.store.snapshot import Snapshot

__all__ = ["diverse_hits", "marginal_order", "relevance"]


def diverse_hits(
    snapshot: Snapshot, hits: Sequence[Hit], *, k: int, weight: float, probable: bool
) -> list[Hit]:
    """Return ``k`` of some hits, given best first, in the order of their marginal relevance.

    ``weight`` is that of relevance, 0 to 1; ``probable`` tells whether scores are probabilities.
    Two hits are as alike as their passages' vectors, centred by language where that is done.
    """
    vectors = _vectors(snapshot, np.array([hit.chunk_id for hit in hits], dtype=np.int64))
    order = marginal_order(
        relevance([hit.score for hit in hits], probable=probable),
        np.maximum(vectors @ vectors.T, 0),
        k=k,
        weight=weight,
    )
    return [replace(hits[place], rank=rank) for rank, place in enumerate(order, start=1)]


def marginal_order(
    relevances: Float32Array, likeness: Float32Array, *, k: int, weight: float
) -> list[int]:
    """Return the places of ``k`` items, at most: each time the one of greatest marginal relevance.

    That is ``weight`` times its relevance, of ``relevances`` ``(n,)``, less ``1 - weight`` times
    its likeness to the nearest that was chosen before, of ``likeness`` ``(n, n)``. Of equal ones
    the first is chosen.

    >>> alike = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], np.float32)
    >>> marginal_order(np.array([1, 0.9, 0.5], np.float32), alike, k=2, weight=0.5)
    [0, 2]
    """
    nearest = np.zeros(len(relevances), dtype=np.float32)
    left = np.ones(len(relevances), dtype=np.bool_)
    order: list[int] = []
    while left.any() and len(order) < k:
        marginal = weight * relevances - (1 - weight) * nearest
        chosen = int(np.argmax(np.where(left, marginal, -np.inf)))
        order.append(chosen)
        left[chosen] = False
        nearest = np.maximum(nearest, likeness[chosen])
    return order


def relevance(scores: Sequence[float], *, probable: bool) -> Float32Array:
    """Return how relevant hits are beside one another, from 0, the last, to 1, the first.

    Probabilities are compared by their log odds, as evidence is: 0.5 is as far from 0.1 as 0.1 is
    from 0.01, nearly. Where a reranker put a hit below one of a lower score, that one's counts.

    >>> relevance([0.5, 0.1, 0.01], probable=True).round(2).tolist()
    [1.0, 0.5199999809265137, 0.0]
    """
    values = np.minimum.accumulate(np.array(scores, dtype=np.float64))
    if probable:
        values = log_odds(values)
    if len(values) == 0 or values[0] == values[-1]:
        return np.ones(len(values), dtype=np.float32)
    scaled: Float32Array = ((values - values[-1]) / (values[0] - values[-1])).astype(np.float32)
    return scaled


def _vectors(snapshot: Snapshot, ids: Int64Array) -> Float32Array:
    """Return the vectors of passages ``(n, dimension)``; of one that is gone, zeros."""
    there: npt.NDArray[np.bool_] = snapshot.language_codes(ids) >= 0
    vectors, codes = snapshot.vectors(ids[there])
    offsets = snapshot.language_offsets[codes]
    if snapshot.offsets.enabled:  # at full strength, as where twins are looked for
        offsets = offsets + snapshot.offsets.default
    all_of_them = np.zeros((len(ids), vectors.shape[1]), dtype=np.float32)
    all_of_them[there] = subtract_and_normalise(vectors, offsets)
    return all_of_them
