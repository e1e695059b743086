"""Reads the catalogue, and never changes anything."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.file_names import spellings
from rag_engine.filters import Filter
from rag_engine.index_ports import ChunkFields
from rag_engine.ports import Int64Array
from rag_engine.records import Document
from rag_engine.store import digests
from rag_engine.store import row_codec as rows
from rag_engine.store.catalogue_records import CatalogueStatistics, FoundChunk
from rag_engine.store.checksums import row_checksum
from rag_engine.store.database import Database, Dialect
from rag_engine.store.digests import Digest
from rag_engine.store.filter_parts import matching_ids
from rag_engine.store.filter_sql import compile_filter
from rag_engine.store.row_codec import IndexRow
from rag_engine.store.row_sets import check_set, read_set, sets_of_filter
from rag_engine.store.sql_lists import batches, marks
from rag_engine.store.statements import read_meta
from rag_engine.store.token_vectors import ChunkTokens, TokenCode

__all__ = ["CatalogueReader"]

_CHUNK_WIDTH = len(rows.CHUNK_COLUMNS.split(","))


class CatalogueReader:
    """One open catalogue as it is read; safe to share between threads."""

    def __init__(self, database: Database, *, verified: bool = False) -> None:
        """Read a database, and close it at the end; if it was ``verified``, no more is looked at.

        Raises:
            StoreCorrupt: it is damaged, or was written by a newer version of this package.
            StoreError: it was written by an older version, and no writer has opened it since.
            StorageFailed: it can not be read.
        """
        self.name = database.name
        self._database = database
        self._whole: set[str] = set()
        """The sets of rows that were seen to be whole since the catalogue was opened."""
        if verified:
            return
        try:
            database.check_tables()
            self._see_whole(digests.DIGESTS, digests.META)
            version = self.meta("schema")
            if version != database.dialect.schema_version:
                raise StoreCorrupt(rows.INCOMPLETE.format(self.name, f"its schema is {version!r}"))
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close the database; the catalogue can not be used afterwards."""
        self._database.close()

    @property
    def is_shared(self) -> bool:
        """Tell whether indexes in several places catch up from it."""
        return self._database.dialect.is_shared

    def size(self) -> int:
        """Return how many bytes it takes."""
        return self._database.size()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[CatalogueReader]:
        """Give a reader that sees the catalogue as it is now, whatever is written meanwhile.

        Keep it short: SQLite's writer waits at its commit while one is open.
        """
        with self._database.frozen() as database:
            reader = CatalogueReader(database, verified=True)
            reader.revision()
            yield reader

    def _by_index(self, name: str) -> str:
        return self._database.dialect.by_index(name)

    def digest(self, name: str) -> Digest:
        """Return what a set of rows adds up to, as the catalogue keeps it."""
        kept = self.read("SELECT name, rows, sum, checksum FROM digest WHERE name = ?", (name,))
        return digests.read_digest(kept[0])[1] if kept else Digest()

    @property
    def dialect(self) -> Dialect:
        """What the database's SQL has of its own."""
        return self._database.dialect

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        return self._database.read(sql, parameters)

    def rows_of(self, name: str) -> list[tuple[Any, ...]]:
        """Read all rows of a set as they are there."""
        return self.read(*read_set(name, self._database.dialect))

    def document_numbers(self) -> list[int]:
        """Return the number of every document, ascending."""
        return [number for (number,) in self.read("SELECT number FROM document ORDER BY number")]

    def _all_of(self, name: str) -> list[tuple[Any, ...]]:
        """Read all rows of a set.

        Raises:
            StoreCorrupt: some are missing, or are not what was written.
        """
        with self._database.at_one_moment():
            found = self.rows_of(name)
            check_set(name, found, self.digest(name), self.name)
        self._whole.add(name)
        return found

    def _see_whole(self, *names: str) -> None:
        """Read sets of rows once, to see that nothing of them is missing, where that can be."""
        for name in names if self._database.dialect.loses_rows else ():
            if name not in self._whole:
                self._all_of(name)

    def verify_documents(self) -> None:
        """See that no document is missing from what they are found by.

        Raises:
            StoreCorrupt: one is.
        """
        self._see_whole(digests.DOCUMENTS, digests.DOCUMENT_IDS)

    def meta(self, key: str) -> object:
        """Return the plain data kept under ``key``, or None."""
        values = self.read("SELECT key, value, checksum FROM meta WHERE key = ?", (key,))
        value: object = json.loads(read_meta(values[0])) if values else None
        return value

    def metas(self, beginning: str) -> dict[str, object]:
        """Return the plain data under every key that begins so."""
        keys = [str(key) for (key,) in self.read("SELECT key FROM meta ORDER BY key")]
        return {key: self.meta(key) for key in keys if key.startswith(beginning)}

    def revision(self) -> int:
        """Return the number of the last change; 0 for an empty catalogue.

        Raises:
            StoreError: another process wrote the catalogue anew: this is the old one.
        """
        self._database.check_in_place()
        revision = self.meta("revision")
        if not isinstance(revision, int):
            raise StoreCorrupt(rows.INCOMPLETE.format(self.name, "its revision is missing"))
        return revision

    def fingerprints(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the fingerprint of each document of ``ids`` that exists."""
        fingerprints: dict[str, bytes] = {}
        for batch in batches(ids):
            sql = f"SELECT {rows.HEAD_COLUMNS} FROM document AS d WHERE d.id IN ({marks(batch)})"
            heads = map(rows.read_head, self.read(sql, batch))
            fingerprints.update({head.id: head.fingerprint for head in heads})
        if len(fingerprints) < len(set(ids)):
            self._see_whole(digests.DOCUMENT_IDS)
        return fingerprints

    def document(self, document_id: str) -> Document | None:
        """Return a document, or None; its id may be in another Unicode form."""
        sql = f"SELECT {rows.DOCUMENT_COLUMNS} FROM document AS d WHERE d.id = ?"
        for form in spellings(document_id):
            documents = self.read(sql, (form,))
            if documents:
                return rows.document_from_row(documents[0])
        self._see_whole(digests.DOCUMENT_IDS)
        return None

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        return sorted(identifier for _, identifier in self._all_of(digests.DOCUMENT_IDS))

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source that was indexed to its end."""
        return dict(sorted(self._all_of(digests.SOURCES)))

    def count_documents(self, sources: Sequence[str]) -> int:
        """Return how many documents came from some sources."""
        return sum(
            self.read(f"SELECT count(*) FROM document WHERE source IN ({marks(batch)})", batch)[0][
                0
            ]
            for batch in batches(sources)
        )

    def chunks(self, ids: Sequence[int]) -> dict[int, FoundChunk]:
        """Return the chunks of ``ids`` that still exist."""
        chunks: dict[int, FoundChunk] = {}
        for batch in batches(ids):
            sql = (
                f"SELECT {rows.CHUNK_COLUMNS}, {rows.HEAD_COLUMNS} FROM chunk AS c "
                f"JOIN document AS d ON d.number = c.document WHERE c.id IN ({marks(batch)})"
            )
            for row in self.read(sql, batch):
                columns, head = row[:_CHUNK_WIDTH], rows.read_head(row[_CHUNK_WIDTH:])
                chunks[row[0]] = FoundChunk(
                    id=row[0],
                    chunk=rows.read_chunk(columns, head.id),
                    packed_terms=columns[12],
                    title=head.title,
                    source=head.source,
                    metadata=head.metadata,
                )
        return chunks

    def fields(self, ids: Int64Array) -> dict[int, ChunkFields]:
        """Return what those of ``ids`` that still exist may be filtered by."""
        return {chunk.id: chunk.fields for chunk in self.chunks(ids.tolist()).values()}

    def token_vectors(self, ids: Sequence[int], code: TokenCode) -> ChunkTokens:
        """Return the token vectors of the chunks of ``ids`` that have some, in their order."""
        packed: dict[int, bytes] = {}
        for batch in batches(ids):
            sql = f"SELECT chunk, data, checksum FROM token_vectors WHERE chunk IN ({marks(batch)})"
            for chunk, data, checksum in self.read(sql, batch):
                if row_checksum((chunk, data)) != checksum:
                    raise StoreCorrupt(rows.DAMAGED_CHUNK.format(chunk))
                packed[chunk] = data
        for batch in batches([chunk for chunk in ids if chunk not in packed]):
            sql = f"SELECT {rows.CHUNK_COLUMNS} FROM chunk AS c WHERE c.id IN ({marks(batch)})"
            for row in map(rows.index_row, self.read(sql, batch)):
                if row.token_bytes:
                    raise StoreCorrupt(rows.DAMAGED_CHUNK.format(row.id))
        return code.unpack(packed, ids)

    def documents_of_chunks(self) -> dict[int, str]:
        """Return the document id of every chunk."""
        with self._database.at_one_moment():
            documents: dict[int, str] = dict(self._all_of(digests.DOCUMENT_IDS))
            places = self._all_of(digests.CHUNK_PLACES)
        try:
            return {chunk: documents[document] for chunk, document, _, _ in places}
        except KeyError as error:
            reason = f"document {error} is missing"
            raise StoreCorrupt(rows.INCOMPLETE.format(self.name, reason)) from error

    def index_rows(self, *, after: int) -> Iterator[IndexRow]:
        """Yield the chunks written after a revision, by id ascending."""
        if after > 0:  # few of many: by their ids, without reading the others
            sql = "SELECT id FROM chunk WHERE revision > ? ORDER BY id"
            for few in batches([identifier for (identifier,) in self.read(sql, (after,))]):
                sql = (
                    f"SELECT {rows.CHUNK_COLUMNS} FROM chunk AS c "
                    f"WHERE c.id IN ({marks(few)}) ORDER BY c.id"
                )
                yield from map(rows.index_row, self.read(sql, few))
            return
        last = 0
        while True:
            batch = self.read(
                f"SELECT {rows.CHUNK_COLUMNS} FROM chunk AS c "
                "WHERE c.id > ? ORDER BY c.id LIMIT 2000",
                (last,),
            )
            if not batch:
                return
            for row in batch:
                yield rows.index_row(row)
            last = batch[-1][0]

    def count_after(self, revision: int) -> int:
        """Count the chunks written after a revision."""
        sql = "SELECT count(*) FROM chunk WHERE revision > ?"
        return int(self.read(sql, (revision,))[0][0])

    def chunks_after(self, revision: int) -> tuple[Int64Array, Int64Array]:
        """Return the ids of the chunks written after a revision, and their checksums."""
        sql = "SELECT id, checksum FROM chunk WHERE revision > ?"
        return _columns(self.read(sql, (revision,)))

    def deleted_after(self, revision: int) -> tuple[Int64Array, Int64Array]:
        """Return the ids, ascending, of the chunks deleted after a revision, and their checksums.

        Raises:
            StoreCorrupt: what was noted of deleted chunks is damaged.
        """
        if not self._database.dialect.loses_rows:
            sql = "SELECT chunk, checksum FROM tombstone WHERE revision > ? ORDER BY chunk"
            return _columns(self.read(sql, (revision,)))
        tombs = self._all_of(digests.TOMBSTONES)
        return _columns(sorted((chunk, checksum) for chunk, at, checksum in tombs if at > revision))

    def tombstones(self, *, after: int) -> Int64Array:
        """Return the ids of chunks deleted after a revision, ascending, shape ``(n,)``."""
        return self.deleted_after(after)[0]

    def changes_after(self, revision: int) -> int:
        """Count the chunks that came, and those that went, since a revision."""
        return self.count_after(revision) + len(self.tombstones(after=revision))

    def check_deleted(self, ids: Int64Array, *, since: int) -> None:
        """See that chunks that are not there were deleted, after a revision.

        Raises:
            StoreCorrupt: one of them was not.
        """
        with self._database.at_one_moment():
            deleted = self.tombstones(after=since)
            forgotten = self.forgotten() > since  # by a generation that was published meanwhile
        lost = ids[~np.isin(ids, deleted)]
        if len(lost) and not forgotten:
            raise StoreCorrupt(rows.DAMAGED_CHUNK.format(int(lost[0])))

    def forgotten(self) -> int:
        """Return the revision up to which tombstones are gone; an older index can not catch up."""
        return int(str(self.meta("forgotten") or 0))

    def matching(self, condition: Filter) -> Int64Array:
        """Return the ids of the chunks that a filter lets through, ascending, shape ``(n,)``.

        Raises:
            InvalidFilter: it holds more values than a filter may.
        """
        # What is missing from a filter's result looks like what is not there.
        self._see_whole(*sorted(sets_of_filter(condition)))
        with self._database.at_one_moment():
            return matching_ids(condition, self._matching)

    def _matching(self, condition: Filter) -> Int64Array:
        where, parameters = compile_filter(condition, self._database.dialect)
        by_index = self._by_index("chunk_filter")
        matched = self.read(f"SELECT c.id FROM chunk AS c{by_index} WHERE {where}", parameters)
        return np.sort(np.array([chunk for (chunk,) in matched], dtype=np.int64))

    def fields_of_first_chunks(self, key: str) -> list[tuple[int, object]]:
        """Return the first chunk of every document that has a field of text, and its value."""
        self._see_whole(digests.CHUNK_PLACES, digests.field_set(key))
        sql = (
            "SELECT c.id, f.value FROM field AS f JOIN chunk AS c ON c.document = f.document "
            "WHERE f.key = ? AND f.kind = 't' AND c.ordinal = 0 ORDER BY c.id"
        )
        return [(chunk, value) for chunk, value in self.read(sql, (key,))]

    def statistics(self) -> CatalogueStatistics:
        """Count documents, sources, and chunks by language (most chunks first).

        Raises:
            StoreCorrupt: there are more or fewer than were written.
        """
        with self._database.at_one_moment():
            documents = self.read("SELECT count(*) FROM document")[0][0]
            sources = self.read("SELECT count(*) FROM source")[0][0]
            languages = self.read(
                f"SELECT language, count(*) FROM chunk{self._by_index('chunk_filter')} "
                "GROUP BY language"
            )
            written = [
                self.digest(name).rows
                for name in (digests.DOCUMENTS, digests.SOURCES, digests.CHUNKS)
            ]
        if [documents, sources, sum(count for _, count in languages)] != written:
            reason = "it holds more or fewer rows than were written"
            raise StoreCorrupt(rows.INCOMPLETE.format(self.name, reason))
        counts: dict[str, int] = dict(sorted(languages, key=lambda row: (-row[1], row[0])))
        return CatalogueStatistics(
            documents=int(documents),
            chunks=sum(counts.values()),
            sources=int(sources),
            languages=counts,
        )


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[Int64Array, Int64Array]:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
