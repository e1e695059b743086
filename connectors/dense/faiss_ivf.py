"""Approximate search by FAISS in little memory: product-quantised vectors in inverted lists."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.dense.exact_index import check_rows
from rag_engine.connectors.dense.faiss_gpu import check_device, from_device, to_device
from rag_engine.connectors.dense.faiss_index import (
    FaissIndex,
    add_all,
    load_faiss,
    open_index,
    threads_for_building,
)
from rag_engine.errors import InvalidInput, StoreCorrupt
from rag_engine.ports import DenseIndexFactory, Int64Array, VectorRows
from rag_engine.settings.indexes import FEWEST_IN_LISTS

__all__ = ["FaissIvfPqFactory", "is_saved"]

_FILE = "ivfpq.faiss"
_TRAINING_A_LIST = 64
"""FAISS wants at least 39 vectors to place a list's centre, and gains little beyond these."""
_LOOKUP_COST = 0.25
"""Adding up a vector's table entries costs as much as so many vectors compared in a row."""
_SAMPLE = 8


@dataclass(frozen=True)
class _IvfWalk:
    """Search looks through the ``lists`` nearest lists, and keeps ``effort`` of what is there."""

    lists: int
    least_effort: int
    file: str = _FILE

    def probes(self, index: Any, effort: int) -> int:
        wider = math.ceil(self.lists * effort / self.least_effort)
        return min(int(index.nlist), max(self.lists, wider))

    def parameters(self, index: Any, effort: int) -> Any:
        return load_faiss().SearchParametersIVF(nprobe=self.probes(index, effort))

    def cost(self, index: Any, effort: int) -> int:
        looked_at = self.probes(index, effort) * index.ntotal / index.nlist
        return int(_LOOKUP_COST * looked_at) + 4 * effort


class FaissIvfPqFactory(DenseIndexFactory):
    """Builds and loads inverted lists of product-quantised vectors (Jegou et al. 2011).

    A vector takes ``dimension / 4`` bytes, or as many as divide it, beside its id: a quarter of
    what ``sq8`` takes. So coarse a copy misses more; ``candidates`` of its nearest are compared
    exactly.

    Args:
        lists: how many lists a search looks through.
        candidates: how many of the nearest found there are compared exactly.
        threads: how many threads build; None: as many as OpenMP is given.
        device: ``cpu`` or ``cuda``, where it is built; it is searched on the CPU.

    Raises:
        InvalidInput: a value below 1, or a device that is not there.
        MissingExtra: faiss is not installed.
    """

    kind = "ivf-pq"
    fewest = FEWEST_IN_LISTS
    """Fewer vectors can not tell the 256 codes of a quantiser."""

    def __init__(
        self,
        *,
        lists: int = 48,
        candidates: int = 400,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        load_faiss()
        check_device(device)
        if min(lists, candidates, threads or 1) < 1:
            raise InvalidInput(
                "inverted lists need lists, candidates and threads of at least 1, got "
                f"{lists}, {candidates}, {threads}"
            )
        self._walk = _IvfWalk(lists, candidates)
        self._threads = threads
        self._device = device

    def build(self, ids: Int64Array, vectors: VectorRows) -> FaissIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, sorted ascending.

        Raises:
            InvalidInput: ids out of order, or fewer than 4,096 vectors.
        """
        check_rows(ids, vectors)
        count, dimension = vectors.shape
        if count < self.fewest:
            raise InvalidInput(
                f"kind 'ivf-pq' needs {self.fewest} passages or more, got {count}; use 'auto' or "
                "'hnsw'"
            )
        faiss = load_faiss()
        lists = max(1, round(4 * math.sqrt(count)))
        coarse = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFPQ(
            coarse, dimension, lists, _parts(dimension), 8, faiss.METRIC_INNER_PRODUCT
        )
        drawn = min(count, max(self.fewest, _TRAINING_A_LIST * lists))
        rows = np.linspace(0, count - 1, drawn).astype(np.intp)
        index.cp.min_points_per_centroid = 1
        with threads_for_building(self._threads):
            building = to_device(index, self._device)
            building.train(np.ascontiguousarray(vectors[rows], dtype=np.float32))
            add_all(building, vectors)
        return FaissIndex(from_device(building, self._device), ids, vectors, self._walk)

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> FaissIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the file does not fit the ids and vectors, or can not be read.
        """
        path = folder / _FILE
        index = open_index(path, ("IndexIVFPQ",), ids, vectors, mapped=False)
        loaded = FaissIndex(index, ids, vectors, self._walk)
        _check_sample(path, loaded, vectors)
        return loaded


def is_saved(folder: Path) -> bool:
    """Tell whether inverted lists were saved into ``folder``."""
    return (folder / _FILE).exists()


def _parts(dimension: int) -> int:
    """Return into how many parts a vector is cut: about a quarter of its dimension.

    >>> _parts(384), _parts(1024), _parts(30)
    (96, 256, 6)
    """
    return next(parts for parts in range(max(1, dimension // 4), 0, -1) if dimension % parts == 0)


def _check_sample(path: Path, index: FaissIndex, vectors: VectorRows) -> None:
    """See that a few vectors are found where they should be."""
    rows = np.linspace(0, len(index) - 1, min(_SAMPLE, len(index))).astype(np.intp)
    sample = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    met = index.candidates(sample)
    if not all(row in near for row, near in zip(rows.tolist(), met, strict=True)):
        raise StoreCorrupt(f"the FAISS index {path} holds other vectors than the generation")
