"""The nearest passages of every passage, among those of a sample."""

from __future__ import annotations

import numpy as np

from rag_engine.health.sample import Places
from rag_engine.ports import Float32Array

__all__ = ["NEAREST", "nearest"]

NEAREST = 10
"""How many are looked at: as many as a reader looks at."""
_BLOCK = 512


def nearest(
    vectors: Float32Array, apart: tuple[Places, Places], documents: Places | None = None
) -> tuple[Places, Float32Array]:
    """Return the ``NEAREST`` places by cosine of each row, best first, and their cosines.

    Both have the shape ``(n, k)``, with ``k`` fewer where there are fewer passages. A passage is
    no neighbour of itself, nor of what it is kept ``apart`` from (pairs, both ways), nor, where
    ``documents`` ``(n,)`` are given, of what is in its own. A row without so many others has -1 for
    a place, and a cosine of minus infinity.

    >>> corners = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    >>> none = np.empty(0, np.intp)
    >>> nearest(corners, (none, none))[0].tolist()
    [[1, 2], [0, 2], [1, 0]]
    """
    count = len(vectors)
    k = max(0, min(NEAREST, count - 1))
    places = np.empty((count, k), dtype=np.intp)
    cosines = np.empty((count, k), dtype=np.float32)
    one, other = apart
    order = np.argsort(one, kind="stable")
    one, other = one[order], other[order]
    for start in range(0, count if k else 0, _BLOCK):
        stop = min(count, start + _BLOCK)
        similarities = vectors[start:stop] @ vectors.T
        similarities[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        if documents is not None:
            similarities[documents[start:stop, np.newaxis] == documents] = -np.inf
        first, last = np.searchsorted(one, [start, stop])
        similarities[one[first:last] - start, other[first:last]] = -np.inf
        best = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(similarities, best, axis=1)
        ranked = np.lexsort((best, -values), axis=1)
        places[start:stop] = np.take_along_axis(best, ranked, axis=1)
        cosines[start:stop] = np.take_along_axis(values, ranked, axis=1)
    places[np.isneginf(cosines)] = -1
    return places, cosines
