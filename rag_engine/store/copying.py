"""A catalogue is written anew, document by document, and put in the place of the old one.

Tables are never mended where they lie: what can be read goes into a new file, which takes the old
one's name when it is whole and durable. A kill or an error in between leaves the old one.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag_engine.errors import StoreError
from rag_engine.store.checksums import row_checksum
from rag_engine.store.digests import SEQUENCES, Tally, rows_digest
from rag_engine.store.files import put_in_place, sync_file
from rag_engine.store.raw_rows import RawDocument
from rag_engine.store.schema import SCHEMA_VERSION, connect, create_schema
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.statements import (
    chunk_digests,
    document_digests,
    put_chunks,
    put_documents,
    put_meta,
    put_source,
)

__all__ = ["CatalogueContents", "replace_catalogue", "sequences", "unfinished_copy"]

_CACHE_KB = 64_000
"""Memory for the pages of the new file: indexes are written all over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueContents:
    """What a catalogue is written from; ``sequences`` are the last numbers of tables."""

    meta: Mapping[str, object]
    sources: Mapping[str, bytes]
    documents: Iterable[RawDocument]
    sequences: Mapping[str, int]


def sequences(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the last number that each table gave."""
    return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def unfinished_copy(path: Path) -> Path:
    """Return the file that a catalogue is written to before it takes the place of the old one."""
    return path.with_name(f"{path.name}.copy")


def replace_catalogue(
    path: Path, old: sqlite3.Connection, contents: CatalogueContents, *, keep: Path | None = None
) -> None:
    """Write a catalogue and put it in the place of the one at ``path``, which ``keep`` keeps.

    ``old`` is a connection to the one that is there, and is closed. The new one has the next
    revision and no tombstones: an index that was built before is built anew.

    Raises:
        StoreError: another process has the old one open in a way that would damage the new one.
    """
    beside = unfinished_copy(path)
    for name in (beside, beside.with_name(f"{beside.name}-journal")):
        name.unlink(missing_ok=True)
    create_schema(beside)
    new = connect(beside, read_only=False)
    try:
        # Nobody knows the file yet, and what is left of it after a kill is thrown away: it needs
        # no journal, and is made durable once, when it is whole.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KB}"):
            new.execute(f"PRAGMA {pragma}")
        with contextlib.closing(old):
            _write(new, contents)
            # A write-ahead log that is left beside the old file would be replayed into the new one.
            if old.execute("PRAGMA journal_mode=DELETE").fetchone() != ("delete",):
                raise StoreError(
                    f"the catalogue {path} is open in another process; end what reads the "
                    "knowledge base, then try again"
                )
    except BaseException:
        new.close()
        beside.unlink()
        raise
    new.close()
    shutil.copymode(path, beside)
    sync_file(beside)
    put_in_place(beside, path, keep=keep)


def _write(connection: sqlite3.Connection, contents: CatalogueContents) -> None:
    tally = Tally()
    connection.execute("BEGIN IMMEDIATE")
    latest = int(str(contents.meta["revision"]))
    for count, raw in enumerate(contents.documents, start=1):
        _write_document(connection, tally, raw)
        latest = max([latest, *(chunk.revision for chunk in raw.chunks)])
        if count % 1000 == 0:
            tally.write(connection)
    for name, fingerprint in contents.sources.items():
        put_source(connection, tally, name, fingerprint)
    revision = 1 + latest
    for key, value in contents.meta.items():
        put_meta(connection, tally, key, value)
    for key, value in {
        "schema": SCHEMA_VERSION,
        "revision": revision,
        "forgotten": revision,
    }.items():
        put_meta(connection, tally, key, value)
    for table, last in contents.sequences.items():
        connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table)
        )
        connection.execute(
            "INSERT INTO sqlite_sequence SELECT ?, ? WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (table, last, table),
        )
    tally.add(SEQUENCES, rows_digest(sequences(connection).items()))
    tally.write(connection)
    connection.execute("COMMIT")


def _write_document(connection: sqlite3.Connection, tally: Tally, raw: RawDocument) -> None:
    document = raw.document
    head = (
        raw.number,
        document.id,
        raw.fingerprint,
        len(raw.chunks),
        document.title,
        document.source,
        document.language_hint,
        raw.metadata,
    )
    values = (*head, row_checksum(head), raw.spans, document.text)
    (written,) = put_documents(connection, [values], SQLITE)
    chunks = [((*chunk.values, row_checksum(chunk.values)), chunk.tokens) for chunk in raw.chunks]
    places = put_chunks(connection, chunks)
    for name, digest in (*document_digests(written), *chunk_digests(places)):
        tally.add(name, digest)
