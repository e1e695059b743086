"""What all approximate indexes of FAISS have in common here.

FAISS only chooses candidates. Their scores are those of exact search over the vectors that the
knowledge base keeps, and so is their order, whatever FAISS made of the vectors to save memory:
which vectors make the list is approximate, what is said of them is not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.dense.exact_index import ExactIndex, allowed_rows, check_queries
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import MissingExtra, StoreCorrupt
from rag_engine.ports import Float32Array, IdSelector, Int64Array, Ranking, VectorRows
from rag_engine.store.failures import DOCUMENTS_KEPT, storage_failed

__all__ = [
    "FaissIndex",
    "Walk",
    "add_all",
    "check_faiss",
    "load_faiss",
    "open_index",
    "threads_for_building",
]

_MARGIN = 3
"""A restricted search for k results walks as if for so many times k."""
_BLOCK = 16_384
"""Vectors handed to FAISS at a time."""


def check_faiss() -> None:
    """See that ``faiss`` is installed, without the time that importing it takes.

    Raises:
        MissingExtra: it is not installed.
    """
    if importlib.util.find_spec("faiss") is None:
        raise MissingExtra("cpu", package="faiss")


def load_faiss() -> Any:
    """Return the module ``faiss``.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtra("cpu", package="faiss") from error
    return faiss


class Walk(Protocol):
    """How one kind of index is searched for candidates."""

    @property
    def file(self) -> str:
        """The name that an index of this kind is saved under."""
        ...

    @property
    def least_effort(self) -> int:
        """How many candidates every search keeps at least."""
        ...

    def parameters(self, index: Any, effort: int) -> Any:
        """Return FAISS's parameters for a search that keeps ``effort`` candidates."""
        ...

    def cost(self, index: Any, effort: int) -> int:
        """Return what that search costs, in vectors compared in a row."""
        ...


class FaissIndex:
    """Candidates from FAISS, scores from exact search. Safe to share between threads.

    Inside FAISS a vector's number is its row; ``ids`` ``(n,)``, ascending, turns rows into ids.
    ``vectors`` are what it was built from, or FAISS's own copy where that is as good.
    """

    def __init__(self, index: Any, ids: Int64Array, vectors: VectorRows, walk: Walk) -> None:
        self._faiss = load_faiss()
        self._index = index
        self._ids = ids
        self._walking = walk
        self._exact = ExactIndex(ids, vectors)

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer.

        A restricted search walks farther, the rarer the allowed vectors are, and drops the others
        from what it met. Where it met too few, because the allowed ones lie elsewhere, or where
        that is quicker anyway, all allowed ones are compared: a restriction costs time, not recall.

        Raises:
            InvalidVectors: ``queries`` has another width than the index.
        """
        check_queries(queries, int(self._index.d))
        rows = allowed_rows(self._ids, allowed)
        count = len(self) if rows is None else len(rows)
        if count == 0 or k < 1 or len(queries) == 0:
            return [nothing() for _ in queries]
        least = self._walking.least_effort
        effort = max(least, k)
        if rows is not None:
            effort = max(least, _MARGIN * k) * len(self) // count
            if self._exact.cost(count) <= self._walking.cost(self._index, effort):
                return self._exact.search(queries, k, allowed)
        rankings = []
        for query, met in zip(queries, self._walk(queries, effort), strict=True):
            near = met if rows is None else _allowed_half(met, rows)
            if len(near) < min(k, count):
                rankings += self._exact.search(query[np.newaxis], k, allowed)
            else:
                near = np.sort(near)
                scores = self._exact.scores(query[np.newaxis], near)[0]
                rankings.append(best_of(self._ids[near], scores, k))
        return rankings

    def _walk(self, queries: Float32Array, effort: int) -> Sequence[npt.NDArray[np.intp]]:
        """Return the rows of the ``effort`` or fewer vectors met that are nearest, best first."""
        parameters = self._walking.parameters(self._index, effort)
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        met = self._index.search(queries, min(effort, len(self)), params=parameters)[1]
        return [rows[rows >= 0] for rows in met]  # FAISS fills up with -1

    def candidates(self, queries: Float32Array) -> Sequence[npt.NDArray[np.intp]]:
        """Return the rows that FAISS itself finds near each query, best first."""
        return self._walk(queries, self._walking.least_effort)

    def save(self, folder: Path) -> None:
        """Write FAISS's index into the existing empty ``folder``.

        Raises:
            StorageFailed: FAISS could not write it.
        """
        path = folder / self._walking.file
        try:
            # By a file of Python: FAISS's own says nothing of what fails as it is closed.
            with path.open("wb") as file:
                self._faiss.write_index(self._index, self._faiss.PyCallbackIOWriter(file.write))
        except (OSError, RuntimeError) as error:
            failed = storage_failed(error, "writing the dense index", path, kept=DOCUMENTS_KEPT)
            raise failed from error


def _allowed_half(met: npt.NDArray[np.intp], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return those of the nearer half of ``met`` that are in ``rows`` (ascending).

    In its farther half a walk misses many: only the nearer one is as good as exact search.

    >>> _allowed_half(np.array([5, 2, 9, 4, 1, 3]), np.array([1, 2, 9])).tolist()
    [2, 9]
    """
    near = met[: (len(met) + 1) // 2]
    return near[np.isin(near, rows, assume_unique=True)]


def add_all(index: Any, vectors: VectorRows) -> None:
    """Add vectors to one of FAISS's indexes, a block at a time."""
    for start in range(0, vectors.shape[0], _BLOCK):
        block = np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float32)
        index.add(block)


def open_index(
    path: Path, kinds: Sequence[str], ids: Int64Array, vectors: VectorRows, *, mapped: bool
) -> Any:
    """Read one of FAISS's indexes, perhaps only mapped into memory.

    Raises:
        StoreCorrupt: it can not be read, is of no kind of ``kinds``, or does not fit ids and
            vectors.
    """
    faiss = load_faiss()
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
    except (RuntimeError, MemoryError) as error:
        raise StoreCorrupt(f"the FAISS index {path} can not be read: {error}") from error
    properties = (type(index).__name__, index.ntotal, index.d, index.metric_type)
    expected = (len(ids), vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    if properties[0] not in kinds or properties[1:] != expected:
        raise StoreCorrupt(
            f"the FAISS index {path} is (type, vectors, dimension, metric) {properties}, the "
            f"generation says {tuple(kinds)} and {expected}"
        )
    return index


@contextmanager
def threads_for_building(count: int | None) -> Generator[None]:
    """Let FAISS build with ``count`` threads; None: as many as OpenMP is given."""
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
