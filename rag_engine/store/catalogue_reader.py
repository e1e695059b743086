"""Reads the catalogue: one connection that never changes anything."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.errors import StoreClosed, StoreCorrupt, StoreError
from rag_engine.filters import Filter
from rag_engine.index_ports import ChunkFields
from rag_engine.ports import Int64Array
from rag_engine.records import Document
from rag_engine.store import row_codec as rows
from rag_engine.store.catalogue_records import CatalogueStatistics, FoundChunk
from rag_engine.store.filter_sql import compile_filter
from rag_engine.store.row_codec import IndexRow
from rag_engine.store.schema import SCHEMA_VERSION, connect
from rag_engine.store.token_vectors import ChunkTokens

__all__ = ["CatalogueReader", "as_store_error"]

_BATCH = 500
"""Ids a query; SQLite takes at most 32,766 parameters."""


class CatalogueReader:
    """One open catalogue file as it is read; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open an existing catalogue.

        Raises:
            StoreNotFound: there is no such file.
            StoreCorrupt: it can not be read, or was written by a newer version of this package.
        """
        self.path = path
        # A connection of its own: it never sees a transaction half-way.
        self._reader = connect(path, read_only=True)
        self._read_lock = threading.RLock()
        if not self._read("SELECT 1 FROM sqlite_schema WHERE name = 'meta'"):
            self._reader.close()
            raise StoreCorrupt(f"the catalogue {path} is damaged: its tables are missing")
        version = self.meta("schema")
        if version != SCHEMA_VERSION:
            self._reader.close()
            raise StoreCorrupt(
                f"the catalogue {path} has schema {version!r}, this version reads "
                f"{SCHEMA_VERSION}; use the version of rag-engine that wrote it"
            )

    def close(self) -> None:
        """Close the file; the catalogue can not be used afterwards."""
        with self._read_lock:
            self._reader.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[CatalogueReader]:
        """Give a reader that sees the catalogue as it is now, whatever is written meanwhile.

        A writer waits at its commit while one is open (up to 30 s), so keep it short.
        """
        reader = CatalogueReader(self.path)
        try:
            reader._read("BEGIN")
            reader.revision()
            yield reader
        finally:
            reader.close()

    def _read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock, as_store_error(self.path):
            return self._reader.execute(sql, tuple(parameters)).fetchall()

    def meta(self, key: str) -> object:
        """Return the plain data kept under ``key``, or None."""
        values = self._read("SELECT value FROM meta WHERE key = ?", (key,))
        value: object = json.loads(values[0][0]) if values else None
        return value

    def revision(self) -> int:
        """Return the number of the last change; 0 for an empty catalogue."""
        return int(self._read("SELECT value FROM meta WHERE key = 'revision'")[0][0])

    def fingerprints(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the fingerprint of each document of ``ids`` that exists."""
        fingerprints: dict[str, bytes] = {}
        for batch in _batches(ids):
            sql = f"SELECT id, fingerprint FROM document WHERE id IN ({_marks(batch)})"
            fingerprints.update(self._read(sql, batch))
        return fingerprints

    def document(self, document_id: str) -> Document | None:
        """Return a document, or None."""
        documents = self._read(
            "SELECT fingerprint, id, title, source, language_hint, spans, metadata, text "
            "FROM document WHERE id = ?",
            (document_id,),
        )
        return rows.document_from_row(documents[0]) if documents else None

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        return [identifier for (identifier,) in self._read("SELECT id FROM document ORDER BY id")]

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source that was indexed to its end."""
        return dict(self._read("SELECT name, fingerprint FROM source ORDER BY name"))

    def count_documents(self, sources: Sequence[str]) -> int:
        """Return how many documents came from some sources."""
        return sum(
            self._read(f"SELECT count(*) FROM document WHERE source IN ({_marks(batch)})", batch)[
                0
            ][0]
            for batch in _batches(sources)
        )

    def chunks(self, ids: Sequence[int]) -> dict[int, FoundChunk]:
        """Return the chunks of ``ids`` that still exist."""
        chunks: dict[int, FoundChunk] = {}
        for batch in _batches(ids):
            sql = (
                f"SELECT {rows.CHUNK_COLUMNS}, d.id, d.title, d.source, d.metadata FROM chunk AS c "
                f"JOIN document AS d ON d.number = c.document WHERE c.id IN ({_marks(batch)})"
            )
            for row in self._read(sql, batch):
                *columns, document_id, title, source, metadata = row
                chunks[row[0]] = FoundChunk(
                    id=row[0],
                    chunk=rows.read_chunk(columns, document_id),
                    packed_terms=columns[9],
                    title=title,
                    source=source,
                    metadata=json.loads(metadata),
                )
        return chunks

    def fields(self, ids: Int64Array) -> dict[int, ChunkFields]:
        """Return what those of ``ids`` that still exist may be filtered by."""
        return {chunk.id: chunk.fields for chunk in self.chunks(ids.tolist()).values()}

    def token_vectors(self, ids: Sequence[int], width: int) -> ChunkTokens:
        """Return the token vectors of the chunks of ``ids`` that have some, in their order."""
        packed: dict[int, bytes] = {}
        for batch in _batches(ids):
            sql = f"SELECT * FROM token_vectors WHERE chunk IN ({_marks(batch)})"
            for chunk, data, checksum in self._read(sql, batch):
                if zlib.crc32(data) != checksum:
                    raise StoreCorrupt(rows.DAMAGED_CHUNK.format(chunk))
                packed[chunk] = data
        return ChunkTokens.of(packed, ids, width)

    def documents_of_chunks(self) -> dict[int, str]:
        """Return the document id of every chunk."""
        return dict(
            self._read(
                "SELECT c.id, d.id FROM chunk AS c JOIN document AS d ON d.number = c.document"
            )
        )

    def index_rows(self, *, after: int) -> Iterator[IndexRow]:
        """Yield the chunks written after a revision, by id ascending."""
        if after > 0:  # few of many: by their ids, without reading the others
            sql = "SELECT id FROM chunk WHERE revision > ? ORDER BY id"
            for few in _batches([identifier for (identifier,) in self._read(sql, (after,))]):
                sql = (
                    f"SELECT {rows.CHUNK_COLUMNS} FROM chunk AS c "
                    f"WHERE c.id IN ({_marks(few)}) ORDER BY c.id"
                )
                yield from map(rows.index_row, self._read(sql, few))
            return
        last = 0
        while True:
            batch = self._read(
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
        return int(self._read(sql, (revision,))[0][0])

    def tombstones(self, *, after: int) -> Int64Array:
        """Return the ids of chunks deleted after a revision, ascending, shape ``(n,)``."""
        sql = "SELECT chunk FROM tombstone WHERE revision > ? ORDER BY chunk"
        return np.array([chunk for (chunk,) in self._read(sql, (after,))], dtype=np.int64)

    def forgotten(self) -> int:
        """Return the revision up to which tombstones are gone; an older index can not catch up."""
        return int(str(self.meta("forgotten") or 0))

    def matching(self, condition: Filter) -> Int64Array:
        """Return the ids of the chunks that a filter lets through, ascending, shape ``(n,)``."""
        where, parameters = compile_filter(condition)
        matched = self._read(
            "SELECT c.id FROM chunk AS c JOIN document AS d ON d.number = c.document "
            f"WHERE {where} ORDER BY c.id",
            parameters,
        )
        return np.array([chunk for (chunk,) in matched], dtype=np.int64)

    def statistics(self) -> CatalogueStatistics:
        """Count documents, sources, and chunks by language (most chunks first)."""
        documents = self._read("SELECT count(*) FROM document")[0][0]
        sources = self._read("SELECT count(*) FROM source")[0][0]
        languages = self._read(
            "SELECT language, count(*) FROM chunk GROUP BY language ORDER BY 2 DESC, 1"
        )
        counts: dict[str, int] = dict(languages)
        return CatalogueStatistics(
            documents=int(documents),
            chunks=sum(counts.values()),
            sources=int(sources),
            languages=counts,
        )


def _batches(values: Sequence[object]) -> Iterator[Sequence[object]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


@contextlib.contextmanager
def as_store_error(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into an error that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the catalogue {path}: {error}; nothing was changed; see that the disk has room and "
            "that no other program holds the file, then try again"
        ) from error
    except sqlite3.ProgrammingError as error:
        raise StoreClosed(f"the catalogue {path} was closed; open it again") from error
    except sqlite3.DatabaseError as error:
        raise StoreCorrupt(f"the catalogue {path} is damaged: {error}") from error
