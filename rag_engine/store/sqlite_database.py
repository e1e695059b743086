"""A catalogue's rows in one file of SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rag_engine.errors import StoreCorrupt
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.connection import Connection
from rag_engine.store.database import Database, Dialect, Statements
from rag_engine.store.digests import Tally
from rag_engine.store.failures import storage
from rag_engine.store.row_codec import INCOMPLETE
from rag_engine.store.schema import (
    SCHEMA_VERSION,
    check_header,
    check_schema,
    connect,
    create_schema,
    is_damage,
)
from rag_engine.store.sqlite_dialect import SQLITE
from rag_engine.store.statements import put_meta

__all__ = ["SqliteDatabase", "create_catalogue", "open_catalogue", "open_reader"]


def open_catalogue(path: Path, *, read_only: bool) -> Catalogue:
    """Open the catalogue in an existing file.

    Raises:
        StoreNotFound: there is no such file.
        StoreCorrupt: it is damaged, or was written by a newer version of this package.
        StorageFailed: it can not be read, or not be written.
    """
    return Catalogue(SqliteDatabase(path, read_only=read_only))


def open_reader(path: Path) -> CatalogueReader:
    """Open the catalogue in an existing file for reading; the errors are ``open_catalogue``'s."""
    return CatalogueReader(SqliteDatabase(path, read_only=True))


def create_catalogue(path: Path, meta: Mapping[str, object]) -> Catalogue:
    """Create an empty catalogue that keeps ``meta`` (plain data), and open it.

    Raises:
        StorageFailed: it can not be written.
    """
    entries = {"schema": SCHEMA_VERSION, "revision": 0, **meta}
    with storage("making a knowledge base", path):
        create_schema(path)
        with contextlib.closing(connect(path, read_only=False)) as connection:
            tally = Tally()
            connection.execute("BEGIN IMMEDIATE")
            for key, value in entries.items():
                put_meta(connection, tally, key, value)
            tally.write(connection)
            connection.execute("COMMIT")
    return open_catalogue(path, read_only=False)


class SqliteDatabase:
    """One open file; a connection that reads, and one that writes if it may.

    Raises:
        StoreNotFound: there is no such file.
        StoreCorrupt: it is no SQLite file.
        StorageFailed: it can not be opened.
    """

    dialect: Dialect = SQLITE

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.name = str(path)
        self.read_only = read_only
        # A connection of its own: it never sees a transaction half-way.
        self.reader = Connection(path, read_only=True)
        self.writer: Connection | None = None
        if read_only:
            return
        try:
            with storage("opening the catalogue", path):
                check_header(path)
            self.writer = Connection(path, read_only=False)
        except BaseException:
            self.reader.close()
            raise

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        with self.reader.using("reading the catalogue") as connection:
            try:
                return connection.execute(sql, tuple(parameters)).fetchall()
            except sqlite3.OperationalError as error:
                if is_damage(error):
                    raise StoreCorrupt(INCOMPLETE.format(self.name, error)) from error
                raise

    def at_one_moment(self) -> AbstractContextManager[None]:
        """Let what is read inside be of one revision."""
        return self.reader.at_one_moment()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[Database]:
        """Give a database that sees the file as it is now.

        A writer waits at its commit while one is open (up to 30 s), so keep it short.
        """
        opened = SqliteDatabase(self.path, read_only=True)
        try:
            with opened.reader.reading_one_moment():
                yield opened
        finally:
            opened.close()

    def transaction(self) -> AbstractContextManager[Statements]:
        """Change something, durably and as a whole when this ends, or not at all."""
        if self.writer is None:
            raise AssertionError("the catalogue was opened for reading")
        return self.writer.transaction("changing the catalogue")

    def check_in_place(self) -> None:
        """See that the file at the path is still the one that is open."""
        self.reader.check_in_place()

    def check_tables(self) -> None:
        """Refuse tables that are not those of this version."""
        with self.reader.using("reading the catalogue") as connection:
            check_schema(connection, self.path)

    def give_back_space(self) -> None:
        """Give the space of deleted rows back to the file system.

        Raises:
            StorageFailed: it takes room of its own, and there is none.
        """
        if self.writer is None:
            raise AssertionError("the catalogue was opened for reading")
        doing = "giving back the space of what was deleted"
        kept = "every document is kept, and what was deleted stays deleted"
        with self.writer.using(doing, kept=kept) as connection, self.reader.held():
            connection.execute("VACUUM")

    def size(self) -> int:
        """Return how many bytes the file takes."""
        with storage("reading the catalogue", self.path):
            return self.path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self.reader.close()
        if self.writer is not None:
            self.writer.close()
