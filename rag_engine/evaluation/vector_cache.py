"""A file of what was computed once, by keys: a cache that survives kills, company and damage.

It is one SQLite file with a rollback journal. What is written in one call is there whole or not at
all; of processes that write at the same time the later waits, and keeps what the earlier wrote.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rag_engine.errors import InvalidInput, StoreCorrupt, StoreError

__all__ = ["VectorCache"]

_FILE = "vectors.sqlite"
_APPLICATION = 0x52414756
"""Says in the file's head whose it is."""
_VERSION = 1
"""Goes up when the same entries are kept in another way."""
_AT_ONCE = 500
"""Keys that one statement asks for; SQLite allows 999 and more."""
_BUSY_TIMEOUT_MS = 60_000


class VectorCache:
    """Blobs by keys in the folder ``folder``, which is made if it is not there.

    Each entry has a checksum. Deleting the folder is always safe: it holds nothing that can not be
    computed again. Safe to share between threads and processes.

    Raises:
        InvalidInput: the folder is a file.
        StoreCorrupt: its file is damaged, or of another version; the message names it.
        StoreError: the folder can not be written, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, VectorCache(Path(folder)) as cache:
    ...     cache.keep({b"a": b"1"})
    ...     cache.found([b"a", b"b"])
    {b'a': b'1'}
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is a file; name a folder for the cache")
        self.path = folder / _FILE
        self._one = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"no cache can be made in {folder}: {error}") from error
        with self._named_errors():
            self._connection = sqlite3.connect(
                self.path,
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY_TIMEOUT_MS / 1000,
            )
        try:
            with self._named_errors():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._transaction():
            if not self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                self._connection.execute(
                    "CREATE TABLE entry "
                    "(key BLOB PRIMARY KEY, data BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT"
                )
                self._connection.execute(f"PRAGMA application_id={_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version={_VERSION}")
        [application] = self._connection.execute("PRAGMA application_id").fetchone()
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        if (application, version) != (_APPLICATION, _VERSION):
            raise self._damaged(
                f"it is no cache of version {_VERSION} (application {application}, version "
                f"{version})"
            )

    def found(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return those of the entries that are there.

        Raises:
            StoreCorrupt: an entry is not what was written.
        """
        entries: dict[bytes, bytes] = {}
        wanted = iter(keys)
        with self._one, self._named_errors():
            while some := list(itertools.islice(wanted, _AT_ONCE)):
                rows = self._connection.execute(
                    "SELECT key, data, checksum FROM entry WHERE key IN "
                    f"({','.join('?' * len(some))})",
                    some,
                )
                for key, data, checksum in rows:
                    if zlib.crc32(data) != checksum:
                        raise self._damaged(f"the entry {key.hex()} has another checksum")
                    entries[key] = data
        return entries

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        """Write entries; of those that are there already, what is there stays."""
        rows = [(key, data, zlib.crc32(data)) for key, data in entries.items()]
        with self._one, self._named_errors(), self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?, ?)", rows)

    def damaged(self, key: bytes) -> StoreCorrupt:
        """Return the error for an entry that can not be read as what it should be."""
        return self._damaged(f"the entry {key.hex()} can not be read")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the cache {self.path} can not be used ({error}); see that its folder can be "
                "written, that the disk has room, and that no process holds it for minutes"
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> StoreCorrupt:
        return StoreCorrupt(
            f"the cache {self.path} is damaged: {why}; delete the file: it holds nothing that can "
            "not be computed again"
        )
