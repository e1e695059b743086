"""Verifies a catalogue whose database looks after its own pages, and the index files of this place.

All is read at one moment. What is found here no command mends but that which builds the index anew:
the database is restored as its own tools do it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.store import digests
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.check import REBUILD, CheckReport, Indexes, sets_to_check, vector_fault
from rag_engine.store.check_index import IndexCheck
from rag_engine.store.progress import OnStage, counted, silent
from rag_engine.store.raw_rows import raw_document
from rag_engine.store.row_sets import check_set

__all__ = ["check_catalogue"]

_PLACE = "catalogue"


def check_catalogue(
    catalogue: CatalogueReader,
    root: Path,
    indexes: Indexes | None = None,
    *,
    on_stage: OnStage = silent,
) -> CheckReport:
    """Verify a catalogue and the index files in ``root``; nothing is changed.

    Raises:
        StorageFailed: it can not be read.
    """
    report = CheckReport()
    with catalogue.frozen() as frozen:
        _check_sets(frozen, report, on_stage)
        contract, settings = frozen.meta("contract"), frozen.meta("settings")
        dimension = contract.get("embedder.dimension") if isinstance(contract, dict) else None
        index = IndexCheck(root)
        if index.revision is not None and frozen.forgotten() > index.revision:
            index.leave_out()  # it is built anew by whoever opens it
        numbers = frozen.document_numbers()
        for number in counted(numbers, "checking documents", len(numbers), on_stage):
            try:
                raw = raw_document(frozen.read, number, frozen.dialect)
            except StoreCorrupt as error:
                report.note(f"document number {number}", str(error))
                continue
            report.documents += 1
            report.chunks += len(raw.chunks)
            report.token_vectors += sum(bool(chunk.tokens) for chunk in raw.chunks)
            for chunk in raw.chunks:
                if reason := vector_fault(chunk.vector, dimension):
                    name = f"document {raw.document.id!r}"
                    report.note(name, f"the vector of chunk {chunk.id} {reason}")
                index.compare(chunk)
        factories = None
        if indexes is not None and isinstance(settings, dict):
            factories = indexes(settings)
        report.index_files = index.files
        found = index.finish(
            lambda revision: frozen.tombstones(after=revision).tolist(), factories, on_stage
        )
        for reason in found:
            report.note("index", reason, REBUILD)
    return report


def _check_sets(frozen: CatalogueReader, report: CheckReport, on_stage: OnStage) -> None:
    """Compare every set of rows with what was counted when it was written."""
    names = [name for (name,) in frozen.read("SELECT name FROM digest")]
    keys = [key for (key,) in frozen.read("SELECT DISTINCT key FROM field")]
    wanted = sets_to_check(names, keys)
    for name in counted(wanted, "checking sets of rows", len(wanted), on_stage):
        try:
            if name != digests.CHUNKS:
                check_set(name, frozen.rows_of(name), frozen.digest(name), frozen.name)
                continue
            found = frozen.read("SELECT id, checksum FROM chunk")
            table = np.array(found, dtype=np.int64).reshape(-1, 2)
            kept = frozen.digest(name)
            if digests.chunk_digest(table[:, 0], table[:, 1]) != kept:
                raise StoreCorrupt(f"{len(found)} passages are there, {kept.rows} were written")
        except StoreCorrupt as error:
            report.note(_PLACE, f"{name!r}: {str(error).partition(';')[0]}")
