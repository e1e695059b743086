"""A catalogue as version 0.3 wrote it, made of one of now: its tables, its checksums."""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from pathlib import Path

__all__ = ["make_old"]

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE source (name TEXT PRIMARY KEY, fingerprint BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE document (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    language_hint TEXT,
    spans TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX document_source ON document (source);
CREATE TABLE field (
    document INTEGER NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (document, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX field_value ON field (key, kind, value);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    language TEXT NOT NULL,
    section TEXT NOT NULL,
    page INTEGER,
    text TEXT NOT NULL,
    vector BLOB NOT NULL,
    terms BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX chunk_document ON chunk (document);
CREATE INDEX chunk_revision ON chunk (revision);
CREATE TABLE token_vectors (
    chunk INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    data BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE tombstone (chunk INTEGER PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
"""
_COPIED = {
    "meta": "key, value",
    "source": "name, fingerprint",
    "document": "number, id, fingerprint, title, source, language_hint, spans, metadata, text",
    "field": "document, key, kind, value",
    "token_vectors": "chunk, data, 0",
    "tombstone": "chunk, revision",
}
_CHUNK = (
    "id, document, revision, ordinal, start_offset, end_offset, language, section, page, text, "
    "vector, terms"
)


def make_old(path: Path) -> None:
    """Put an old catalogue with the same contents in the place of the one at ``path``."""
    beside = path.with_name("old.sqlite")
    with (
        contextlib.closing(sqlite3.connect(path)) as new,
        contextlib.closing(sqlite3.connect(beside)) as old,
    ):
        old.executescript(_SCHEMA)
        for table, columns in _COPIED.items():
            _insert(old, table, new.execute(f"SELECT {columns} FROM {table}").fetchall())
        old.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
        chunks = new.execute(f"SELECT {_CHUNK} FROM chunk").fetchall()
        _insert(old, "chunk", [(*row, _checksum(row[3:])) for row in chunks])
        for chunk, data in old.execute("SELECT chunk, data FROM token_vectors").fetchall():
            sql = "UPDATE token_vectors SET checksum = ? WHERE chunk = ?"
            old.execute(sql, (zlib.crc32(data), chunk))
        old.commit()
    beside.replace(path)


def _insert(connection: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _checksum(values: tuple[object, ...]) -> int:
    data = [value if isinstance(value, bytes) else repr(value).encode() for value in values]
    return zlib.crc32(b"".join(data))
