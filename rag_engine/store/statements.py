"""The statements that write and delete one document inside a transaction.

Each changes the digests of the sets of rows that it changes (see digests.py).
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.records import MetadataValue
from rag_engine.store import digests
from rag_engine.store import row_codec as rows
from rag_engine.store.checksums import NEXT_STEP, row_checksum
from rag_engine.store.digests import Digest, Tally, row_digest, rows_digest
from rag_engine.store.filter_sql import field_kind
from rag_engine.store.row_codec import DocumentHead, StoredDocument

__all__ = [
    "chunk_digests",
    "delete_document",
    "document_digests",
    "field_rows",
    "put_chunk",
    "put_document",
    "put_meta",
    "put_source",
    "read_meta",
    "remove_source",
    "replace_documents",
]


def _insert(table: str, columns: str) -> str:
    """Return the statement that writes a row; ``columns`` name their table by a letter.

    >>> _insert("chunk", "c.id, c.document")
    'INSERT INTO chunk (id, document) VALUES (?, ?)'
    """
    names = [name.partition(".")[2] for name in columns.split(", ")]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_INSERT_DOCUMENT = _insert("document", rows.DOCUMENT_COLUMNS)
_INSERT_CHUNK = _insert("chunk", rows.CHUNK_COLUMNS)


def read_meta(row: tuple[Any, ...]) -> str:
    """Return the text of a row ``(key, value, checksum)`` of plain data.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    key, value, checksum = row
    if row_checksum((key, value)) != checksum:
        raise StoreCorrupt(
            f"the catalogue is damaged: what it keeps as {key!r} is unreadable; {NEXT_STEP}"
        )
    text: str = value
    return text


def put_meta(connection: sqlite3.Connection, tally: Tally, key: str, value: object) -> None:
    """Keep plain data under ``key``."""
    sql = "SELECT key, value, checksum FROM meta WHERE key = ?"
    before = connection.execute(sql, (key,)).fetchone()
    if before is not None:
        tally.remove(digests.META, row_digest(key, read_meta(before)))
    text = json.dumps(value)
    connection.execute(
        "INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "value = excluded.value, checksum = excluded.checksum",
        (key, text, row_checksum((key, text))),
    )
    tally.add(digests.META, row_digest(key, text))


def put_source(connection: sqlite3.Connection, tally: Tally, name: str, fingerprint: bytes) -> None:
    """Note a source and the fingerprint of its bytes; an empty one: it is being indexed."""
    remove_source(connection, tally, name)
    connection.execute("INSERT INTO source VALUES (?, ?)", (name, fingerprint))
    tally.add(digests.SOURCES, row_digest(name, fingerprint.hex()))


def remove_source(connection: sqlite3.Connection, tally: Tally, name: str) -> None:
    """Forget a source, if it is known."""
    sql = "DELETE FROM source WHERE name = ? RETURNING fingerprint"
    for (fingerprint,) in connection.execute(sql, (name,)).fetchall():
        tally.remove(digests.SOURCES, row_digest(name, fingerprint.hex()))


def delete_document(
    connection: sqlite3.Connection, tally: Tally, document_id: str, revision: int
) -> bool:
    """Delete a document and its chunks, leaving tombstones; tell whether it existed.

    Raises:
        StoreCorrupt: it is damaged.
    """
    sql = f"SELECT {rows.HEAD_COLUMNS} FROM document AS d WHERE d.id = ?"
    row = connection.execute(sql, (document_id,)).fetchone()
    if row is None:
        return False
    head = rows.read_head(row)
    chunks = connection.execute(
        "SELECT id, document, language, page, checksum FROM chunk WHERE document = ?",
        (head.number,),
    ).fetchall()
    if len(chunks) != head.chunks:
        raise StoreCorrupt(rows.DAMAGED_DOCUMENT.format(head.id))
    for name, digest in (*document_digests(head), *chunk_digests(chunks)):
        tally.remove(name, digest)
    tombs = [(chunk, revision, checksum) for chunk, *_, checksum in chunks]
    connection.executemany("INSERT INTO tombstone VALUES (?, ?, ?)", tombs)
    tally.add(digests.TOMBSTONES, rows_digest(tombs))
    connection.execute("DELETE FROM document WHERE number = ?", (head.number,))
    return True


def replace_documents(
    connection: sqlite3.Connection,
    tally: Tally,
    documents: Iterable[StoredDocument],
    revision: int,
) -> None:
    """Write documents with their metadata and chunks, each in the place of one with its id."""
    numbers = itertools.count(_next_number(connection, "document", "number"))
    chunk_numbers = itertools.count(_next_number(connection, "chunk", "id"))
    written = []
    for stored in documents:
        delete_document(connection, tally, stored.document.id, revision)
        number = next(numbers)
        head = put_document(connection, rows.document_values(number, stored))
        for name, digest in document_digests(head):
            tally.add(name, digest)
        for chunk in stored.chunks:
            row = rows.chunk_values(next(chunk_numbers), number, revision, chunk)
            written.append(put_chunk(connection, row, chunk.tokens))
    for name, digest in chunk_digests(written):  # of many at once: one costs as much as hundreds
        tally.add(name, digest)


def put_document(connection: sqlite3.Connection, values: Sequence[Any]) -> DocumentHead:
    """Write a document's row, its values in the order of ``DOCUMENT_COLUMNS``, and its fields."""
    connection.execute(_INSERT_DOCUMENT, tuple(values))
    head = rows.read_head(values[:9])
    connection.executemany(
        "INSERT INTO field VALUES (?, ?, ?, ?)", field_rows(head.number, head.metadata)
    )
    return head


def put_chunk(
    connection: sqlite3.Connection, values: Sequence[Any], tokens: bytes
) -> tuple[Any, ...]:
    """Write a chunk's row, its values in the order of ``CHUNK_COLUMNS``, and its token vectors.

    Returns what ``chunk_digests`` takes.
    """
    connection.execute(_INSERT_CHUNK, tuple(values))
    number = values[0]
    if tokens:
        connection.execute(
            "INSERT INTO token_vectors VALUES (?, ?, ?)",
            (number, tokens, row_checksum((number, tokens))),
        )
    return number, values[1], values[6], values[8], values[13]


def field_rows(
    number: int, metadata: dict[str, MetadataValue]
) -> list[tuple[int, str, str, MetadataValue]]:
    """Return the rows of a document's metadata, as filters read them."""
    return [(number, key, field_kind(value), _kept(value)) for key, value in metadata.items()]


def _kept(value: MetadataValue) -> MetadataValue:
    """Return a value as SQLite gives it back: it knows no booleans, and no minus zero."""
    if isinstance(value, bool):
        return int(value)
    return value + 0.0 if isinstance(value, float) else value


def document_digests(head: DocumentHead) -> Iterator[tuple[str, Digest]]:
    """Yield what a document adds to sets of rows."""
    yield digests.DOCUMENTS, row_digest(head.number, head.id, head.source, head.title)
    yield digests.DOCUMENT_IDS, row_digest(head.number, head.id)
    for row in field_rows(head.number, head.metadata):
        yield digests.field_set(row[1]), row_digest(*row)


def chunk_digests(chunks: list[tuple[Any, ...]]) -> Iterator[tuple[str, Digest]]:
    """Yield what chunks add to sets of rows: ``(id, document, language, page, checksum)`` each."""
    if chunks:
        ids = np.array([chunk[0] for chunk in chunks], dtype=np.int64)
        checksums = np.array([chunk[4] for chunk in chunks], dtype=np.int64)
        yield digests.CHUNKS, digests.chunk_digest(ids, checksums)
        yield digests.CHUNK_PLACES, rows_digest(chunk[:4] for chunk in chunks)


def _next_number(connection: sqlite3.Connection, table: str, key: str) -> int:
    """Return a number that no row of the table ever had."""
    # The checksum covers the number, so it is wanted before the row is there.
    sql = (
        f"SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0), "
        f"ifnull((SELECT max({key}) FROM {table}), 0))"
    )
    return 1 + int(connection.execute(sql).fetchone()[0])
