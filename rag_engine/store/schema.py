"""The catalogue's tables, and how its SQLite file is opened so that a commit is durable."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from rag_engine.errors import StoreNotFound

__all__ = ["SCHEMA_VERSION", "connect", "create_schema"]

SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- A source is a file that was indexed to its end; fingerprint is that of its bytes.
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

-- The metadata again, one row a field, for filters. kind: t(ext), n(umber), b(oolean).
CREATE TABLE field (
    document INTEGER NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (document, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX field_value ON field (key, kind, value);

-- AUTOINCREMENT: the id of a deleted chunk is never given to another.
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

-- The vectors of a chunk's tokens, where they are kept (see token_vectors.py).
CREATE TABLE token_vectors (
    chunk INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    data BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- Chunks deleted since the last published generation, which may still hold them.
CREATE TABLE tombstone (chunk INTEGER PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
"""

# SQLite 3.7.0 to 3.51.2 can lose a committed transaction when a WAL file is reset while another
# connection checkpoints (fixed in 3.51.3).
_WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)
_BUSY_TIMEOUT_MS = 30_000


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open an existing catalogue file; commits are durable when they return.

    Where SQLite's write-ahead log is safe it is used, else a rollback journal with
    ``synchronous=EXTRA`` (which also syncs the folder after the journal is removed).

    Raises:
        StoreNotFound: there is no such file.
        sqlite3.Error: it is no SQLite file, or can not be opened (see ``storage``).
    """
    if not path.is_file():
        raise StoreNotFound(f"no catalogue at {path}")
    # A reader may have to roll back what a killed writer left half-way, so it opens for writing
    # where it can and is kept from changing anything by query_only.
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.execute(f"PRAGMA journal_mode={'WAL' if _WAL_IS_SAFE else 'DELETE'}")
            connection.execute("PRAGMA synchronous=EXTRA")
            # Deleted text is overwritten with zeros, not only unlinked.
            connection.execute("PRAGMA secure_delete=ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def create_schema(path: Path) -> None:
    """Create an empty catalogue at ``path``, which must not exist."""
    path.touch(exist_ok=False)
    connection = connect(path, read_only=False)
    try:
        connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
    finally:
        connection.close()
