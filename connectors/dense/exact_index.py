"""Exact search: every vector is compared. The best for few vectors, the oracle of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rag_engine.ports import Float32Array, Int64Array, Ranking, Restriction

__all__ = ["ExactIndex", "ExactIndexFactory", "best_of"]

_BLOCK_FLOATS = 16_000_000
"""Similarities held at once: 64 MB."""


def best_of(ids: Int64Array, scores: Float32Array, k: int) -> Ranking:
    """Return the ``k`` best of some ids: score descending, then id, also where the list ends.

    >>> best_of(np.array([7, 3, 5]), np.array([0.5, 0.5, 0.9], np.float32), 2).ids.tolist()
    [5, 3]
    """
    if len(ids) > k:
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= threshold)
        ids, scores = ids[kept], scores[kept]
    order = np.lexsort((ids, -scores))[:k]
    return Ranking(ids[order], scores[order])


class ExactIndex:
    """Inner products with every row of ``vectors`` ``(n, dimension)`` float32."""

    def __init__(self, ids: Int64Array, vectors: Float32Array) -> None:
        self._ids = ids
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, restriction: Restriction | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer."""
        ids, vectors = self._ids, self._vectors
        if restriction is not None:
            allowed = restriction.allows(ids)
            if not allowed.all():
                ids, vectors = ids[allowed], vectors[allowed]
        step = max(1, _BLOCK_FLOATS // max(1, len(ids)))
        rankings: list[Ranking] = []
        for start in range(0, len(queries), step):
            similarities = queries[start : start + step] @ vectors.T
            rankings += [best_of(ids, row, k) for row in similarities]
        return rankings

    def save(self, folder: Path) -> None:
        """Write nothing: the generation keeps ids and vectors already."""


class ExactIndexFactory:
    """Builds exact indexes."""

    kind = "exact"

    def build(self, ids: Int64Array, vectors: Float32Array) -> ExactIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``."""
        return ExactIndex(ids, vectors)

    def load(self, folder: Path, ids: Int64Array, vectors: Float32Array) -> ExactIndex:
        """Index the given vectors; nothing was saved."""
        return ExactIndex(ids, vectors)
