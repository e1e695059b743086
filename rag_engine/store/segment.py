"""A segment: a set of chunks that can be searched, with both its indexes. Never changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.fairness.language_offsets import LanguageOffsets
from rag_engine.ports import (
    DenseIndex,
    DenseIndexFactory,
    Float32Array,
    Int64Array,
    LexicalIndex,
    LexicalIndexFactory,
    Terms,
)
from rag_engine.store.rows import IndexRow

__all__ = ["PassageVectors", "Segment"]


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """Raw vectors and languages of chunks, row by row in the order of ``ids`` (ascending).

    ``vectors`` has shape ``(n, dimension)`` and type float16, perhaps mapped from a file;
    ``codes`` ``(n,)`` uint16 points into ``languages``.
    """

    ids: Int64Array
    vectors: npt.NDArray[np.float16]
    codes: npt.NDArray[np.uint16]
    languages: tuple[str, ...]

    @classmethod
    def collect(cls, index_rows: Sequence[IndexRow], dimension: int) -> PassageVectors:
        """Gather the rows of the catalogue into arrays."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(row.language, len(numbers)) for row in index_rows]
        data = b"".join(row.vector for row in index_rows)
        return cls(
            ids=np.array([row.id for row in index_rows], dtype=np.int64),
            vectors=np.frombuffer(data, dtype=np.float16).reshape(len(index_rows), dimension),
            codes=np.array(codes, dtype=np.uint16),
            languages=tuple(numbers),
        )

    def language_list(self, rows: npt.NDArray[np.intp] | None = None) -> list[str]:
        """Return the language of each row, or of some."""
        codes = self.codes if rows is None else self.codes[rows]
        return [self.languages[code] for code in codes]

    def rows_of(self, ids: Int64Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the row of each id, and whether the id is here (else the row means nothing)."""
        if len(self.ids) == 0:
            return np.zeros(len(ids), dtype=np.intp), np.zeros(len(ids), dtype=np.bool_)
        rows = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return rows, self.ids[rows] == ids

    def centred(self, offsets: LanguageOffsets) -> Float32Array:
        """Return all vectors as the dense index compares them, ``(n, dimension)`` float32."""
        return offsets.centre_passages(self.vectors.astype(np.float32), self.language_list())


@dataclass(frozen=True, slots=True)
class Segment:
    """Chunks with their vectors and both indexes over them."""

    passages: PassageVectors
    dense: DenseIndex
    lexical: LexicalIndex

    def __len__(self) -> int:
        return len(self.passages.ids)

    @classmethod
    def build(
        cls,
        index_rows: Sequence[IndexRow],
        passages: PassageVectors,
        offsets: LanguageOffsets,
        dense: DenseIndexFactory,
        lexical: LexicalIndexFactory,
        *,
        live: bool = False,
    ) -> Segment:
        """Index chunks; ``passages`` was collected from the same ``index_rows``.

        A ``live`` segment is searched for a while and never saved.
        """
        return cls(
            passages=passages,
            dense=dense.build(passages.ids, passages.centred(offsets)),
            lexical=lexical.build(_terms(index_rows), in_memory=live),
        )


def _terms(index_rows: Sequence[IndexRow]) -> Iterator[Terms]:
    for row in index_rows:
        yield Terms(id=row.id, terms=row.terms)
