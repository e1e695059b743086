"""Approximate search by FAISS: a navigable graph over the vectors (HNSW)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from connectors.dense.exact_index import ExactIndex, allowed_rows, check_queries, check_rows
from connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, MissingExtra, StoreCorrupt
from rag_engine.ports import Float32Array, Int64Array, Ranking, Restriction

__all__ = ["FaissHnswFactory", "FaissHnswIndex", "is_saved"]

_FILE = "hnsw.faiss"
_JUMP_COST = 2
"""Comparing a vector on a walk through the graph costs as much as so many in a row."""
_MARGIN = 3
"""A restricted search for k results walks as if for so many times k."""
_SAMPLE = 8
_SAMPLE_TOLERANCE = 1e-2
"""Half precision changes a component of a unit vector by less than 5e-4."""


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise MissingExtra("cpu", package="faiss") from error
    return faiss


class FaissHnswIndex:
    """An HNSW graph (Malkov and Yashunin 2018) with inner product. Safe to share between threads.

    Inside FAISS a vector's number is its row; ``ids`` ``(n,)``, ascending, turns rows into ids.
    The graph only chooses candidates: their scores are those of exact search, and so is their
    order. Which vectors make the list is approximate, so ties at its end are too.
    """

    def __init__(self, index: Any, ids: Int64Array, ef_search: int) -> None:
        self._faiss = _faiss()
        self._index = index
        self._ids = ids
        self._ef_search = ef_search
        self._exact = ExactIndex(ids, _stored_vectors(self._faiss, index))

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, restriction: Restriction | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer.

        A restricted search walks farther, the rarer the allowed vectors are, and drops the others
        from what it met. Where it met too few, because the allowed ones lie elsewhere, or where
        that is quicker anyway, all allowed ones are compared: a restriction costs time, not recall.

        Raises:
            InvalidVectors: ``queries`` has another width than the index.
        """
        check_queries(queries, int(self._index.d))
        rows = allowed_rows(self._ids, restriction)
        count = len(self) if rows is None else len(rows)
        if count == 0 or k < 1 or len(queries) == 0:
            return [nothing() for _ in queries]
        effort = max(self._ef_search, k)
        if rows is not None:
            effort = max(self._ef_search, _MARGIN * k) * len(self) // count
            # On its walk it compares at most the neighbours of each candidate.
            walking = _JUMP_COST * effort * int(self._index.hnsw.nb_neighbors(0))
            if self._exact.cost(count) <= walking:
                return self._exact.search(queries, k, restriction)
        rankings = []
        for query, met in zip(queries, self._walk(queries, effort), strict=True):
            near = met if rows is None else _allowed_half(met, rows)
            if len(near) < min(k, count):
                rankings += self._exact.search(query[np.newaxis], k, restriction)
            else:
                near = np.sort(near)
                scores = self._exact.scores(query[np.newaxis], near)[0]
                rankings.append(best_of(self._ids[near], scores, k))
        return rankings

    def _walk(self, queries: Float32Array, effort: int) -> list[npt.NDArray[np.intp]]:
        """Return the rows of the ``effort`` or fewer vectors met that are nearest, best first."""
        parameters = self._faiss.SearchParametersHNSW(efSearch=effort)
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        met = self._index.search(queries, min(effort, len(self)), params=parameters)[1]
        return [each[each >= 0] for each in met]  # FAISS fills up with -1

    def save(self, folder: Path) -> None:
        """Write the graph and its vectors into the existing empty ``folder``."""
        self._faiss.write_index(self._index, str(folder / _FILE))


class FaissHnswFactory:
    """Builds and loads HNSW indexes.

    Args:
        m: neighbours that a vector has in the graph (twice as many on the lowest layer, which
            holds all). More give better recall; each costs 8 bytes a vector and build time.
            16 to 64 are usual.
        ef_construction: how many candidates are kept while a vector's neighbours are looked for;
            the time to build grows with it, and so does the quality of the graph.
        ef_search: how many candidates a search keeps; recall and time grow with it. It is raised
            to ``k`` where more results are asked for.
        storage: ``float32`` keeps 4 bytes a component, ``float16`` 2, with scores off by some
            0.0001.
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
        storage: Literal["float32", "float16"] = "float32",
        threads: int | None = None,
    ) -> None:
        _faiss()
        if m < 2 or min(ef_construction, ef_search, threads or 1) < 1:
            raise InvalidInput(
                "an HNSW graph needs m of at least 2, ef_construction, ef_search and threads of "
                f"at least 1, got {m}, {ef_construction}, {ef_search}, {threads}"
            )
        if storage not in {"float32", "float16"}:
            raise InvalidInput(f"storage is 'float32' or 'float16', got {storage!r}")
        self._m = m
        self._ef_construction = ef_construction
        self._ef_search = ef_search
        self._storage = storage
        self._threads = threads

    def build(self, ids: Int64Array, vectors: Float32Array) -> FaissHnswIndex:
        """Index ``vectors`` ``(n, dimension)`` float32 under ``ids`` ``(n,)``, sorted ascending.

        Raises:
            InvalidInput: ids out of order, or not one for each vector.
        """
        check_rows(ids, vectors)
        faiss = _faiss()
        index = self._empty(faiss, vectors.shape[1])
        index.hnsw.efConstruction = self._ef_construction
        if len(vectors):
            with _threads(faiss, self._threads):
                index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return FaissHnswIndex(index, ids, self._ef_search)

    def _empty(self, faiss: Any, dimension: int) -> Any:
        if self._storage == "float32":
            return faiss.IndexHNSWFlat(dimension, self._m, faiss.METRIC_INNER_PRODUCT)
        half = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(dimension, half, self._m, faiss.METRIC_INNER_PRODUCT)
        index.is_trained = True  # half precision learns nothing from the data
        return index

    def load(self, folder: Path, ids: Int64Array, vectors: Float32Array) -> FaissHnswIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        faiss = _faiss()
        path = folder / _FILE
        try:
            index = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:
            raise StoreCorrupt(f"the FAISS index {path} can not be read: {error}") from error
        found = (type(index).__name__, index.ntotal, index.d, index.metric_type)
        kinds = ("IndexHNSWFlat", "IndexHNSWSQ")
        expected = (len(ids), vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
        if found[0] not in kinds or found[1:] != expected:
            raise StoreCorrupt(
                f"the FAISS index {path} is (type, vectors, dimension, metric) {found}, the "
                f"generation says {kinds} and {expected}"
            )
        _check_sample(path, _stored_vectors(faiss, index), vectors)
        return FaissHnswIndex(index, ids, self._ef_search)


def is_saved(folder: Path) -> bool:
    """Tell whether ``save`` wrote a graph into ``folder``."""
    return (folder / _FILE).exists()


def _allowed_half(met: npt.NDArray[np.intp], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return those of the nearer half of ``met`` that are in ``rows`` (ascending).

    In its farther half a walk misses many: only the nearer one is as good as exact search.

    >>> _allowed_half(np.array([5, 2, 9, 4, 1, 3]), np.array([1, 2, 9])).tolist()
    [2, 9]
    """
    near = met[: (len(met) + 1) // 2]
    return near[np.isin(near, rows, assume_unique=True)]


def _stored_vectors(faiss: Any, index: Any) -> npt.NDArray[np.floating]:
    """Return FAISS's own copy of the vectors, ``(n, dimension)`` float32 or float16, not copied.

    It is valid as long as the index lives.
    """
    storage = faiss.downcast_index(index.storage)
    half = storage.code_size == 2 * index.d
    if index.ntotal == 0:
        return np.empty((0, index.d), dtype=np.float32)
    codes = faiss.rev_swig_ptr(storage.codes.data(), index.ntotal * storage.code_size)
    stored: npt.NDArray[np.floating] = codes.view(np.float16 if half else np.float32)
    return stored.reshape(index.ntotal, index.d)


def _check_sample(
    path: Path, stored: npt.NDArray[np.floating], vectors: npt.NDArray[np.floating]
) -> None:
    rows = np.linspace(0, max(0, len(stored) - 1), min(_SAMPLE, len(stored))).astype(np.intp)
    difference = np.abs(stored[rows].astype(np.float32) - vectors[rows])
    if len(rows) and float(difference.max()) > _SAMPLE_TOLERANCE:
        raise StoreCorrupt(f"the FAISS index {path} holds other vectors than the generation")


@contextmanager
def _threads(faiss: Any, count: int | None) -> Generator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
