"""Exact search for few vectors, a graph for many."""

from __future__ import annotations

from pathlib import Path

from connectors.dense.exact_index import ExactIndexFactory
from connectors.dense.faiss_index import FaissHnswFactory, is_saved
from rag_engine.ports import DenseIndex, Float32Array, Int64Array

__all__ = ["AutoDenseFactory"]


class AutoDenseFactory:
    """Builds an exact index below ``exact_below`` vectors, else an HNSW one.

    At 384 dimensions exact search takes 0.8 ms on one core for 20,000 vectors and 2.5 ms for
    50,000, needs no time to build and misses nothing. The graph takes 0.5 ms and may miss some, and
    building it takes about a millisecond a vector.
    """

    kind = "auto"

    def __init__(self, *, exact_below: int = 20_000, hnsw: FaissHnswFactory | None = None) -> None:
        self._exact_below = exact_below
        self._exact = ExactIndexFactory()
        self._hnsw = hnsw or FaissHnswFactory()

    def build(self, ids: Int64Array, vectors: Float32Array) -> DenseIndex:
        """Index ``vectors`` ``(n, dimension)`` float32 under ``ids`` ``(n,)``."""
        factory = self._exact if len(ids) < self._exact_below else self._hnsw
        return factory.build(ids, vectors)

    def load(self, folder: Path, ids: Int64Array, vectors: Float32Array) -> DenseIndex:
        """Load whichever kind was saved.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        factory = self._hnsw if is_saved(folder) else self._exact
        return factory.load(folder, ids, vectors)
