"""The ports of indexes: what the engine asks of whatever finds vectors, or terms.

Vectors are C-contiguous float32 with rows of unit length; ids are int64 and positive. Every
``search`` returns its results by score descending, then id ascending, and never an id below 0.

A factory derives from its port, and inherits what only one that keeps its indexes in a service
does otherwise: ``bind``, ``local`` and ``collect_garbage``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rag_engine.arrays import Float32Array, Int64Array
from rag_engine.filters import Filter
from rag_engine.records import MetadataValue

__all__ = [
    "AnalysedPassage",
    "ChunkFields",
    "DenseIndex",
    "DenseIndexFactory",
    "FieldsOf",
    "IdSelector",
    "LexicalIndex",
    "LexicalIndexFactory",
    "Ranking",
    "VectorRows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFields:
    """What a passage may be filtered by: its language, and fields of its document."""

    language: str = ""
    document: Mapping[str, MetadataValue] = field(default_factory=dict)
    """The other keys of ``filters.CHUNK_KEYS``; a page only where there is one."""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


FieldsOf = Callable[[Int64Array], Mapping[int, ChunkFields]]
"""Looks up the fields of those of some ids that still exist."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ids with their scores, best first; both arrays have shape ``(n,)``."""

    ids: Int64Array
    scores: Float32Array


@dataclass(frozen=True, slots=True)
class IdSelector:
    """Which ids a search may return: only ``ids``, or (``exclude``) all but ``ids``.

    ``ids`` is sorted ascending without repeats, shape ``(n,)``. ``where`` is the filter that chose
    them (fewer of them may be left), for an index that can filter by itself.
    """

    ids: Int64Array
    exclude: bool = False
    where: Filter | None = None

    def allows(self, ids: Int64Array) -> npt.NDArray[np.bool_]:
        """Tell for each id whether it may be returned.

        >>> IdSelector(np.array([2, 5]), exclude=True).allows(np.array([1, 2, 3])).tolist()
        [True, False, True]
        """
        return np.isin(ids, self.ids, invert=self.exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedPassage:
    """One passage as the lexical index stores it: its terms, repeated as often as they occur."""

    id: int
    terms: Sequence[str]


class VectorRows(Protocol):
    """Vectors ``(n, dimension)``, made or read where they are asked for; or simply an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, dimension)``."""
        ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Return the vectors of a slice, or of an array of rows: float32 or float16."""
        ...


@runtime_checkable
class DenseIndex(Protocol):
    """Nearest vectors by inner product."""

    def __len__(self) -> int:
        """Count the vectors."""
        ...

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into the existing empty ``folder``; the caller makes it durable."""
        ...


class DenseIndexFactory(Protocol):
    """Builds and loads one kind of dense index."""

    @property
    def kind(self) -> str:
        """The kind's name, written into the manifest of a generation."""
        ...

    @property
    def local(self) -> DenseIndexFactory:
        """What indexes the few passages that were just added, in this process."""
        return self

    def bind(self, root: Path, fields: FieldsOf) -> DenseIndexFactory:
        """Return the factory of the knowledge base in the folder ``root``.

        ``fields`` looks up what its passages may be filtered by.
        """
        del root, fields
        return self

    def build(self, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Index ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``, sorted ascending."""
        ...

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> DenseIndex:
        """Load what ``save`` wrote; ``ids`` and ``vectors`` are those that it was built from.

        Raises:
            StoreCorrupt: the files do not fit the ids, or can not be read.
        """
        ...

    def collect_garbage(self, current: DenseIndex) -> None:
        """Remove what the knowledge base left in a service and searches no more."""
        del current


@runtime_checkable
class LexicalIndex(Protocol):
    """An inverted index over terms that the engine's analyser made."""

    def __len__(self) -> int:
        """Count the passages."""
        ...

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        ...

    def search_weighted(
        self, weights: Mapping[str, float], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        A term counts once however often it occurs. Passages that hold none are not returned.
        """
        ...

    def search_bm25(
        self, terms: Sequence[str], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25 (k1 = 1.2, b = 0.75)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into the existing empty ``folder``; the caller makes it durable."""
        ...


class LexicalIndexFactory(Protocol):
    """Builds and loads one kind of lexical index."""

    @property
    def kind(self) -> str:
        """The kind's name, written into the manifest of a generation."""
        ...

    def bind(self, root: Path) -> LexicalIndexFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        del root
        return self

    def build(
        self, passages: Iterator[AnalysedPassage], *, in_memory: bool = False
    ) -> LexicalIndex:
        """Index the passages; ids come ascending and without repeats.

        An index built ``in_memory`` is quicker to make when it is small, and is never saved.
        """
        ...

    def load(self, folder: Path) -> LexicalIndex:
        """Load what ``save`` wrote.

        Raises:
            StoreCorrupt: the files can not be read.
        """
        ...

    def collect_garbage(self, current: LexicalIndex) -> None:
        """Remove what the knowledge base left in a service and searches no more."""
        del current
