"""The one order of results that every index keeps: score descending, then id ascending."""

from __future__ import annotations

import numpy as np

from rag_engine.ports import Float32Array, Int64Array, Ranking

__all__ = ["best_of", "nothing"]


def best_of(ids: Int64Array, scores: Float32Array, k: int) -> Ranking:
    """Return the ``k`` best of some ids: score descending, then id, also where the list ends.

    ``ids`` int64 and ``scores`` float32 have shape ``(n,)``.

    >>> best_of(np.array([7, 3, 5]), np.array([0.5, 0.5, 0.9], np.float32), 2).ids.tolist()
    [5, 3]
    """
    if k < 1:
        return nothing()
    if len(ids) > k:
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        good_enough = np.flatnonzero(scores >= threshold)
        ids, scores = ids[good_enough], scores[good_enough]
    order = np.lexsort((ids, -scores))[:k]
    return Ranking(ids[order], scores[order])


def nothing() -> Ranking:
    """Return a ranking without results.

    >>> nothing().ids.shape
    (0,)
    """
    return Ranking(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
