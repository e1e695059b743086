"""The sets of rows that are read as a whole, to see that none is missing (see digests.py)."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.errors import StoreCorrupt
from rag_engine.filters import CHUNK_KEYS, And, Filter, Not, Or
from rag_engine.store import digests
from rag_engine.store.database import Dialect
from rag_engine.store.digests import Digest, field_set, read_digest, rows_digest
from rag_engine.store.row_codec import INCOMPLETE
from rag_engine.store.statements import read_meta

__all__ = ["check_set", "digest_of_set", "read_set", "sets_of_filter"]

_READ = {
    digests.DIGESTS: ("name, rows, sum, checksum", "digest", ""),
    digests.META: ("key, value, checksum", "meta", ""),
    digests.SOURCES: ("name, fingerprint", "source", ""),
    digests.TOMBSTONES: ("chunk, revision, checksum", "tombstone", ""),
    digests.DOCUMENTS: ("number, id, source, title", "document", "document_filter"),
    digests.DOCUMENT_IDS: ("number, id", "document", "sqlite_autoindex_document_1"),
    digests.CHUNK_PLACES: ("id, document, language, page", "chunk", "chunk_filter"),
}
"""Columns and table of each, and the index by which it is read: the one that answers are taken
from, not the table behind it."""


def read_set(name: str, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """Return the statement that reads a set of rows, and its parameters.

    >>> from rag_engine.store.sqlite_dialect import SQLITE
    >>> read_set(digests.DOCUMENT_IDS, SQLITE)
    ('SELECT number, id FROM document INDEXED BY sqlite_autoindex_document_1', ())
    """
    if name == digests.SEQUENCES:
        return f"SELECT name, seq FROM {dialect.sequences}", ()
    if name in _READ:
        columns, table, index = _READ[name]
        return f"SELECT {columns} FROM {table}{dialect.by_index(index) if index else ''}", ()
    fields = f"SELECT document, key, kind, value FROM field{dialect.by_index('field_value')}"
    return f"{fields} WHERE key = ?", (name.removeprefix(field_set("")),)


def digest_of_set(name: str, rows: Sequence[Sequence[object]]) -> Digest:
    """Return what the rows of a set add up to.

    Raises:
        StoreCorrupt: a row with a checksum of its own is damaged.
    """
    if name == digests.DIGESTS:
        names = [read_digest(row)[0] for row in rows]
        return rows_digest((other,) for other in names if other != name)
    if name == digests.META:
        return rows_digest((row[0], read_meta(tuple(row))) for row in rows)
    if name == digests.SOURCES:
        return rows_digest(
            (source, value.hex() if isinstance(value, bytes) else value) for source, value in rows
        )
    return rows_digest(rows)


def check_set(name: str, rows: Sequence[Sequence[object]], kept: Digest, place: object) -> None:
    """Compare the rows of a set that were read with what was written; ``place`` is where.

    Raises:
        StoreCorrupt: they are not the same.
    """
    found = digest_of_set(name, rows)
    if found != kept:
        what = f"{found.rows} rows of {name!r} are there, {kept.rows} were written"
        if found.rows == kept.rows:
            what = f"the rows of {name!r} are not those that were written"
        raise StoreCorrupt(INCOMPLETE.format(place, what))


def sets_of_filter(node: Filter) -> set[str]:
    """Return the sets of rows that a filter is answered from.

    >>> from rag_engine.filters import Equals
    >>> sorted(sets_of_filter(And(Equals("year", 2024), Not(Equals("source", "a")))))
    ['chunk place', 'document', 'field year']
    """
    if isinstance(node, And | Or):
        return {digests.CHUNK_PLACES}.union(*map(sets_of_filter, node.parts))
    if isinstance(node, Not):
        return sets_of_filter(node.part)
    of_key = {
        "document_id": digests.DOCUMENT_IDS,
        "source": digests.DOCUMENTS,
        "title": digests.DOCUMENTS,
    }
    if node.key in CHUNK_KEYS:
        return {digests.CHUNK_PLACES, of_key.get(node.key, digests.CHUNK_PLACES)}
    return {digests.CHUNK_PLACES, field_set(node.key)}
