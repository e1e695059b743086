"""The rows of one document as they lie in the catalogue, each verified, whatever else is damaged.

What checks, repairs or upgrades a catalogue reads it document by document, so that one that can not
be read keeps nobody from the others.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from rag_engine.errors import StoreCorrupt
from rag_engine.records import Document
from rag_engine.store import row_codec as rows
from rag_engine.store.checksums import row_checksum
from rag_engine.store.database import Dialect
from rag_engine.store.schema import SQLITE_ERRORS
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.statements import field_rows

__all__ = [
    "RawChunk",
    "RawDocument",
    "document_numbers",
    "name_of",
    "raw_document",
    "read_raw",
    "rows_until_error",
]

Read = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Runs a statement with its parameters, and returns all its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawChunk:
    """A chunk's row without its checksum, in the order of ``CHUNK_COLUMNS``; its token vectors."""

    values: tuple[Any, ...]
    tokens: bytes

    @property
    def id(self) -> int:
        """The chunk's id."""
        return int(self.values[0])

    @property
    def revision(self) -> int:
        """The revision that wrote it."""
        return int(self.values[2])

    @property
    def language(self) -> str:
        """Its language."""
        return str(self.values[6])

    @property
    def vector(self) -> bytes:
        """Its vector, float16."""
        data: bytes = self.values[11]
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument:
    """A document, all its chunks, and the texts of its columns as they are kept."""

    number: int
    document: Document
    fingerprint: bytes
    metadata: str
    spans: str
    chunks: tuple[RawChunk, ...]


def rows_until_error(
    connection: sqlite3.Connection, sql: str, parameters: Iterable[object] = ()
) -> Iterator[tuple[Any, ...]]:
    """Yield rows until the first that can not be read."""
    try:
        yield from connection.execute(sql, tuple(parameters))
    except SQLITE_ERRORS:
        return


def document_numbers(connection: sqlite3.Connection) -> list[int]:
    """Return the number of every document that any table or index knows of, ascending.

    One of which a page is damaged is read up to there, the table from both of its ends.
    """
    numbers: set[int] = set()
    for sql in (
        "SELECT number FROM document NOT INDEXED ORDER BY number",
        "SELECT number FROM document NOT INDEXED ORDER BY number DESC",
        "SELECT number FROM document INDEXED BY sqlite_autoindex_document_1",
        "SELECT number FROM document INDEXED BY document_filter",
        "SELECT DISTINCT document FROM chunk",
        "SELECT DISTINCT document FROM field",
    ):
        found = rows_until_error(connection, sql)
        numbers.update(number for (number,) in found if isinstance(number, int))
    return sorted(numbers)


def name_of(connection: sqlite3.Connection, number: int) -> tuple[str, str]:
    """Return id and source of a document that is damaged, as far as they can be read.

    What the indexes say stands before a row that is not what was written: it may be another's.
    """
    sql = f"SELECT {rows.HEAD_COLUMNS} FROM document AS d WHERE d.number = ?"
    for row in rows_until_error(connection, sql, (number,)):
        with contextlib.suppress(StoreCorrupt, ValueError, TypeError):
            head = rows.read_head(row)
            return head.id, head.source
    for sql in (
        "SELECT id, source FROM document INDEXED BY document_filter WHERE number = ?",
        "SELECT id, '' FROM document INDEXED BY sqlite_autoindex_document_1 WHERE number = ?",
        "SELECT id, source FROM document WHERE number = ?",
    ):
        for identifier, source in rows_until_error(connection, sql, (number,)):
            return str(identifier), str(source)
    return "", ""


def read_raw(connection: sqlite3.Connection, number: int) -> RawDocument:
    """Read one document of a file of SQLite with all that belongs to it.

    Raises:
        StoreCorrupt: something of it is damaged or missing.
    """

    def read(sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        return connection.execute(sql, tuple(parameters)).fetchall()

    try:
        return raw_document(read, number, SQLITE)
    except (*SQLITE_ERRORS, ValueError, TypeError, OverflowError) as error:
        raise StoreCorrupt(f"it can not be read: {error}") from error


def raw_document(read: Read, number: int, dialect: Dialect) -> RawDocument:
    """Read one document with all that belongs to it; ``read`` runs a statement.

    Raises:
        StoreCorrupt: something of it is damaged or missing.
    """
    sql = f"SELECT {rows.DOCUMENT_COLUMNS} FROM document AS d WHERE d.number = ?"
    found = read(sql, (number,))
    if not found:
        raise StoreCorrupt("its row is missing")
    row = found[0]
    try:
        document = rows.document_from_row(row)
    except StoreCorrupt as error:
        raise StoreCorrupt("its row is not what was written") from error
    head = rows.read_head(row[:9])
    sql = "SELECT document, key, kind, value FROM field WHERE document = ?"
    fields = [dialect.field_row(row)[:4] for row in field_rows(number, head.metadata)]
    # Ordered here: the order that a database has may be that of another spelling (NUL).
    if sorted(read(sql, (number,)), key=itemgetter(1)) != sorted(fields, key=itemgetter(1)):
        raise StoreCorrupt("its fields are not its metadata")
    sql = f"SELECT {rows.CHUNK_COLUMNS} FROM chunk AS c WHERE c.document = ? ORDER BY c.id"
    chunks = tuple(_raw_chunk(read, row) for row in read(sql, (number,)))
    if len(chunks) != head.chunks:
        raise StoreCorrupt(f"{len(chunks)} of its {head.chunks} chunks are there")
    return RawDocument(
        number=number,
        document=document,
        fingerprint=head.fingerprint,
        metadata=row[7],
        spans=row[9],
        chunks=chunks,
    )


def _raw_chunk(read: Read, row: tuple[Any, ...]) -> RawChunk:
    identifier, token_bytes = row[0], row[9]
    if row_checksum(row[:-1]) != row[-1]:
        raise StoreCorrupt(f"its chunk {identifier} is not what was written")
    sql = "SELECT data, checksum FROM token_vectors WHERE chunk = ?"
    data, checksum = next(iter(read(sql, (identifier,))), (b"", None))
    if len(data) != token_bytes or (data and row_checksum((identifier, data)) != checksum):
        raise StoreCorrupt(f"the token vectors of its chunk {identifier} are damaged")
    return RawChunk(values=row[:-1], tokens=data)
