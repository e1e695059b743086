"""The catalogue: documents, chunks and raw vectors in one database, the source of truth.

A change is durable when its method returns. Every change gets the next *revision*; whatever is
derived from the catalogue remembers the revision it was made at and catches up from there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from rag_engine.file_names import spellings
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.database import Database, Statements
from rag_engine.store.digests import CHUNKS, SEQUENCES, TOMBSTONES, kept_digest, rows_digest
from rag_engine.store.row_codec import StoredDocument
from rag_engine.store.row_sets import check_set, read_set
from rag_engine.store.statements import (
    Change,
    delete_documents,
    insert_documents,
    put_meta,
    put_source,
    read_meta,
    remove_source,
)

__all__ = ["Catalogue"]


_FEW_TOMBSTONES = 100_000
_TOMBSTONE_SHARE = 0.1
"""So many tombstones, or this share of the chunks, are kept for indexes elsewhere to catch up."""


class Catalogue(CatalogueReader):
    """One open catalogue; safe to share between threads, with one writing at a time."""

    def __init__(self, database: Database) -> None:
        """Work with a database, and close it at the end.

        Raises:
            StoreCorrupt: it is damaged, or was written by a newer version of this package.
            StorageFailed: it can not be read, or not be written.
        """
        super().__init__(database)
        self._unconfirmed = False

    @property
    def read_only(self) -> bool:
        """Tell whether nothing can be changed."""
        return self._database.read_only

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Change]:
        """Open a transaction."""
        self._unconfirmed = True
        with self._database.transaction() as connection:
            given = self._given(connection)
            revision = 1 + int(_meta_text(connection, "revision") or 0)
            change = Change(connection, self._database.dialect, revision)
            put_meta(connection, change.tally, "revision", revision)
            yield change
            change.keep_numbers()
            change.tally.remove(SEQUENCES, rows_digest(given))
            sequences = connection.execute(*read_set(SEQUENCES, self._database.dialect))
            change.tally.add(SEQUENCES, rows_digest(sequences))
            change.tally.write(connection)
        self._unconfirmed = False

    def _given(self, connection: Statements) -> list[tuple[str, int]]:
        """Return the last number that each table gave; one that was given is never given again."""
        given = connection.execute(*read_set(SEQUENCES, self._database.dialect)).fetchall()
        check_set(SEQUENCES, given, kept_digest(connection, SEQUENCES), self.name)
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
        batch = list(documents)
        with self._transaction() as change:
            for together in _of_one_id_each(batch):
                delete_documents(change, (stored.document.id for stored in together))
                insert_documents(change, together)

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Delete documents and their chunks; return the ids that existed.

        An id that no document has stands for those that are it in another Unicode form.
        """
        names = list(ids)
        known = self.fingerprints(names)  # notices one that can not be found though it is there
        meant = [form for name in names for form in ((name,) if name in known else spellings(name))]
        with self._transaction() as change:
            return delete_documents(change, meant)

    def delete_exactly(self, ids: Iterable[str]) -> list[str]:
        """Delete documents of just these ids; return those that existed.

        A source of which nothing is left, in any Unicode form, is forgotten: it is read again when
        it is next added. No other document is deleted, whatever its source is.
        """
        names = list(dict.fromkeys(ids))
        self.fingerprints(names)  # notices one that can not be found though it is there
        self.verify_documents()
        sources: dict[str, None] = {}
        sql = "SELECT source FROM document WHERE id = ?"
        with self._transaction() as change:
            for name in names:
                of_document = change.connection.execute(sql, (name,)).fetchall()
                sources.update((source, None) for (source,) in of_document)
            gone = delete_documents(change, names)
            for forms in map(spellings, sources):
                if not any(_documents_of(change.connection, form) for form in forms):
                    for form in forms:
                        remove_source(change.connection, change.tally, form)
        return gone

    def begin_sources(self, names: Iterable[str]) -> None:
        """Note that sources are being indexed: fingerprints are empty until they are finished."""
        with self._transaction() as change:
            for name in names:
                put_source(change.connection, change.tally, name, b"")

    def replace_sources(self, sources: Mapping[str, bytes]) -> None:
        """Know these sources with their fingerprints, and no others; documents stay as they are."""
        known = self.sources()
        with self._transaction() as change:
            for name in known.keys() - sources.keys():
                remove_source(change.connection, change.tally, name)
            for name, fingerprint in sources.items():
                if known.get(name) != fingerprint:
                    put_source(change.connection, change.tally, name, fingerprint)

    def set_meta(self, key: str, value: object) -> None:
        """Keep plain data under ``key``."""
        with self._transaction() as change:
            put_meta(change.connection, change.tally, key, value)

    def finish_sources(self, finished: Iterable[FinishedSource]) -> list[str]:
        """Note that sources are indexed to their end; delete their documents that do not stay.

        Those with documents were begun before (``begin_sources``). One that another writer finished
        with other bytes since, or deleted, is noted as one that is to be read again.

        Returns the ids of the deleted documents.
        """
        self.verify_documents()
        gone: list[str] = []
        with self._transaction() as change:
            for source in finished:
                fingerprint = _fingerprint_to_keep(change.connection, source)
                for name in (source.name, *source.replaces):
                    present = _documents_of(change.connection, name)
                    gone += [document for document in present if not source.keeps(document)]
                    remove_source(change.connection, change.tally, name)
                put_source(change.connection, change.tally, source.name, fingerprint)
            delete_documents(change, gone)
        return gone

    def delete_source(self, name: str) -> list[str]:
        """Delete a source, in whatever Unicode form, and all its documents; return their ids."""
        self.verify_documents()
        gone: list[str] = []
        with self._transaction() as change:
            for form in spellings(name):
                gone += _documents_of(change.connection, form)
                remove_source(change.connection, change.tally, form)
            delete_documents(change, gone)
        return gone

    def forget_tombstones(self, *, published: int) -> None:
        """Drop the tombstones that no index needs any more, now that one is of a revision.

        Where indexes in several places catch up, the older half goes once they are many; an index
        that is further behind is built anew.
        """
        up_to = self._needless(published) if self.is_shared else published
        if up_to is None:
            return
        with self._transaction() as change:
            sql = "DELETE FROM tombstone WHERE revision <= ? RETURNING chunk, revision, checksum"
            dropped = change.connection.execute(sql, (up_to,)).fetchall()
            change.tally.remove(TOMBSTONES, rows_digest(dropped))
            forgotten = int(_meta_text(change.connection, "forgotten") or 0)
            latest = max(forgotten, up_to)
            put_meta(change.connection, change.tally, "forgotten", latest)

    def _needless(self, published: int) -> int | None:
        """Return the revision up to which the older half of many tombstones goes."""
        there = self.digest(TOMBSTONES).rows
        if there <= max(_FEW_TOMBSTONES, _TOMBSTONE_SHARE * self.digest(CHUNKS).rows):
            return None
        sql = "SELECT revision FROM tombstone ORDER BY revision LIMIT 1 OFFSET ?"
        middle = self.read(sql, (there // 2,))
        return min(int(middle[0][0]), published) if middle else None

    def vacuum(self) -> None:
        """Give the space of deleted rows back.

        Raises:
            StorageFailed: it takes room of its own, and there is none.
        """
        self._database.give_back_space()


def _of_one_id_each(documents: Iterable[StoredDocument]) -> Iterator[list[StoredDocument]]:
    """Yield documents in their order, as many together as have ids of their own."""
    together: dict[str, StoredDocument] = {}
    for stored in documents:
        if stored.document.id in together:
            yield list(together.values())
            together = {}
        together[stored.document.id] = stored
    if together:
        yield list(together.values())


def _fingerprint_to_keep(connection: Statements, source: FinishedSource) -> bytes:
    """Return its fingerprint; an empty one if another writer finished or deleted it meanwhile.

    What is there may then be of another version of the file, or nothing: it is read again.
    """
    sql = "SELECT fingerprint FROM source WHERE name = ?"
    there = [bytes(kept) for (kept,) in connection.execute(sql, (source.name,)).fetchall()]
    begun = there in ([b""], [source.fingerprint])
    return source.fingerprint if begun or not source.keep else b""


def _documents_of(connection: Statements, source: str) -> list[str]:
    """Return the ids of a source's documents."""
    rows = connection.execute("SELECT id FROM document WHERE source = ?", (source,)).fetchall()
    return [document for (document,) in rows]


def _meta_text(connection: Statements, key: str) -> str | None:
    sql = "SELECT key, value, checksum FROM meta WHERE key = ?"
    row = connection.execute(sql, (key,)).fetchone()
    return None if row is None else read_meta(row)
