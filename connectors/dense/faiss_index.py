"""Approximate search by FAISS: a navigable graph over the vectors (HNSW)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from connectors.dense.exact_index import ExactIndex
from rag_engine.errors import MissingExtra, StoreCorrupt
from rag_engine.ports import Float32Array, Int64Array, Ranking, Restriction

__all__ = ["FaissHnswFactory", "FaissHnswIndex"]

_FILE = "hnsw.faiss"
_EXACT_SHARE = 0.1
"""Below this share of allowed vectors the graph loses its way; the allowed are compared exactly."""


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise MissingExtra("cpu", package="faiss") from error
    return faiss


class FaissHnswIndex:
    """An HNSW graph (Malkov and Yashunin 2018) with inner product. Safe to share between threads.

    Inside FAISS a vector's number is its row; ``ids`` ``(n,)``, ascending, turns rows into ids.
    """

    def __init__(self, index: Any, ids: Int64Array, vectors: Float32Array, ef_search: int) -> None:
        self._faiss = _faiss()
        self._index = index
        self._ids = ids
        self._vectors = vectors
        self._ef_search = ef_search

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, queries: Float32Array, k: int, restriction: Restriction | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer."""
        if len(self) == 0 or len(queries) == 0:
            return [Ranking(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
        parameters = self._faiss.SearchParametersHNSW(efSearch=max(self._ef_search, k))
        if restriction is not None:
            allowed = restriction.allows(self._ids)
            count = int(allowed.sum())
            if count < max(_EXACT_SHARE * len(self), 2 * k):
                exact = ExactIndex(self._ids[allowed], self._vectors[allowed])
                return exact.search(queries, k)
            if count < len(self):
                bitmap = np.packbits(allowed, bitorder="little")
                # The selector only points at the bitmap, which therefore must outlive the search.
                selector = self._faiss.IDSelectorBitmap(len(allowed), self._faiss.swig_ptr(bitmap))
                parameters.sel = selector
        scores, rows = self._index.search(queries, min(k, len(self)), params=parameters)
        return [self._ranking(*each) for each in zip(rows, scores, strict=True)]

    def _ranking(self, rows: Int64Array, scores: Float32Array) -> Ranking:
        found = rows >= 0  # FAISS fills up with -1
        ids, scores = self._ids[rows[found]], scores[found]
        order = np.lexsort((ids, -scores))
        return Ranking(ids[order], scores[order])

    def save(self, folder: Path) -> None:
        """Write the graph into the existing empty ``folder``."""
        self._faiss.write_index(self._index, str(folder / _FILE))


class FaissHnswFactory:
    """Builds and loads HNSW indexes.

    Args:
        m: neighbours of a vector in the graph (twice as many on the lowest layer). More give
            better recall and cost 8 m bytes a vector and build time. 16 to 64 are usual.
        ef_construction: candidates that are looked at when a vector is inserted; the time to
            build grows with it.
        ef_search: candidates that are looked at by a search; recall and time grow with it. It is
            raised to ``k`` where more results are asked for.

    FAISS uses as many threads as OpenMP is given (``OMP_NUM_THREADS``, by default one a core),
    for building and for many queries at once; one query uses one thread.
    """

    kind = "hnsw"

    def __init__(self, *, m: int = 32, ef_construction: int = 200, ef_search: int = 128) -> None:
        _faiss()
        self._m = m
        self._ef_construction = ef_construction
        self._ef_search = ef_search

    def build(self, ids: Int64Array, vectors: Float32Array) -> FaissHnswIndex:
        """Index ``vectors`` ``(n, dimension)`` float32 under ``ids`` ``(n,)``."""
        faiss = _faiss()
        index = faiss.IndexHNSWFlat(vectors.shape[1], self._m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self._ef_construction
        if len(vectors):
            index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return FaissHnswIndex(index, ids, vectors, self._ef_search)

    def load(self, folder: Path, ids: Int64Array, vectors: Float32Array) -> FaissHnswIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        faiss = _faiss()
        path = folder / _FILE
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise StoreCorrupt(f"the FAISS index {path} can not be read: {error}") from error
        found = (index.ntotal, index.d, index.metric_type)
        expected = (len(ids), vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
        if found != expected:
            raise StoreCorrupt(
                f"the FAISS index {path} holds (vectors, dimension, metric) {found}, "
                f"the generation says {expected}"
            )
        return FaissHnswIndex(index, ids, vectors, self._ef_search)


def is_saved(folder: Path) -> bool:
    """Tell whether ``save`` wrote a graph into ``folder``."""
    return (folder / _FILE).exists()
