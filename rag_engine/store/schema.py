"""The catalogue's tables, and how its SQLite file is opened so that a commit is durable."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

from rag_engine.errors import StoreCorrupt, StoreError, StoreNotFound

__all__ = [
    "OLD_VERSION",
    "SCHEMA_VERSION",
    "SQLITE_ERRORS",
    "changed_definitions",
    "check_header",
    "check_schema",
    "connect",
    "create_schema",
    "is_damage",
    "schema_version",
]

SCHEMA_VERSION = 3
OLD_VERSION = 2
"""Made by version 0.3 and before: a writer brings it up to date (see upgrade.py)."""

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a statement raises: of a damaged file SQLite may tell in bytes that are no text."""

_NO_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What SQLite reports of the machine, not of the file."""

_SCHEMA = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many rows each set of rows has, and what they add up to (see digests.py).
CREATE TABLE digest (
    name TEXT PRIMARY KEY, rows INTEGER NOT NULL, sum BLOB NOT NULL, checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A source is a file that was indexed to its end; fingerprint is that of its bytes.
CREATE TABLE source (
    name TEXT PRIMARY KEY, fingerprint BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The checksum is of the columns before it; the fingerprint is of the whole document. What a hit
-- does not read stands last, so that SQLite need not read it either.
CREATE TABLE document (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    chunks INTEGER NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    language_hint TEXT,
    metadata TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    spans TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
-- All that a filter reads of a document: a filter is answered from what was verified as a whole.
CREATE INDEX document_filter ON document (source, id, title);

-- The metadata again, one row a field, for filters. kind: t(ext), n(umber), b(oolean).
CREATE TABLE field (
    document INTEGER NOT NULL REFERENCES document (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (document, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX field_value ON field (key, kind, value);

-- AUTOINCREMENT: the id of a deleted chunk is never given to another. The checksum stands before
-- what is long: it is read for all chunks where an index is compared with the catalogue.
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
    token_bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    text TEXT NOT NULL,
    vector BLOB NOT NULL,
    terms BLOB NOT NULL
) STRICT;
-- All that a filter reads of a chunk.
CREATE INDEX chunk_filter ON chunk (document, language, page);
CREATE INDEX chunk_revision ON chunk (revision);

-- The vectors of a chunk's tokens, where they are kept (see token_vectors.py); the chunk's
-- token_bytes says how long they are, 0 where there are none.
CREATE TABLE token_vectors (
    chunk INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    data BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- Chunks deleted since the last published generation, which may still hold them; the checksum is
-- that of the chunk.
CREATE TABLE tombstone (
    chunk INTEGER PRIMARY KEY, revision INTEGER NOT NULL, checksum INTEGER NOT NULL
) STRICT;
"""

# SQLite 3.7.0 to 3.51.2 can lose a committed transaction when a WAL file is reset while another
# connection checkpoints (fixed in 3.51.3).
_WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)
_BUSY_TIMEOUT_MS = 30_000
_PAGE_SIZE = 16_384
"""Bytes. Rows of some 3 KB leave a third of pages of SQLite's usual 4 KB empty."""


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
            # Holds for a file that is empty yet, and from the next VACUUM on for any other.
            connection.execute(f"PRAGMA page_size={_PAGE_SIZE}")
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


def check_header(path: Path) -> None:
    """See that the file's header lets SQLite write to it: another number there makes it read-only.

    Raises:
        StoreCorrupt: it does not.
    """
    with path.open("rb") as file:
        versions = file.read(20)[18:]
    if versions not in {b"\1\1", b"\2\2"}:
        raise StoreCorrupt(
            f"the catalogue {path} is damaged: its header has the file format {list(versions)}; "
            "`rag-engine check --kb DIR` says what can be repaired"
        )


def changed_definitions(connection: sqlite3.Connection) -> list[str]:
    """Return the names of tables and indexes that are not defined as this version defines them."""
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(_SCHEMA)
        sql = "SELECT name, type, tbl_name, sql FROM sqlite_schema"
        wanted, found = ({tuple(row) for row in each.execute(sql)} for each in (fresh, connection))
    return sorted({str(name) for name, *_ in wanted ^ found})


def is_damage(error: Exception) -> bool:
    """Tell whether an error of a statement of ours is of the file's making.

    Text that is no UTF-8, or a table without its columns, is an ``OperationalError`` to Python, as
    a full disk is.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _NO_DAMAGE


def schema_version(connection: sqlite3.Connection) -> object:
    """Return the version of a catalogue's tables, without checking more than they tell.

    Raises:
        ValueError: it is no JSON, or the tables are not those of that version.
    """
    [(text,)] = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall()
    version: object = json.loads(text)
    if version == OLD_VERSION:
        sql = "SELECT 1 FROM sqlite_schema WHERE name = 'digest'"
        if connection.execute(sql).fetchone():
            raise ValueError(f"its tables are not those of schema {version}")
    return version


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a catalogue whose tables are not those of this version.

    Raises:
        StoreCorrupt: they are damaged, or a newer version's.
        StoreError: they are an older version's.
    """
    try:
        version = schema_version(connection)
    except (sqlite3.OperationalError, ValueError) as error:
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            raise
        raise StoreCorrupt(
            f"the catalogue {path} is damaged: its tables are missing or unreadable ({error}); "
            "`rag-engine check --kb DIR` says what can be repaired"
        ) from error
    if version == OLD_VERSION:
        raise StoreError(
            f"the catalogue {path} was written by rag-engine 0.3 or before; open the knowledge "
            f"base once for writing, which brings it up to date: rag-engine compact --kb "
            f"{path.parent}"
        )
    if version != SCHEMA_VERSION:
        raise StoreCorrupt(
            f"the catalogue {path} has schema {version!r}, this version reads "
            f"{SCHEMA_VERSION}; use the version of rag-engine that wrote it"
        )
