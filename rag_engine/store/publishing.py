"""Who may write the index files, which is another question than who may write documents.

In the folder of a knowledge base it is the one writer, for as long as it has it open. Index files
in a cache belong to nobody: several processes share them, and whoever finds them wanting builds
them, one at a time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rag_engine.errors import StoreLocked
from rag_engine.store.files import WriterLock

__all__ = ["CachedFiles", "OwnedFiles", "Publishing"]

_LOCK = "publisher.lock"
_POLL_S = 0.1
_LONGEST_WAIT_S = 3_600.0
"""A million chunks are built within a quarter of an hour."""


class Publishing(Protocol):
    """Gives the right to write index files, a turn at a time."""

    is_cache: bool
    """Whether the files are nobody's: where they are damaged, whoever meets them builds them."""
    others_publish: bool
    """Whether another process may publish while this one is open."""

    def turn(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Tell whether the files may be written until this ends; ``wait`` for who is at it."""
        ...

    def release(self) -> None:
        """Give back what is held."""
        ...


class OwnedFiles:
    """The files of a knowledge base's own folder: the writer may publish, readers never."""

    is_cache = False

    def __init__(self, lock: WriterLock | None) -> None:
        self._lock = lock
        self.others_publish = lock is None

    @contextlib.contextmanager
    def turn(self, *, wait: bool) -> Iterator[bool]:
        """Tell whether this is the writer."""
        yield self._lock is not None

    def release(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            self._lock.release()


class CachedFiles:
    """The files in a folder of a machine's cache: whoever takes its lock may publish meanwhile."""

    is_cache = True
    others_publish = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def turn(self, *, wait: bool) -> Iterator[bool]:
        """Tell whether nobody else is publishing; ``wait`` until that is so, an hour at most."""
        lock = self._take()
        until = time.monotonic() + _LONGEST_WAIT_S
        while lock is None and wait and time.monotonic() < until:
            time.sleep(_POLL_S)
            lock = self._take()
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def _take(self) -> WriterLock | None:
        try:
            return WriterLock(self._folder / _LOCK)
        except StoreLocked:
            return None

    def release(self) -> None:
        """Do nothing: a turn ends by itself."""
