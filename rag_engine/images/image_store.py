"""Where pictures' vectors and thumbnails lie: ``images.sqlite``, beside the catalogue.

A picture lies there under the SHA-256 of its bytes, which the metadata of its documents name: the
catalogue stays the source of truth, and a picture that no document names any more is overwritten.
Pictures are durable before the documents that name them. The file is there where ``images.model``
was ever set, and else costs nothing.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag_engine.arrays import Float32Array
from rag_engine.errors import ContractMismatch, StoreCorrupt
from rag_engine.store.checksums import row_checksum
from rag_engine.store.connection import Connection
from rag_engine.store.failures import storage
from rag_engine.store.files import put_in_place
from rag_engine.store.schema import connect
from rag_engine.store.sql_lists import batches, marks

__all__ = ["IMAGES", "IMAGES_VERSION", "ImageStore", "ImageVectors", "StoredImage"]

IMAGES = "images.sqlite"
"""Its name in the folder of a knowledge base."""

IMAGES_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The checksum is of the columns before it; vectors are float16.
CREATE TABLE image (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, vector BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE thumbnail (
    number INTEGER PRIMARY KEY REFERENCES image (number) ON DELETE CASCADE, data BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
"""
_DAMAGED = (
    "the pictures in {} are damaged: {}; `rag-engine check --repair` saves those that are intact, "
    "and `rag-engine index` then reads the files with pictures once more"
)


class StoredImage(NamedTuple):
    """A picture as it is kept: ``vector`` is ``(dimension,)`` float32, ``thumbnail`` a JPEG."""

    digest: str
    vector: Float32Array
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class ImageVectors:
    """All pictures at one revision: ``vectors`` ``(n, dimension)`` float32, unit rows."""

    revision: int
    rows: Mapping[str, int]
    vectors: Float32Array


class ImageStore:
    """One open file of pictures; safe to share between threads, with one writing at a time."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        """Open an existing file.

        Raises:
            StoreNotFound: there is none.
            StoreCorrupt: it is damaged, or was written by a newer version of this package.
            StorageFailed: it can not be read, or not be written.
        """
        self.path = path
        self._reader = Connection(path, read_only=True)
        self._writer: Connection | None = None
        self._vectors: ImageVectors | None = None
        self._lock = threading.Lock()
        try:
            if not read_only:
                self._writer = Connection(path, read_only=False)
            version, contract = self.meta("schema"), self.meta("contract")
            if version != IMAGES_VERSION:
                raise StoreCorrupt(_DAMAGED.format(path, f"their schema is {version!r}"))
            if not isinstance(contract, dict):
                raise StoreCorrupt(_DAMAGED.format(path, "their contract is missing"))
            self.contract: dict[str, object] = contract
            self._dimension = int(contract["dimension"])
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, contract: Mapping[str, object]) -> ImageStore:
        """Make an empty file that keeps ``contract``, and open it for writing.

        Raises:
            StorageFailed: it can not be written.
        """
        new = path.with_name(f"{path.name}.new")
        with storage("making the store of pictures", path):
            new.unlink(missing_ok=True)
            new.touch()
            with contextlib.closing(connect(new, read_only=False)) as connection:
                connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
                for key, value in {
                    "schema": IMAGES_VERSION,
                    "contract": dict(contract),
                    "identity": secrets.token_hex(8),
                    "state": [0, 0],
                }.items():
                    _put_meta(connection, key, value)
            put_in_place(new, path)
        return cls(path, read_only=False)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise AssertionError("the pictures were opened for reading")
        with self._writer.transaction("changing the pictures") as connection:
            yield connection
            revision, _ = _state(_meta(connection, "state", self.path), self.path)
            [(count,)] = connection.execute("SELECT count(*) FROM image").fetchall()
            _put_meta(connection, "state", [revision + 1, count])

    def _read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._reader.using("reading the pictures") as connection:
            return connection.execute(sql, tuple(parameters)).fetchall()

    def meta(self, key: str) -> Any:
        """Return the plain data kept under ``key``, or None."""
        with self._reader.using("reading the pictures") as connection:
            return _meta(connection, key, self.path)

    def set_meta(self, key: str, value: object) -> None:
        """Keep plain data under ``key``."""
        with self._changing() as connection:
            _put_meta(connection, key, value)

    @property
    def identity(self) -> str:
        """What was drawn when the file was made: files are read again for another one."""
        return str(self.meta("identity"))

    def check_contract(self, given: Mapping[str, object]) -> None:
        """Refuse another model than the pictures were embedded with.

        Raises:
            ContractMismatch: naming every field that differs.
        """
        stored = self.contract
        names = sorted(stored.keys() | given.keys())
        differing = {
            f"images.{name}": (stored.get(name), given.get(name))
            for name in names
            if stored.get(name) != given.get(name)
        }
        if differing:
            raise ContractMismatch(differing)

    def missing(self, digests: Collection[str]) -> set[str]:
        """Return those of some pictures that are not there."""
        known: set[str] = set()
        for some in batches(list(digests)):
            sql = f"SELECT digest FROM image WHERE digest IN ({marks(some)})"
            known.update(digest for (digest,) in self._read(sql, some))
        return set(digests) - known

    def stored(self, digests: Collection[str]) -> list[StoredImage]:
        """Return those of some pictures that are there, as they are kept.

        Raises:
            StoreCorrupt: one is damaged.
        """
        found = []
        for some in batches(list(digests)):
            sql = f"SELECT digest, vector, checksum FROM image WHERE digest IN ({marks(some)})"
            for digest, vector, checksum in self._read(sql, some):
                if row_checksum((digest, vector)) != checksum:
                    raise StoreCorrupt(_DAMAGED.format(self.path, f"the vector of {digest}"))
                thumbnail = self.thumbnail(digest)
                if thumbnail is not None:
                    numbers = np.frombuffer(vector, dtype=np.float16).astype(np.float32)
                    found.append(StoredImage(digest, numbers, thumbnail))
        return found

    def add(self, images: Iterable[StoredImage]) -> None:
        """Keep pictures that are not there yet; durable when this returns."""
        with self._changing() as connection:
            for image in images:
                vector = image.vector.astype(np.float16).tobytes()
                row = (image.digest, vector)
                [(number,)] = connection.execute(
                    "INSERT INTO image (digest, vector, checksum) VALUES (?, ?, ?) "
                    "RETURNING number",
                    (*row, row_checksum(row)),
                ).fetchall()
                connection.execute(
                    "INSERT INTO thumbnail VALUES (?, ?, ?)",
                    (number, image.thumbnail, row_checksum((image.digest, image.thumbnail))),
                )

    def keep_only(self, digests: Collection[str]) -> int:
        """Overwrite all pictures but these, which documents name; return how many went."""
        named = set(digests)
        gone = [
            digest for (digest,) in self._read("SELECT digest FROM image") if digest not in named
        ]
        if gone:
            with self._changing() as connection:
                for digest in gone:
                    connection.execute("DELETE FROM image WHERE digest = ?", (digest,))
        return len(gone)

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the file system."""
        if self._writer is None:
            raise AssertionError("the pictures were opened for reading")
        doing = "giving back the space of deleted pictures"
        with self._writer.using(doing) as connection, self._reader.held():
            connection.execute("VACUUM")

    def count(self) -> int:
        """Count the pictures, as they were counted when they were written."""
        return _state(self.meta("state"), self.path)[1]

    def thumbnail(self, digest: str) -> bytes | None:
        """Return a picture's thumbnail, a JPEG, or None.

        Raises:
            StoreCorrupt: it is damaged.
        """
        sql = (
            "SELECT t.data, t.checksum FROM image AS i JOIN thumbnail AS t ON t.number = i.number "
            "WHERE i.digest = ?"
        )
        for data, checksum in self._read(sql, (digest,)):
            if row_checksum((digest, data)) != checksum:
                raise StoreCorrupt(_DAMAGED.format(self.path, f"the thumbnail {digest}"))
            found: bytes = data
            return found
        return None

    def vectors(self) -> ImageVectors:
        """Return all pictures' vectors as they are now; kept in memory until they change.

        Raises:
            StoreCorrupt: one is damaged, or some are missing.
        """
        with self._lock:
            with self._reader.at_one_moment():
                revision, count = _state(self.meta("state"), self.path)
                if self._vectors is not None and self._vectors.revision == revision:
                    return self._vectors
                found = self._read("SELECT digest, vector, checksum FROM image ORDER BY number")
            if len(found) != count:
                told = f"{len(found)} are there, {count} were written"
                raise StoreCorrupt(_DAMAGED.format(self.path, told))
            rows = []
            for digest, vector, checksum in found:
                if row_checksum((digest, vector)) != checksum:
                    raise StoreCorrupt(_DAMAGED.format(self.path, f"the vector of {digest}"))
                rows.append(np.frombuffer(vector, dtype=np.float16))
            matrix = np.array(rows, dtype=np.float32).reshape(len(rows), self._dimension)
            matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
            places = {digest: place for place, (digest, *_) in enumerate(found)}
            self._vectors = ImageVectors(revision, places, matrix)
            return self._vectors

    def damage(self) -> list[str]:
        """Verify all that is there, page by page and row by row; return what is wrong."""
        found = []
        try:
            pages = self._read("PRAGMA integrity_check(5)")
            found += [str(text) for (text,) in pages if text != "ok"]
            self.vectors()
            for (digest,) in self._read("SELECT digest FROM image"):
                if self.thumbnail(digest) is None:
                    found.append(f"the thumbnail of {digest} is missing")
        except StoreCorrupt as error:
            found.append(str(error))
        return found


def _put_meta(connection: sqlite3.Connection, key: str, value: object) -> None:
    text = json.dumps(value)
    sql = "INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
    sql += "value = excluded.value, checksum = excluded.checksum"
    connection.execute(sql, (key, text, row_checksum((key, text))))


def _meta(connection: sqlite3.Connection, key: str, path: Path) -> Any:
    sql = "SELECT value, checksum FROM meta WHERE key = ?"
    for value, checksum in connection.execute(sql, (key,)).fetchall():
        if row_checksum((key, value)) != checksum:
            raise StoreCorrupt(_DAMAGED.format(path, f"what they keep as {key!r}"))
        return json.loads(value)
    return None


def _state(state: Any, path: Path) -> tuple[int, int]:
    """Return the number of the last change, and of pictures."""
    if not isinstance(state, list) or len(state) != 2:
        raise StoreCorrupt(_DAMAGED.format(path, "their number is missing"))
    return int(state[0]), int(state[1])
