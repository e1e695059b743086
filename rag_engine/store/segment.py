"""A segment: a set of chunks that can be searched, with both its indexes. Never changes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_clusters import LanguageClusters
from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.twins import Marks, Twins, mine_twins, number_mark
from rag_engine.ports import (
    AnalysedPassage,
    DenseIndex,
    DenseIndexFactory,
    Float32Array,
    IdSelector,
    Int64Array,
    LexicalIndex,
    LexicalIndexFactory,
    Ranking,
)
from rag_engine.store.forward_index import ForwardIndex, ForwardIndexBuilder
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.row_codec import IndexRow, split_terms
from rag_engine.store.sparse_index import SparseIndex, SparseIndexBuilder
from rag_engine.text.analysis import numbers_among

__all__ = ["CentredRows", "PassageVectors", "Segment"]


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
    def collect(
        cls, index_rows: Iterable[IndexRow], dimension: int, count: int
    ) -> tuple[PassageVectors, list[bytes]]:
        """Gather ``count`` rows of the catalogue into arrays, and the packed terms of each."""
        numbers: dict[str, int] = {}
        ids = np.empty(count, dtype=np.int64)
        codes = np.empty(count, dtype=np.uint16)
        vectors = np.empty((count, dimension), dtype=np.float16)
        terms = []
        for place, row in enumerate(index_rows):
            ids[place] = row.id
            codes[place] = numbers.setdefault(row.language, len(numbers))
            vectors[place] = np.frombuffer(row.vector, dtype=np.float16)
            terms.append(row.packed_terms)
        return cls(ids=ids, vectors=vectors, codes=codes, languages=tuple(numbers)), terms

    def language_list(self) -> list[str]:
        """Return the language of each row."""
        return [self.languages[code] for code in self.codes]

    def rows_of(self, ids: Int64Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the row of each id, and whether the id is here (else the row means nothing)."""
        if len(self.ids) == 0:
            return np.zeros(len(ids), dtype=np.intp), np.zeros(len(ids), dtype=np.bool_)
        rows = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return rows, self.ids[rows] == ids

    def centred(self, offsets: LanguageMeans, *, full_strength: bool = False) -> CentredRows:
        """Return the vectors as the dense index compares them, made where they are asked for.

        At ``full_strength`` they are for comparing passages with passages (see ``LanguageMeans``).
        """
        of_languages = offsets.between_passages if full_strength else offsets.of_passages
        table = of_languages(self.languages)
        return CentredRows(self.vectors, self.codes, table, enabled=offsets.enabled)


@dataclass(frozen=True, slots=True)
class CentredRows:
    """Vectors less what their languages have in common, unit rows: a ``VectorRows``.

    A million of them would take 1.5 GB in memory; kept are the raw ones, half as large and
    perhaps only mapped from a file, and the offset of each language, ``offsets`` ``(n_languages,
    dimension)``.
    """

    vectors: npt.NDArray[np.floating]
    codes: npt.NDArray[np.uint16]
    offsets: Float32Array
    enabled: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, dimension)``."""
        return self.vectors.shape

    def __getitem__(self, rows: slice | npt.NDArray[np.signedinteger[Any]], /) -> Float32Array:
        """Return the centred vectors of some rows, float32."""
        vectors = self.vectors[rows].astype(np.float32)
        return (
            subtract_and_normalise(vectors, self.offsets[self.codes[rows]])
            if self.enabled
            else vectors
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """Chunks with their vectors and the indexes over them; ``leaders`` are vectors.

    ``sparse`` is None where the embedder tells no weights of tokens.
    """

    passages: PassageVectors
    centred: CentredRows
    dense: DenseIndex
    lexical: LexicalIndex
    terms: ForwardIndex
    lists: LanguageClusters
    leaders: Float32Array
    sparse: SparseIndex | None = None

    def __len__(self) -> int:
        return len(self.passages.ids)

    @classmethod
    def build(
        cls,
        passages: PassageVectors,
        terms: Iterable[bytes],
        offsets: LanguageMeans,
        dense: DenseIndexFactory,
        lexical: LexicalIndexFactory,
        *,
        numbers: Marks | None = None,
        live: bool = False,
        on_stage: OnStage = silent,
    ) -> Segment:
        """Index chunks; ``terms`` are those of each, packed, with what stands behind them.

        What numbers each holds is written into ``numbers`` ``(n,)``, if it is given.
        A ``live`` segment is searched for a while and never saved; it lies in memory alone.
        """
        sparse = SparseIndexBuilder()
        with ForwardIndexBuilder(in_memory=live) as builder:
            passing = builder.passing(_terms(passages.ids, terms, sparse, numbers))
            lexical_index = lexical.build(passing, in_memory=live)
            table = builder.finished()
        centred = passages.centred(offsets)
        on_stage("indexing vectors", 0, len(passages.ids))
        lists = LanguageClusters.build(centred, passages.codes, len(passages.languages))
        return cls(
            passages=passages,
            centred=centred,
            dense=dense.build(passages.ids, centred),
            lexical=lexical_index,
            terms=table,
            lists=lists,
            leaders=centred[lists.leaders],
            sparse=sparse.finished(),
        )

    def probe(
        self, query: Float32Array, languages: Container[str], allowed: IdSelector | None
    ) -> tuple[Int64Array, Float32Array]:
        """Return passages of some languages near a query: ids and cosines.

        For each language there is one at least that is allowed, if the segment has any.
        """
        passages = self.passages
        codes = [code for code, name in enumerate(passages.languages) if name in languages]
        rows = self.lists.probe(query, self.leaders, codes)
        if allowed is not None:
            rows = rows[allowed.allows(passages.ids[rows])]
            for code in set(codes) - set(passages.codes[rows].tolist()):
                others = self.lists.of(code)
                others = others[allowed.allows(passages.ids[others])]
                rows = np.concatenate([rows, others])
        return passages.ids[rows], np.vecdot(self.centred[rows], query)

    def mine_twins(
        self,
        offsets: LanguageMeans,
        numbers: Marks,
        on_stage: OnStage = silent,
    ) -> Twins:
        """Find the translation twins among the passages; ``numbers`` ``(n,)`` are their marks."""
        passages = self.passages
        full_strength = passages.centred(offsets, full_strength=True)

        def neighbours(rows: npt.NDArray[np.intp], k: int) -> list[Ranking]:
            on_stage("finding translations", int(rows[0]), len(self))
            return self.dense.search(self.centred[rows], k)

        return mine_twins(
            passages.ids, passages.language_list(), numbers, full_strength.__getitem__, neighbours
        )


def _terms(
    ids: Int64Array,
    packed: Iterable[bytes],
    sparse: SparseIndexBuilder,
    numbers: Marks | None,
) -> Iterator[AnalysedPassage]:
    """Yield the terms of chunks; on the way, what else they hold is taken note of."""
    for row, (identifier, data) in enumerate(zip(ids.tolist(), packed, strict=True)):
        terms, weights = split_terms(data)
        sparse.add(weights)
        if numbers is not None:
            numbers[row] = number_mark(numbers_among(terms))
        yield AnalysedPassage(id=identifier, terms=terms)
