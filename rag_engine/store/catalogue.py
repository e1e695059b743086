"""The catalogue: documents, chunks and raw vectors in one SQLite file, the source of truth.

A change is durable when its method returns. Every change gets the next *revision*; whatever is
derived from the catalogue remembers the revision it was made at and catches up from there.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.connection import Connection
from rag_engine.store.digests import TOMBSTONES, Tally, rows_digest
from rag_engine.store.failures import storage
from rag_engine.store.row_codec import StoredDocument
from rag_engine.store.schema import SCHEMA_VERSION, connect, create_schema
from rag_engine.store.statements import (
    delete_document,
    insert_document,
    put_meta,
    put_source,
    read_meta,
    remove_source,
)

__all__ = ["Catalogue"]


class Catalogue(CatalogueReader):
    """One open catalogue file; safe to share between threads, with one writing at a time."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        """Open an existing catalogue.

        Raises:
            StoreNotFound: there is no such file.
            StoreCorrupt: it is damaged, or was written by a newer version of this package.
            StorageFailed: it can not be read, or not be written.
        """
        super().__init__(path)
        try:
            self._writer = None if read_only else Connection(path, read_only=False)
        except BaseException:
            super().close()
            raise

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, object]) -> Catalogue:
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
        return cls(path, read_only=False)

    def close(self) -> None:
        """Close the file; the catalogue can not be used afterwards."""
        super().close()
        if self._writer is not None:
            self._writer.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, Tally, int]]:
        """Open a transaction and give it, its tally, and the revision that it will commit."""
        if self._writer is None:
            raise AssertionError("the catalogue was opened for reading")
        with self._writer.transaction("changing the catalogue") as connection:
            tally = Tally()
            revision = 1 + int(_meta_text(connection, "revision") or 0)
            put_meta(connection, tally, "revision", revision)
            yield connection, tally, revision
            tally.write(connection)

    def replace(self, documents: Iterable[StoredDocument]) -> None:
        """Write documents with their chunks, each in the place of one with the same id."""
        with self._transaction() as (connection, tally, revision):
            for stored in documents:
                delete_document(connection, tally, stored.document.id, revision)
                insert_document(connection, tally, stored, revision)

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents and their chunks; return the ids that existed."""
        names = list(ids)
        self.fingerprints(names)  # notices a document that can not be found though it is there
        with self._transaction() as (connection, tally, revision):
            return [name for name in names if delete_document(connection, tally, name, revision)]

    def begin_sources(self, names: Iterable[str]) -> None:
        """Note that sources are being indexed: fingerprints are empty until they are finished."""
        with self._transaction() as (connection, tally, _):
            for name in names:
                put_source(connection, tally, name, b"")

    def set_meta(self, key: str, value: object) -> None:
        """Keep plain data under ``key``."""
        with self._transaction() as (connection, tally, _):
            put_meta(connection, tally, key, value)

    def finish_sources(self, finished: Iterable[FinishedSource]) -> list[str]:
        """Note that sources are indexed to their end; delete their documents not in ``keep``.

        Returns the ids of the deleted documents.
        """
        self.verify_documents()
        gone: list[str] = []
        with self._transaction() as (connection, tally, revision):
            for source in finished:
                sql = "SELECT id FROM document WHERE source = ?"
                present = connection.execute(sql, (source.name,)).fetchall()
                gone += [document for (document,) in present if document not in source.keep]
                put_source(connection, tally, source.name, source.fingerprint)
            for document in gone:
                delete_document(connection, tally, document, revision)
        return gone

    def delete_source(self, name: str) -> list[str]:
        """Delete a source and all its documents; return their ids."""
        self.verify_documents()
        with self._transaction() as (connection, tally, revision):
            present = connection.execute("SELECT id FROM document WHERE source = ?", (name,))
            gone = [document for (document,) in present.fetchall()]
            for document in gone:
                delete_document(connection, tally, document, revision)
            remove_source(connection, tally, name)
            return gone

    def forget_tombstones(self, *, up_to: int) -> None:
        """Drop the tombstones that no generation needs any more."""
        with self._transaction() as (connection, tally, _):
            sql = "DELETE FROM tombstone WHERE revision <= ? RETURNING chunk, revision, checksum"
            dropped = connection.execute(sql, (up_to,)).fetchall()
            tally.remove(TOMBSTONES, rows_digest(dropped))
            forgotten = int(_meta_text(connection, "forgotten") or 0)
            put_meta(connection, tally, "forgotten", max(forgotten, up_to))

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the file system.

        Raises:
            StorageFailed: it takes room of its own, and there is none.
        """
        if self._writer is None:
            raise AssertionError("the catalogue was opened for reading")
        doing = "giving back the space of what was deleted"
        kept = "every document is kept, and what was deleted stays deleted"
        with self._writer.using(doing, kept=kept) as connection, self._reader.held():
            connection.execute("VACUUM")


def _meta_text(connection: sqlite3.Connection, key: str) -> str | None:
    sql = "SELECT key, value, checksum FROM meta WHERE key = ?"
    row = connection.execute(sql, (key,)).fetchone()
    return None if row is None else read_meta(row)
