"""The catalogue: documents, chunks and raw vectors in one SQLite file, the source of truth.

A change is durable when its method returns. Every change gets the next *revision*; whatever is
derived from the catalogue remembers the revision it was made at and catches up from there.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rag_engine.file_names import spellings
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.connection import Connection
from rag_engine.store.digests import SEQUENCES, TOMBSTONES, Tally, kept_digest, rows_digest
from rag_engine.store.failures import storage
from rag_engine.store.row_codec import StoredDocument
from rag_engine.store.row_sets import check_set, read_set
from rag_engine.store.schema import SCHEMA_VERSION, check_header, connect, create_schema
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
        self._unconfirmed = False
        try:
            if not read_only:
                with storage("opening the catalogue", path):
                    check_header(path)
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
        self._unconfirmed = True
        with self._writer.transaction("changing the catalogue") as connection:
            tally = Tally()
            given = self._given(connection)
            revision = 1 + int(_meta_text(connection, "revision") or 0)
            put_meta(connection, tally, "revision", revision)
            yield connection, tally, revision
            tally.remove(SEQUENCES, rows_digest(given))
            tally.add(SEQUENCES, rows_digest(connection.execute(*read_set(SEQUENCES))))
            tally.write(connection)
        self._unconfirmed = False

    def _given(self, connection: sqlite3.Connection) -> list[tuple[str, int]]:
        """Return the last number that each table gave; one that was given is never given again."""
        given = connection.execute(*read_set(SEQUENCES)).fetchall()
        check_set(SEQUENCES, given, kept_digest(connection, SEQUENCES), self.path)
        return given

    def confirm(self) -> None:
        """Make durable what is there of a change that failed, before anything is built on it.

        Where only the very last ``fsync`` of a change failed, the change is there for whoever looks
        and may be gone after a power cut: adding the same documents again finds them unchanged, and
        must not be acknowledged before a transaction has gone through.

        Raises:
            StorageFailed: it can not be written.
        """
        if self._unconfirmed:
            with self._transaction():
                pass

    def replace(self, documents: Iterable[StoredDocument]) -> None:
        """Write documents with their chunks, each in the place of one with the same id."""
        with self._transaction() as (connection, tally, revision):
            for stored in documents:
                delete_document(connection, tally, stored.document.id, revision)
                insert_document(connection, tally, stored, revision)

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents and their chunks; return the ids that existed.

        An id that no document has stands for those that are it in another Unicode form.
        """
        names = list(ids)
        known = self.fingerprints(names)  # notices one that can not be found though it is there
        meant = [form for name in names for form in ((name,) if name in known else spellings(name))]
        with self._transaction() as (connection, tally, revision):
            return [name for name in meant if delete_document(connection, tally, name, revision)]

    def delete_exactly(self, ids: Iterable[str]) -> list[str]:
        """Delete documents of just these ids; return those that existed.

        A source of which nothing is left, in any Unicode form, is forgotten: it is read again when
        it is next added. No other document is deleted, whatever its source is.
        """
        names = list(dict.fromkeys(ids))
        self.fingerprints(names)  # notices one that can not be found though it is there
        self.verify_documents()
        gone: list[str] = []
        sources: dict[str, None] = {}
        sql = "SELECT source FROM document WHERE id = ?"
        with self._transaction() as (connection, tally, revision):
            for name in names:
                of_document = connection.execute(sql, (name,)).fetchall()
                if delete_document(connection, tally, name, revision):
                    gone.append(name)
                    sources.update((source, None) for (source,) in of_document)
            for forms in map(spellings, sources):
                if not any(_documents_of(connection, form) for form in forms):
                    for form in forms:
                        remove_source(connection, tally, form)
        return gone

    def begin_sources(self, names: Iterable[str]) -> None:
        """Note that sources are being indexed: fingerprints are empty until they are finished."""
        with self._transaction() as (connection, tally, _):
            for name in names:
                put_source(connection, tally, name, b"")

    def replace_sources(self, sources: Mapping[str, bytes]) -> None:
        """Know these sources with their fingerprints, and no others; documents stay as they are."""
        known = self.sources()
        with self._transaction() as (connection, tally, _):
            for name in known.keys() - sources.keys():
                remove_source(connection, tally, name)
            for name, fingerprint in sources.items():
                if known.get(name) != fingerprint:
                    put_source(connection, tally, name, fingerprint)

    def set_meta(self, key: str, value: object) -> None:
        """Keep plain data under ``key``."""
        with self._transaction() as (connection, tally, _):
            put_meta(connection, tally, key, value)

    def finish_sources(self, finished: Iterable[FinishedSource]) -> list[str]:
        """Note that sources are indexed to their end; delete their documents that do not stay.

        Returns the ids of the deleted documents.
        """
        self.verify_documents()
        gone: list[str] = []
        with self._transaction() as (connection, tally, revision):
            for source in finished:
                for name in (source.name, *source.replaces):
                    present = _documents_of(connection, name)
                    gone += [document for document in present if not source.keeps(document)]
                    remove_source(connection, tally, name)
                put_source(connection, tally, source.name, source.fingerprint)
            for document in gone:
                delete_document(connection, tally, document, revision)
        return gone

    def delete_source(self, name: str) -> list[str]:
        """Delete a source, in whatever Unicode form, and all its documents; return their ids."""
        self.verify_documents()
        gone: list[str] = []
        with self._transaction() as (connection, tally, revision):
            for form in spellings(name):
                gone += _documents_of(connection, form)
                remove_source(connection, tally, form)
            for document in gone:
                delete_document(connection, tally, document, revision)
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


def _documents_of(connection: sqlite3.Connection, source: str) -> list[str]:
    """Return the ids of a source's documents."""
    rows = connection.execute("SELECT id FROM document WHERE source = ?", (source,)).fetchall()
    return [document for (document,) in rows]


def _meta_text(connection: sqlite3.Connection, key: str) -> str | None:
    sql = "SELECT key, value, checksum FROM meta WHERE key = ?"
    row = connection.execute(sql, (key,)).fetchone()
    return None if row is None else read_meta(row)
