"""Exact search: every vector is compared. The best for few vectors, the oracle of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, InvalidVectors, StoreCorrupt
from rag_engine.ports import (
    DenseIndexFactory,
    Float32Array,
    IdSelector,
    Int64Array,
    Ranking,
    VectorRows,
)

__all__ = ["ExactIndex", "ExactIndexFactory", "allowed_rows"]

_BLOCK_FLOATS = 1 << 18
"""Vector components compared at a time: 1 MB, which stays in a processor's cache."""
_SCORE_FLOATS = 1 << 24
"""Similarities held at once: 64 MB."""
_PICKING_COST = 4
"""Comparing a vector picked from here and there costs as much as so many in a row."""


def allowed_rows(ids: Int64Array, allowed: IdSelector | None) -> npt.NDArray[np.intp] | None:
    """Return the rows of ``ids`` (ascending) that may be returned, ascending; None: all.

    >>> allowed_rows(np.array([10, 20, 30]), IdSelector(np.array([5, 20]), exclude=True)).tolist()
    [0, 2]
    """
    if allowed is None:
        return None
    rows: npt.NDArray[np.intp] = np.searchsorted(ids, allowed.ids)
    inside = rows < len(ids)
    rows = rows[inside]
    rows = rows[ids[rows] == allowed.ids[inside]]
    if not allowed.exclude:
        return rows
    mask = np.ones(len(ids), dtype=np.bool_)
    mask[rows] = False
    return None if len(rows) == 0 else np.flatnonzero(mask)


class ExactIndex:
    """Inner products with every row of ``vectors`` ``(n, dimension)``. Safe to share.

    ``vectors`` may be float32 or float16, in memory, mapped from a file or made where they are
    asked for: a block of them at a time is read as float32. Each product is computed for itself,
    on one thread: a vector's score does not depend on what else is searched or returned, equal
    vectors have equal scores, and searches side by side do not fight over the threads of a matrix
    library.
    """

    def __init__(self, ids: Int64Array, vectors: VectorRows) -> None:
        self._ids = ids
        self._vectors = vectors
        self._step = max(1, _BLOCK_FLOATS // max(1, vectors.shape[1]))

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer.

        Raises:
            InvalidVectors: ``queries`` has another width than the index.
        """
        check_queries(queries, self._vectors.shape[1])
        rows = allowed_rows(self._ids, allowed)
        ids = self._ids if rows is None else self._ids[rows]
        if len(ids) == 0 or k < 1:
            return [nothing() for _ in queries]
        picked = None if self.cost(len(ids)) == len(self) else rows
        at_once = max(1, _SCORE_FLOATS // (len(self) if picked is None else len(picked)))
        return [
            best_of(ids, scores if rows is None or picked is not None else scores[rows], k)
            for start in range(0, len(queries), at_once)
            for scores in self.scores(queries[start : start + at_once], picked)
        ]

    def cost(self, count: int) -> int:
        """Return what comparing ``count`` of the vectors costs, in vectors compared in a row.

        More than a quarter of all are not picked: then it is quicker to compare all.
        """
        return min(len(self), _PICKING_COST * count)

    def scores(self, queries: Float32Array, rows: npt.NDArray[np.intp] | None) -> Float32Array:
        """Return the inner products of queries and some rows (None: all), ``(m, n_rows)``."""
        count = len(self) if rows is None else len(rows)
        scores = np.empty((len(queries), count), dtype=np.float32)
        for start, stop in self._blocks(count):
            taken = slice(start, stop) if rows is None else rows[start:stop]
            block = np.asarray(self._vectors[taken], dtype=np.float32)
            for query, into in zip(queries, scores, strict=True):
                np.vecdot(block, query, out=into[start:stop])
        return scores

    def _blocks(self, count: int) -> Iterator[tuple[int, int]]:
        for start in range(0, count, self._step):
            yield start, min(count, start + self._step)

    def save(self, folder: Path) -> None:
        """Write nothing: the generation keeps ids and vectors already."""


class ExactIndexFactory(DenseIndexFactory):
    """Builds exact indexes."""

    kind = "exact"

    def build(self, ids: Int64Array, vectors: VectorRows) -> ExactIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, sorted ascending.

        Raises:
            InvalidInput: ids out of order, or not one for each vector.
        """
        check_rows(ids, vectors)
        return ExactIndex(ids, vectors[:])  # in memory: every search reads all of them

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> ExactIndex:
        """Index the given vectors; nothing was saved.

        Raises:
            StoreCorrupt: ids and vectors do not fit.
        """
        try:
            return self.build(ids, vectors)
        except InvalidInput as error:
            raise StoreCorrupt(f"{folder}: {error}") from error


def check_rows(ids: Int64Array, vectors: VectorRows) -> None:
    """Check that each row of ``vectors`` has its id and that ids ascend from 1.

    Raises:
        InvalidInput: they do not.
    """
    if len(vectors.shape) != 2 or ids.shape != vectors.shape[:1]:
        raise InvalidInput(
            f"an index needs an id for each row, got ids of shape {ids.shape} and vectors of "
            f"shape {vectors.shape}"
        )
    if len(ids) and (ids[0] < 1 or bool((np.diff(ids) < 1).any())):
        raise InvalidInput("the ids of an index are positive, ascending and without repeats")


def check_queries(queries: Float32Array, dimension: int) -> None:
    """Check that queries are a matrix as wide as the index.

    Raises:
        InvalidVectors: they are not.
    """
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise InvalidVectors(
            f"queries have shape (n, {dimension}) here, got {queries.shape}; embed them with the "
            "model that the index was built with"
        )
