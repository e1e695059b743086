"""The statements that write and delete documents inside a transaction, many at a time.

Each changes the digests of the sets of rows that it changes (see digests.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.records import MetadataValue
from rag_engine.store import digests
from rag_engine.store import row_codec as rows
from rag_engine.store.checksums import NEXT_STEP, row_checksum
from rag_engine.store.database import Dialect, FieldRow, Statements
from rag_engine.store.digests import Digest, Tally, row_digest, rows_digest
from rag_engine.store.filter_sql import field_kind
from rag_engine.store.row_codec import DocumentHead, StoredDocument
from rag_engine.store.sql_lists import batches, marks

__all__ = [
    "Change",
    "chunk_digests",
    "delete_documents",
    "document_digests",
    "field_rows",
    "insert_documents",
    "put_chunks",
    "put_documents",
    "put_meta",
    "put_source",
    "read_meta",
    "remove_source",
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


def put_meta(connection: Statements, tally: Tally, key: str, value: object) -> None:
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


def put_source(connection: Statements, tally: Tally, name: str, fingerprint: bytes) -> None:
    """Note a source and the fingerprint of its bytes; an empty one: it is being indexed."""
    remove_source(connection, tally, name)
    connection.execute("INSERT INTO source VALUES (?, ?)", (name, fingerprint))
    tally.add(digests.SOURCES, row_digest(name, fingerprint.hex()))


def remove_source(connection: Statements, tally: Tally, name: str) -> None:
    """Forget a source, if it is known."""
    sql = "DELETE FROM source WHERE name = ? RETURNING fingerprint"
    for (fingerprint,) in connection.execute(sql, (name,)).fetchall():
        tally.remove(digests.SOURCES, row_digest(name, fingerprint.hex()))


@dataclass(slots=True)
class Change:
    """A transaction that is under way, and the revision that it will commit."""

    connection: Statements
    dialect: Dialect
    revision: int
    tally: Tally = field(default_factory=Tally)
    _last: dict[str, int] = field(default_factory=dict)

    def numbers(self, table: str, key: str, count: int = 1) -> range:
        """Return as many numbers as are wanted, which no row of the table ever had."""
        if table not in self._last:
            # Checksums cover a row's number, so it is wanted before the row is there.
            row = self.connection.execute(self.dialect.last_number(table, key)).fetchone()
            self._last[table] = int(row[0])
        first = 1 + self._last[table]
        self._last[table] += count
        return range(first, first + count)

    def keep_numbers(self) -> None:
        """Keep that they were given."""
        self.dialect.keep_numbers(self.connection, self._last)


def delete_documents(change: Change, ids: Iterable[str]) -> list[str]:
    """Delete documents and their chunks, leaving tombstones; return the ids that existed.

    Raises:
        StoreCorrupt: one of them is damaged.
    """
    names = list(dict.fromkeys(ids))
    there: set[str] = set()
    for few in batches(names):
        sql = f"SELECT {rows.HEAD_COLUMNS} FROM document AS d WHERE d.id IN ({marks(few)})"
        heads = list(map(rows.read_head, change.connection.execute(sql, few).fetchall()))
        if heads:
            _delete(change, heads)
            there.update(head.id for head in heads)
    return [name for name in names if name in there]


def _delete(change: Change, heads: Sequence[DocumentHead]) -> None:
    connection, tally = change.connection, change.tally
    numbers = [head.number for head in heads]
    chunks = connection.execute(
        "SELECT id, document, language, page, checksum FROM chunk "
        f"WHERE document IN ({marks(numbers)})",
        numbers,
    ).fetchall()
    counts = Counter(document for _, document, *_ in chunks)
    for head in heads:
        if counts[head.number] != head.chunks:
            raise StoreCorrupt(rows.DAMAGED_DOCUMENT.format(head.id))
        for name, digest in document_digests(head):
            tally.remove(name, digest)
    for name, digest in chunk_digests(chunks):
        tally.remove(name, digest)
    tombs = [(chunk, change.revision, checksum) for chunk, *_, checksum in chunks]
    if tombs:
        connection.executemany("INSERT INTO tombstone VALUES (?, ?, ?)", tombs)
    tally.add(digests.TOMBSTONES, rows_digest(tombs))
    connection.execute(f"DELETE FROM document WHERE number IN ({marks(numbers)})", numbers)


def insert_documents(change: Change, documents: Sequence[StoredDocument]) -> None:
    """Write documents that are not there, each id once, with their metadata and chunks."""
    numbers = change.numbers("document", "number", len(documents))
    values = [rows.document_values(*pair) for pair in zip(numbers, documents, strict=True)]
    heads = put_documents(change.connection, values, change.dialect)
    of_document = [
        (number, chunk)
        for number, stored in zip(numbers, documents, strict=True)
        for chunk in stored.chunks
    ]
    identifiers = change.numbers("chunk", "id", len(of_document))
    written = put_chunks(
        change.connection,
        [
            (rows.chunk_values(identifier, number, change.revision, chunk), chunk.tokens)
            for identifier, (number, chunk) in zip(identifiers, of_document, strict=True)
        ],
    )
    for head in heads:
        for name, digest in document_digests(head):
            change.tally.add(name, digest)
    for name, digest in chunk_digests(written):
        change.tally.add(name, digest)


def put_documents(
    connection: Statements, documents: Sequence[Sequence[Any]], dialect: Dialect
) -> list[DocumentHead]:
    """Write documents' rows, their values in the order of ``DOCUMENT_COLUMNS``, and fields."""
    connection.executemany(_INSERT_DOCUMENT, [tuple(values) for values in documents])
    heads = [rows.read_head(values[:9]) for values in documents]
    fields = [
        dialect.field_row(row) for head in heads for row in field_rows(head.number, head.metadata)
    ]
    if fields:
        connection.executemany(f"INSERT INTO field VALUES ({marks(fields[0])})", fields)
    return heads


def put_chunks(
    connection: Statements, chunks: Sequence[tuple[Sequence[Any], bytes]]
) -> list[tuple[Any, ...]]:
    """Write chunks' rows, their values in the order of ``CHUNK_COLUMNS``, and token vectors.

    Returns what ``chunk_digests`` takes.
    """
    if not chunks:
        return []
    connection.executemany(_INSERT_CHUNK, [tuple(values) for values, _ in chunks])
    packed = [(values[0], tokens) for values, tokens in chunks if tokens]
    if packed:
        tokens = [(chunk, data, row_checksum((chunk, data))) for chunk, data in packed]
        connection.executemany("INSERT INTO token_vectors VALUES (?, ?, ?)", tokens)
    return [(values[0], values[1], values[6], values[8], values[13]) for values, _ in chunks]


def field_rows(number: int, metadata: dict[str, MetadataValue]) -> list[FieldRow]:
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
