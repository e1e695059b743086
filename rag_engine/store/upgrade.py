"""A catalogue that version 0.3 or before wrote is brought up to date by the first who may write.

All is verified on the way, by the checksums of then. It is written anew (see copying.py), so there
must be room for it twice, and takes some seconds for 100,000 chunks; the index is built anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_engine.errors import StoreCorrupt
from rag_engine.records import Document, Span
from rag_engine.store import row_codec as rows
from rag_engine.store.copying import (
    CatalogueContents,
    replace_catalogue,
    sequences,
    unfinished_copy,
)
from rag_engine.store.failures import storage
from rag_engine.store.files import previous
from rag_engine.store.raw_rows import RawChunk, RawDocument
from rag_engine.store.schema import OLD_VERSION, SQLITE_ERRORS, connect, schema_version

__all__ = ["is_old", "old_document", "upgrade"]

logger = logging.getLogger(__name__)


def is_old(connection: sqlite3.Connection) -> bool:
    """Tell whether version 0.3 or before wrote a catalogue; of a damaged one nobody can tell."""
    try:
        return schema_version(connection) == OLD_VERSION
    except (*SQLITE_ERRORS, ValueError):
        return False


def upgrade(path: Path) -> None:
    """Bring a catalogue up to date, if it is an old one; nobody else may write meanwhile.

    Raises:
        StoreCorrupt: it is damaged; nothing was changed.
    """
    with storage("bringing the catalogue up to date", path):
        connection = connect(path, read_only=False)
        if not is_old(connection):
            connection.close()
            previous(path).unlink(missing_ok=True)  # of an upgrade that was killed at its end
            unfinished_copy(path).unlink(missing_ok=True)
            return
        logger.warning("%s was written by an older version; bringing it up to date ...", path)
        try:
            contents = CatalogueContents(
                meta={
                    key: json.loads(value)
                    for key, value in connection.execute("SELECT key, value FROM meta")
                },
                sources=dict(connection.execute("SELECT name, fingerprint FROM source")),
                documents=_documents(connection),
                sequences=sequences(connection),
            )
            replace_catalogue(path, connection, contents)
        finally:
            connection.close()


def _documents(connection: sqlite3.Connection) -> Iterator[RawDocument]:
    sql = "SELECT number FROM document ORDER BY number"
    for (number,) in connection.execute(sql).fetchall():
        yield old_document(connection, number)


def old_document(connection: sqlite3.Connection, number: int) -> RawDocument:
    """Read a document with its chunks from the tables of version 0.3.

    Raises:
        StoreCorrupt: it is damaged.
    """
    fingerprint, identifier, title, source, hint, spans, metadata, text = connection.execute(
        "SELECT fingerprint, id, title, source, language_hint, spans, metadata, text "
        "FROM document WHERE number = ?",
        (number,),
    ).fetchone()
    try:
        document = Document(
            id=identifier,
            text=text,
            title=title,
            source=source,
            language_hint=hint,
            spans=tuple(
                Span(start=start, end=end, section=tuple(section), page=page)
                for start, end, section, page in json.loads(spans)
            ),
            metadata=json.loads(metadata),
        )
        intact = rows.document_fingerprint(document) == fingerprint
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(rows.DAMAGED_DOCUMENT.format(identifier)) from error
    if not intact:
        raise StoreCorrupt(rows.DAMAGED_DOCUMENT.format(identifier))
    sql = (
        "SELECT id, document, revision, ordinal, start_offset, end_offset, language, section, "
        "page, text, vector, terms, checksum FROM chunk WHERE document = ? ORDER BY id"
    )
    return RawDocument(
        number=number,
        document=document,
        fingerprint=fingerprint,
        metadata=metadata,
        spans=spans,
        chunks=tuple(_old_chunk(connection, row) for row in connection.execute(sql, (number,))),
    )


def _old_chunk(connection: sqlite3.Connection, row: tuple[Any, ...]) -> RawChunk:
    *values, checksum = row
    kept = [value if isinstance(value, bytes) else repr(value).encode() for value in values[3:]]
    if zlib.crc32(b"".join(kept)) != checksum:
        raise StoreCorrupt(rows.DAMAGED_CHUNK.format(values[0]))
    sql = "SELECT data, checksum FROM token_vectors WHERE chunk = ?"
    data, checksum = connection.execute(sql, (values[0],)).fetchone() or (b"", 0)
    if zlib.crc32(data) != checksum:
        raise StoreCorrupt(rows.DAMAGED_CHUNK.format(values[0]))
    return RawChunk(values=(*values[:9], len(data), *values[9:]), tokens=data)
