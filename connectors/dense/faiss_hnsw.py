"""Approximate search by FAISS: a navigable graph over the vectors (HNSW)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.dense.exact_index import check_rows
from rag_engine.connectors.dense.faiss_index import (
    FaissIndex,
    add_all,
    check_faiss,
    load_faiss,
    open_index,
    threads_for_building,
)
from rag_engine.errors import InvalidInput, StoreCorrupt
from rag_engine.ports import DenseIndexFactory, Int64Array, VectorRows

__all__ = ["FaissHnswFactory", "Storage", "is_saved"]

Storage = Literal["float32", "float16", "sq8", "sq4"]
"""What FAISS keeps of a component: 32, 16, 8 or 4 bits."""

_FILE = "hnsw.faiss"
_JUMP_COST = 2
"""Comparing a vector on a walk through the graph costs as much as so many in a row."""
_SAMPLE = 8
_TOLERANCE = {32: 1e-2, 16: 1e-2, 8: 2e-2, 4: 0.2}
"""By how much a component may differ from the vector's, by the bits that are kept of it."""
_TRAINING = 100_000
"""So many vectors, at most, tell a scalar quantiser its ranges."""


@dataclass(frozen=True)
class _HnswWalk:
    """Search keeps a list of the nearest met so far, ``effort`` long (``efSearch``)."""

    least_effort: int
    file: str = _FILE

    def parameters(self, index: Any, effort: int) -> Any:
        return load_faiss().SearchParametersHNSW(efSearch=effort)

    def cost(self, index: Any, effort: int) -> int:
        # On its walk it compares at most the neighbours of each candidate.
        return _JUMP_COST * effort * int(index.hnsw.nb_neighbors(0))


class FaissHnswFactory(DenseIndexFactory):
    """Builds and loads HNSW indexes (Malkov and Yashunin 2018) with inner product.

    Args:
        m: neighbours that a vector has in the graph (twice as many on the lowest layer, which
            holds all). More give better recall; each costs 8 bytes a vector and build time.
            16 to 64 are usual.
        ef_construction: how many candidates are kept while a vector's neighbours are looked for;
            the time to build grows with it, and so does the quality of the graph.
        ef_search: how many candidates a search keeps; recall and time grow with it. It is raised
            to ``k`` where more results are asked for.
        storage: what FAISS keeps of each component: ``float32`` 4 bytes, ``float16`` 2, ``sq8``
            1, ``sq4`` half a one. The fewer, the less memory, and the more of the nearest are
            missed; scores stay exact.
        threads: how many threads build; None: as many as OpenMP is given (``OMP_NUM_THREADS``,
            by default one a core). More than one make graphs that differ from build to build.

    ``threads`` holds for the thread that builds and while it builds, so it changes nothing for
    others. A search of one query uses one thread; of many queries, OpenMP's.

    Raises:
        InvalidInput: a value out of range.
        MissingExtra: faiss is not installed.
    """

    kind = "hnsw"

    def __init__(
        self,
        *,
        m: int = 32,
        ef_construction: int = 200,
        ef_search: int = 128,
        storage: Storage = "float32",
        threads: int | None = None,
    ) -> None:
        check_faiss()
        if m < 2 or min(ef_construction, ef_search, threads or 1) < 1:
            raise InvalidInput(
                "an HNSW graph needs m of at least 2, ef_construction, ef_search and threads of "
                f"at least 1, got {m}, {ef_construction}, {ef_search}, {threads}"
            )
        if storage not in get_args(Storage):
            raise InvalidInput(f"storage is one of {get_args(Storage)}, got {storage!r}")
        self._m = m
        self._ef_construction = ef_construction
        self._ef_search = ef_search
        self._storage = storage
        self._threads = threads

    def build(self, ids: Int64Array, vectors: VectorRows) -> FaissIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, sorted ascending.

        Raises:
            InvalidInput: ids out of order.
        """
        check_rows(ids, vectors)
        index = self._empty(vectors)
        index.hnsw.efConstruction = self._ef_construction
        with threads_for_building(self._threads):
            add_all(index, vectors)
        return self._searchable(index, ids, vectors)

    def _empty(self, vectors: VectorRows) -> Any:
        faiss = load_faiss()
        count, dimension = vectors.shape
        if self._storage == "float32":
            return faiss.IndexHNSWFlat(dimension, self._m, faiss.METRIC_INNER_PRODUCT)
        quantizers = faiss.ScalarQuantizer
        kind = {
            "float16": quantizers.QT_fp16,
            "sq8": quantizers.QT_8bit,
            "sq4": quantizers.QT_4bit,
        }[self._storage]
        index = faiss.IndexHNSWSQ(dimension, kind, self._m, faiss.METRIC_INNER_PRODUCT)
        if self._storage == "float16":
            index.is_trained = True  # half precision learns nothing from the data
        elif count:
            rows = np.linspace(0, count - 1, min(count, _TRAINING)).astype(np.intp)
            index.train(np.ascontiguousarray(vectors[rows], dtype=np.float32))
        return index

    def _searchable(self, index: Any, ids: Int64Array, vectors: VectorRows) -> FaissIndex:
        own = _stored_vectors(index)
        return FaissIndex(
            index, ids, vectors if own is None else own, _HnswWalk(least_effort=self._ef_search)
        )

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> FaissIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        path = folder / _FILE
        index = open_index(path, ("IndexHNSWFlat", "IndexHNSWSQ"), ids, vectors, mapped=True)
        _check_sample(path, index, vectors)
        return self._searchable(index, ids, vectors)


def is_saved(folder: Path) -> bool:
    """Tell whether a graph was saved into ``folder``."""
    return (folder / _FILE).exists()


def _bits(index: Any) -> int:
    storage = load_faiss().downcast_index(index.storage)
    return int(8 * storage.code_size // index.d)


def _stored_vectors(index: Any) -> npt.NDArray[np.floating] | None:
    """Return FAISS's own copy of the vectors, ``(n, dimension)`` float32 or float16, not copied.

    It is valid as long as the index lives. None where it keeps less of them than that.
    """
    faiss = load_faiss()
    bits = _bits(index)
    if bits < 16:
        return None
    if index.ntotal == 0:
        return np.empty((0, index.d), dtype=np.float32)
    storage = faiss.downcast_index(index.storage)
    codes = faiss.rev_swig_ptr(storage.codes.data(), index.ntotal * storage.code_size)
    stored: npt.NDArray[np.floating] = codes.view(np.float16 if bits == 16 else np.float32)
    return stored.reshape(index.ntotal, index.d)


def _check_sample(path: Path, index: Any, vectors: VectorRows) -> None:
    """Compare a few vectors with what FAISS keeps of them."""
    count = index.ntotal
    rows = np.linspace(0, max(0, count - 1), min(_SAMPLE, count)).astype(np.intp)
    stored = np.array([index.reconstruct(int(row)) for row in rows]).reshape(len(rows), index.d)
    difference = np.abs(stored - vectors[rows])
    if len(rows) and float(difference.max()) > _TOLERANCE[_bits(index)]:
        raise StoreCorrupt(f"the FAISS index {path} holds other vectors than the generation")
