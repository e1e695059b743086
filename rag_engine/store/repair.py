"""Saves what is intact of a damaged catalogue, and names what is not.

A document is kept whole or not at all: its row, its fields, all its chunks with vectors and token
vectors. Nothing is made up, and the damaged file is kept beside. Sources count as not indexed to
their end afterwards, so that the next ``rag-engine index`` reads the files again and brings back
what was dropped; what is there already costs it no embedding.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag_engine.errors import StoreCorrupt, StoreNotFound
from rag_engine.store.check import DamagedDocument, read_all_meta
from rag_engine.store.copying import CatalogueContents, replace_catalogue
from rag_engine.store.digests import SEQUENCES, kept_digest
from rag_engine.store.failures import storage
from rag_engine.store.files import WriterLock
from rag_engine.store.generation import read_manifest
from rag_engine.store.progress import OnStage, counted, silent
from rag_engine.store.raw_rows import (
    RawDocument,
    document_numbers,
    name_of,
    read_raw,
    rows_until_error,
)
from rag_engine.store.recognised import CATALOGUE
from rag_engine.store.row_sets import check_set, read_set
from rag_engine.store.schema import SQLITE_ERRORS, connect
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.upgrade import is_old, old_document

__all__ = ["RepairReport", "repair_catalogue"]

_NEEDED = ("settings", "contract", "revision")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What a repair dropped, how many documents it saved, and where it left the damaged file."""

    saved: int
    dropped: tuple[DamagedDocument, ...]
    damaged_file: Path


def repair_catalogue(root: Path, *, on_stage: OnStage = silent) -> RepairReport:
    """Write the catalogue anew from what of it is intact; the index is built anew on opening.

    Raises:
        StoreNotFound: there is no knowledge base.
        StoreLocked: another process is writing to it.
        StoreCorrupt: too little of it is left; nothing was changed.
    """
    path = root / CATALOGUE
    if not path.is_file():
        raise StoreNotFound(f"no knowledge base at {root}: there is no {CATALOGUE} in it")
    lock = WriterLock(root / "writer.lock")
    try:
        with (
            storage("repairing the catalogue", path),
            contextlib.closing(connect(path, read_only=False)) as connection,
        ):
            return _repaired(path, connection, on_stage)
    finally:
        lock.release()


def _repaired(path: Path, connection: sqlite3.Connection, on_stage: OnStage) -> RepairReport:
    old = is_old(connection)
    meta = _old_meta(connection) if old else read_all_meta(connection)
    if lacking := [key for key in _NEEDED if key not in meta]:
        raise StoreCorrupt(
            f"the catalogue {path} can not be repaired: what it keeps as {lacking[0]!r} is lost; "
            "restore the knowledge base from a backup, or index the documents into a new one"
        )
    dropped: list[DamagedDocument] = []
    numbers = document_numbers(connection)
    newest: dict[str, int] = {}
    for number, name in rows_until_error(connection, "SELECT number, id FROM document NOT INDEXED"):
        newest[name] = max(number, newest.get(name, 0))
    saved = 0

    def intact() -> Iterator[RawDocument]:
        nonlocal saved
        for number in counted(numbers, "saving documents", len(numbers), on_stage):
            try:
                raw = old_document(connection, number) if old else read_raw(connection, number)
                if newest.get(raw.document.id, number) > number:
                    raise StoreCorrupt("a later one has its id")
            except (StoreCorrupt, *SQLITE_ERRORS, TypeError) as error:
                name, source = name_of(connection, number)
                dropped.append(
                    DamagedDocument(number=number, id=name, source=source, reason=str(error))
                )
            else:
                saved += 1
                yield raw

    sources = rows_until_error(connection, "SELECT name, fingerprint FROM source")
    keep = path.with_name(f"{path.name}.damaged")
    replace_catalogue(
        path,
        connection,
        CatalogueContents(
            meta={**meta, "revision": max(int(str(meta["revision"])), _of_index(path.parent))},
            sources={str(name): b"" for name, _ in sources},
            documents=intact(),
            sequences=_sequences(connection, path),
        ),
        keep=keep,
    )
    return RepairReport(saved=saved, dropped=tuple(dropped), damaged_file=keep)


def _of_index(root: Path) -> int:
    """Return the revision of the index on disk: the repaired catalogue must be later."""
    try:
        manifest = read_manifest(root)
    except StoreCorrupt:
        return 0
    return 0 if manifest is None else manifest.revision


def _sequences(connection: sqlite3.Connection, path: Path) -> dict[str, int]:
    """Return the last number that each table gave, or nothing if that is damaged."""
    try:
        given = connection.execute(*read_set(SEQUENCES, SQLITE)).fetchall()
        check_set(SEQUENCES, given, kept_digest(connection, SEQUENCES), path)
    except (StoreCorrupt, *SQLITE_ERRORS):
        return {}
    return dict(given)


def _old_meta(connection: sqlite3.Connection) -> dict[str, object]:
    meta: dict[str, object] = {}
    for key, value in rows_until_error(connection, "SELECT key, value FROM meta"):
        with contextlib.suppress(ValueError, TypeError):
            meta[key] = json.loads(value)
    return meta
