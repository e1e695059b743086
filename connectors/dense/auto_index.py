"""The kind of index by the number of vectors: exact for few, a graph for many, then a small one.

At 384 dimensions exact search takes 0.8 ms on one core for 20,000 vectors and 2.5 ms for 50,000,
needs no time to build and misses nothing. The graph takes 0.5 ms and may miss some, and building it
takes about a millisecond a vector. Beyond ``compact_from`` vectors it keeps one byte of each
component instead of four.
"""

from __future__ import annotations

from pathlib import Path

from rag_engine.connectors.dense import faiss_hnsw, faiss_ivf
from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory
from rag_engine.connectors.dense.faiss_ivf import FaissIvfPqFactory
from rag_engine.ports import DenseIndex, DenseIndexFactory, Int64Array, VectorRows

__all__ = ["AutoDenseFactory"]


class AutoDenseFactory(DenseIndexFactory):
    """Builds an exact index below ``exact_below`` vectors, ``compact`` from ``compact_from`` on.

    Between them it builds ``graph``. What was saved is loaded whatever its kind.
    """

    kind = "auto"

    def __init__(
        self,
        *,
        kind: str = "auto",
        exact_below: int = 20_000,
        compact_from: int = 200_000,
        graph: FaissHnswFactory | None = None,
        compact: DenseIndexFactory | None = None,
    ) -> None:
        self.kind = kind
        self._exact_below = exact_below
        self._compact_from = compact_from
        self._exact = ExactIndexFactory()
        self._graph = graph or FaissHnswFactory()
        self._compact = compact or FaissHnswFactory(storage="sq8")

    def build(self, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``."""
        factory: DenseIndexFactory = self._graph
        if len(ids) < self._exact_below:
            factory = self._exact
        elif len(ids) >= self._compact_from:
            factory = self._compact
        return factory.build(ids, vectors)

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Load whichever kind was saved.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        factory: DenseIndexFactory = self._exact
        if faiss_hnsw.is_saved(folder):
            factory = self._graph
        elif faiss_ivf.is_saved(folder):
            factory = FaissIvfPqFactory()
        return factory.load(folder, ids, vectors)
