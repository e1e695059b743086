"""What a whole set of rows adds up to: how a row that is missing is noticed.

A checksum in a row tells that the row is as it was written. It can not tell that a row is gone,
because a page of SQLite's file was overwritten, or that an index leads past it: SQLite has no
checksums of pages, and what a filter does not find looks like what is not there. So the catalogue
keeps for every set of rows how many there are and a sum over them, changed in the transaction that
changes the rows, and whoever reads a whole set compares.

Why not otherwise: SQLite's own page checksums (``cksumvfs``) need an extension that Python's
``sqlite3`` seldom may load, and a page that was replaced by an older or another one passes them.
``PRAGMA integrity_check`` compares indexes with tables, but not values with what was written, and
reads the whole file; ``check`` runs it, opening can not afford it. A hash over the file would have
to be made anew at every commit. A sum over rows costs a commit one small row for each set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.errors import StoreCorrupt
from rag_engine.ports import Int64Array
from rag_engine.store.checksums import NEXT_STEP, row_checksum
from rag_engine.store.database import Statements

__all__ = [
    "CHUNKS",
    "CHUNK_PLACES",
    "DIGESTS",
    "DOCUMENTS",
    "DOCUMENT_IDS",
    "META",
    "SEQUENCES",
    "SOURCES",
    "TOMBSTONES",
    "Digest",
    "Tally",
    "chunk_digest",
    "field_set",
    "kept_digest",
    "read_digest",
    "row_digest",
    "rows_digest",
]

CHUNKS = "chunk"
"""``(id, checksum)`` of every chunk: what an index must have been built from."""
CHUNK_PLACES = "chunk place"
"""``(id, document, language, page)`` of every chunk: what filters read."""
DOCUMENTS = "document"
"""``(number, id, source, title)`` of every document: what filters read."""
DOCUMENT_IDS = "document id"
"""``(number, id)`` of every document: what a look-up by id reads."""
SOURCES = "source"
"""``(name, fingerprint)``."""
TOMBSTONES = "tombstone"
"""``(chunk, revision, checksum)``."""
META = "meta"
"""``(key, value)``."""
SEQUENCES = "sequence"
"""``(table, last number)``: a number is never given twice."""
DIGESTS = "digest"
"""The names of all other sets."""

_MASK = (1 << 64) - 1


def field_set(key: str) -> str:
    """Return the name of the set of one metadata key: ``(document, key, kind, value)``."""
    return f"field {key}"


@dataclass(frozen=True, slots=True)
class Digest:
    """A number of rows, and the sum of their hashes modulo 2**64; the order does not matter.

    >>> row_digest(1, "a") + row_digest(2, "b") - row_digest(1, "a") == row_digest(2, "b")
    True
    """

    rows: int = 0
    sum: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest(self.rows + other.rows, (self.sum + other.sum) & _MASK)

    def __sub__(self, other: Digest) -> Digest:
        return Digest(self.rows - other.rows, (self.sum - other.sum) & _MASK)


def row_digest(*values: object) -> Digest:
    """Return the digest of one row; its values are texts, numbers or None."""
    data = "\0".join(map(str, values)).encode("utf-8", "surrogatepass")
    return Digest(1, int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little"))


def rows_digest(rows: Iterable[Sequence[object]]) -> Digest:
    """Return the digest of some rows.

    >>> rows_digest([(1, "a"), (2, "b")]) == rows_digest([(2, "b"), (1, "a")])
    True
    """
    count, total = 0, 0
    blake2b, from_bytes = hashlib.blake2b, int.from_bytes
    for row in rows:
        data = "\0".join(map(str, row)).encode("utf-8", "surrogatepass")
        total += from_bytes(blake2b(data, digest_size=8).digest(), "little")
        count += 1
    return Digest(count, total & _MASK)


def chunk_digest(ids: Int64Array, checksums: Int64Array) -> Digest:
    """Return the digest ``CHUNKS`` of some chunks, ``(n,)`` each.

    A million take some ten milliseconds: every snapshot is compared with the catalogue.

    >>> one = chunk_digest(np.array([1]), np.array([5]))
    >>> one + chunk_digest(np.array([2]), np.array([6])) == chunk_digest(
    ...     np.array([2, 1]), np.array([6, 5])
    ... )
    True
    """
    mixed = _mixed(_mixed(ids.astype(np.uint64)) ^ checksums.astype(np.uint64))
    return Digest(len(mixed), int(mixed.sum(dtype=np.uint64)))


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return splitmix64 of each value (Steele, Lea and Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def read_digest(row: Sequence[Any]) -> tuple[str, Digest]:
    """Take a digest from its row: ``(name, rows, sum, checksum)``.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    name, rows, total, checksum = row
    if row_checksum((name, rows, total)) != checksum:
        raise StoreCorrupt(
            f"the catalogue is damaged: what it counted of {name!r} is unreadable; {NEXT_STEP}"
        )
    return name, Digest(rows, int.from_bytes(total, "little"))


def kept_digest(connection: Statements, name: str) -> Digest:
    """Return what a set of rows adds up to, as the catalogue keeps it.

    Raises:
        StoreCorrupt: that is damaged.
    """
    sql = "SELECT name, rows, sum, checksum FROM digest WHERE name = ?"
    row = connection.execute(sql, (name,)).fetchone()
    return Digest() if row is None else read_digest(row)[1]


class Tally:
    """Gathers what a transaction adds to sets of rows and takes from them."""

    def __init__(self) -> None:
        self._changes: dict[str, Digest] = {}

    def add(self, name: str, digest: Digest) -> None:
        """Note that rows came to a set."""
        self._changes[name] = self._changes.get(name, Digest()) + digest

    def remove(self, name: str, digest: Digest) -> None:
        """Note that rows left a set."""
        self._changes[name] = self._changes.get(name, Digest()) - digest

    def write(self, connection: Statements) -> None:
        """Change the digests that the catalogue keeps, inside the transaction.

        Raises:
            StoreCorrupt: one of them is damaged.
        """
        for name in sorted(self._changes):
            if self._changes[name] != Digest():
                self._change(connection, name, self._changes[name])
        self._changes.clear()

    def _change(self, connection: Statements, name: str, change: Digest) -> None:
        sql = "SELECT name, rows, sum, checksum FROM digest WHERE name = ?"
        row = connection.execute(sql, (name,)).fetchone()
        before = Digest() if row is None else read_digest(row)[1]
        after = before + change
        if after.rows < 0:
            raise StoreCorrupt(
                f"the catalogue is damaged: it counted fewer {name!r} than it held; {NEXT_STEP}"
            )
        if name != DIGESTS and row is None:
            self._change(connection, DIGESTS, row_digest(name))
        if after == Digest() and name != DIGESTS:
            connection.execute("DELETE FROM digest WHERE name = ?", (name,))
            self._change(connection, DIGESTS, Digest() - row_digest(name))
            return
        total = after.sum.to_bytes(8, "little")
        connection.execute(
            "INSERT INTO digest VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "rows = excluded.rows, sum = excluded.sum, checksum = excluded.checksum",
            (name, after.rows, total, row_checksum((name, after.rows, total))),
        )
