"""The statements that write and delete one document inside a transaction."""

from __future__ import annotations

import sqlite3
import zlib

from rag_engine.store import row_codec as rows
from rag_engine.store.filter_sql import field_kind
from rag_engine.store.row_codec import StoredDocument
from rag_engine.store.token_vectors import pack

__all__ = ["delete_document", "insert_document"]


def delete_document(connection: sqlite3.Connection, document_id: str, revision: int) -> bool:
    """Delete a document and its chunks, leaving tombstones; tell whether it existed."""
    row = connection.execute("SELECT number FROM document WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        return False
    connection.execute(
        "INSERT INTO tombstone SELECT id, ? FROM chunk WHERE document = ?", (revision, row[0])
    )
    connection.execute("DELETE FROM document WHERE number = ?", row)
    return True


def insert_document(connection: sqlite3.Connection, stored: StoredDocument, revision: int) -> None:
    """Write a document that is not there, with its metadata and chunks."""
    number = connection.execute(
        "INSERT INTO document (id, fingerprint, title, source, language_hint, spans, metadata, "
        "text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows.document_values(stored.document),
    ).lastrowid
    connection.executemany(
        "INSERT INTO field VALUES (?, ?, ?, ?)",
        [
            (number, key, field_kind(value), value)
            for key, value in stored.document.metadata.items()
        ],
    )
    for stored_chunk in stored.chunks:
        chunk = connection.execute(
            "INSERT INTO chunk (document, revision, ordinal, start_offset, end_offset, language, "
            "section, page, text, vector, terms, checksum) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, revision, *rows.chunk_values(stored_chunk)),
        ).lastrowid
        if stored_chunk.tokens is not None:
            data = pack(stored_chunk.tokens)
            connection.execute(
                "INSERT INTO token_vectors VALUES (?, ?, ?)", (chunk, data, zlib.crc32(data))
            )
