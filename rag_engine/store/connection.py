"""One connection to a catalogue, shared by the threads of one process, one at a time."""

from __future__ import annotations

import contextlib
import ctypes
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from rag_engine.errors import StoreForked, StoreReplaced
from rag_engine.store.failures import UNCHANGED, UNCONFIRMED, storage
from rag_engine.store.forks import Home, tell_in_forks
from rag_engine.store.schema import connect

__all__ = ["Connection"]

_FileKey = tuple[int, int]

_INHERITED: list[Connection] = []
"""In a forked child, the connections of its parent that were idle at the fork."""
_IN_USE: set[_FileKey] = set()
"""In a forked child, the files that the parent was reading or writing at the fork."""


class Connection:
    """A connection of SQLite; what goes wrong with it is an error of the engine.

    Raises:
        StoreNotFound: there is no such file.
        StoreCorrupt: it is no SQLite file.
        StorageFailed: it can not be opened.
        StoreForked: the process from which this one was forked was using the file just then.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._home = Home(path.parent)
        self._lock = threading.RLock()
        _forget_inherited(path)
        with storage("opening the catalogue", path):
            self._connection, self._key = _connected(path, read_only=read_only)
        self._broken = False
        tell_in_forks(self)

    @contextlib.contextmanager
    def using(self, doing: str, *, kept: str = UNCHANGED) -> Iterator[sqlite3.Connection]:
        """Have the connection for oneself; the errors are those of ``storage``.

        Raises:
            StoreForked: this is a fork of the process that opened it.
            StoreReplaced: it only reads, and another file is in the place of the one it has open.
        """
        self._home.check()
        with self._lock, storage(doing, self._path, kept=kept):
            # SQLite finds the journal by the file's name: it would take one of the file that is
            # there now for its own, and play it back into the old one.
            if self._read_only and not self._connection.in_transaction:
                self.check_in_place()
            yield self._connection

    @contextlib.contextmanager
    def reading_one_moment(self) -> Iterator[None]:
        """See the file as it is now until this ends; no other thread uses the connection."""
        with self.held():
            with self.using("reading the catalogue") as connection:
                connection.execute("BEGIN")
            yield

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Let what is read inside be of one revision; inside of another such, of the other's."""
        with self.held():
            if self._connection.in_transaction:
                yield
                return
            with self.reading_one_moment():
                try:
                    yield
                finally:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let no other thread use the connection meanwhile."""
        self._home.check()
        with self._lock:
            yield

    @contextlib.contextmanager
    def transaction(self, doing: str) -> Iterator[sqlite3.Connection]:
        """Change something, durably and as a whole when this ends, or not at all."""
        with self.using(doing, kept=UNCONFIRMED):
            if self._broken:
                self._reconnect()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                # After a failed rollback SQLite waits for another connection to do it.
                self._broken = connection.in_transaction
                raise

    def check_in_place(self) -> None:
        """See that the file at the path is still the one that is open.

        Raises:
            StoreReplaced: it was written anew (recoded, repaired, upgraded), or another knowledge
                base took its place: this is the old one.
        """
        with contextlib.suppress(FileNotFoundError):
            if _file_key(self._path) == self._key:
                return
            raise StoreReplaced(
                f"{self._path} was written anew by another process, and what is open here is the "
                "old one; open the knowledge base again"
            )

    def _reconnect(self) -> None:
        self._connection.close()
        self._connection = connect(self._path, read_only=self._read_only)
        self._broken = False

    def close(self) -> None:
        """Close it, but not in a fork: the parent goes on."""
        if self._home.is_here:
            with self._lock, contextlib.suppress(sqlite3.Error):
                self._connection.close()

    def was_inherited(self) -> None:
        """Keep SQLite in this child from doing anything with what is the parent's."""
        # Never freed, at the child's end neither: to free a connection is to close it, and that
        # rolls back what the parent is writing.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        if self._lock.acquire(blocking=False):
            self._lock.release()
            _INHERITED.append(self)
        else:
            _IN_USE.add(self._key)


def _connected(path: Path, *, read_only: bool) -> tuple[sqlite3.Connection, _FileKey]:
    """Open a file; return what it is known by, too, though another may take its place just now."""
    while True:
        before = _file_key(path) if path.is_file() else None  # ``connect`` says what is not there
        connection = connect(path, read_only=read_only)
        if before == _file_key(path):
            return connection, before
        connection.close()


def _file_key(path: Path) -> _FileKey:
    status = path.stat()
    return status.st_dev, status.st_ino


def _forget_inherited(path: Path) -> None:
    """Let SQLite forget what it knows of a file from before a fork: locks that are the parent's.

    Where the parent was in the middle of something it can not be made to.
    """
    if not (_INHERITED or _IN_USE) or not path.is_file():
        return
    key = _file_key(path)
    if key in _IN_USE:
        raise StoreForked(
            f"this process was forked while its parent was using {path}, and SQLite can not open "
            "it here any more; start processes with spawn (multiprocessing.get_context('spawn')), "
            "or fork while nothing is being read or written"
        )
    for inherited in [each for each in _INHERITED if each._key == key]:
        _INHERITED.remove(inherited)
        inherited._connection.close()  # idle: there is nothing to roll back
