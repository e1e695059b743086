"""Builds what is searched: a generation of the whole catalogue, a segment of a few rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from rag_engine.calibration.calibration import Calibration
from rag_engine.calibration.fit import Corpus, fit_calibration
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.calibration.twins import Twins
from rag_engine.errors import StoreCorrupt
from rag_engine.ports import DenseIndexFactory, LexicalIndexFactory
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.digests import CHUNKS, chunk_digest
from rag_engine.store.generation import Generation
from rag_engine.store.progress import OnStage, counted, silent
from rag_engine.store.row_codec import INCOMPLETE, IndexRow
from rag_engine.store.segment import PassageVectors, Segment
from rag_engine.store.token_vectors import EightBits, token_code

__all__ = ["IndexBuilder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBuilder:
    """What a knowledge base's indexes are made with."""

    dimension: int
    dense: DenseIndexFactory
    lexical: LexicalIndexFactory
    prior: LanguagePrior | None
    token_space: TokenSpace | None
    fair: bool

    def live_segment(
        self, rows: Sequence[IndexRow], calibration: Calibration
    ) -> tuple[Segment, Calibration]:
        """Build a segment in memory; languages that are new in it join the calibration."""
        passages, terms = PassageVectors.collect(rows, self.dimension, len(rows))
        grown = calibration.grown(
            passages.vectors.astype(np.float32), passages.language_list(), prior=self.prior
        )
        segment = Segment.build(
            passages, terms, grown.offsets, self.dense.local, self.lexical, live=True
        )
        return segment, grown

    def generation(
        self, catalogue: CatalogueReader, on_stage: OnStage = silent, *, in_memory: bool = False
    ) -> Generation:
        """Build a generation of the catalogue's latest revision.

        Raises:
            StoreCorrupt: the catalogue does not hold the passages that were written.
        """
        with catalogue.frozen() as frozen:
            revision = frozen.revision()
            whole = frozen.digest(CHUNKS)
            count, checksums = whole.rows, list[int]()
            index_rows = islice(_noting(frozen.index_rows(after=0), checksums), count)
            passages, terms = PassageVectors.collect(
                counted(index_rows, "reading", count, on_stage), self.dimension, count
            )
            if (
                len(checksums) != count
                or chunk_digest(passages.ids, np.array(checksums, dtype=np.int64)) != whole
            ):
                reason = "its passages are not those that were written"
                raise StoreCorrupt(INCOMPLETE.format(frozen.name, reason))
            calibration = self._calibrate(frozen, passages)
        offsets = calibration.offsets
        numbers = np.zeros(count, dtype=np.uint64)
        packed = counted(_forgotten(terms), "indexing words", count, on_stage)
        segment = Segment.build(
            passages,
            packed,
            offsets,
            self.dense.local if in_memory else self.dense,
            self.lexical,
            numbers=numbers,
            live=in_memory,
            on_stage=on_stage,
        )
        return Generation(
            revision=revision,
            catalogue=whole,
            segment=segment,
            calibration=calibration,
            twins=(
                segment.mine_twins(offsets, numbers, on_stage) if offsets.enabled else Twins.none()
            ),
        )

    def _calibrate(self, catalogue: CatalogueReader, passages: PassageVectors) -> Calibration:
        code = EightBits(0) if self.token_space is None else token_code(self.token_space)
        corpus = Corpus(
            ids=passages.ids,
            vectors=passages.vectors,
            languages=passages.language_list(),
            read_tokens=partial(catalogue.token_vectors, code=code),
        )
        return fit_calibration(
            corpus, prior=self.prior, token_space=self.token_space, fair=self.fair
        )


def _noting(rows: Iterable[IndexRow], checksums: list[int]) -> Iterator[IndexRow]:
    """Yield rows, and note the checksum of each."""
    for row in rows:
        checksums.append(row.checksum)
        yield row


def _forgotten(items: list[bytes]) -> Iterator[bytes]:
    """Yield a list's items in their order, and let go of each: together they fill memory."""
    items.reverse()
    while items:
        yield items.pop()
