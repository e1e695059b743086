"""What the file system and SQLite raise becomes the engine's errors, here and nowhere else.

Whatever touches the files of a knowledge base does so inside ``storage``.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rag_engine.errors import (
    InvalidDocument,
    RagEngineError,
    StorageFailed,
    StorageReason,
    StoreClosed,
    StoreCorrupt,
)
from rag_engine.store.progress import OnStage

__all__ = [
    "DOCUMENTS_KEPT",
    "UNCHANGED",
    "UNCONFIRMED",
    "caller_stage",
    "storage",
    "storage_failed",
]

UNCHANGED = "nothing was changed"
"""What a failed reading leaves."""
UNCONFIRMED = (
    "every change that was acknowledged is kept; this one was not, and is there whole or not at all"
)
"""What a failed change leaves."""
DOCUMENTS_KEPT = (
    "every document that was acknowledged is kept, and searches go on without a new index"
)
"""What a failed publication leaves."""

_BY_ERRNO: dict[int, StorageReason] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EBUSY: "busy",
    errno.EAGAIN: "busy",
    errno.ENOLCK: "limit",
    errno.EMFILE: "limit",
    errno.ENFILE: "limit",
    errno.EFBIG: "limit",
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.ESTALE: "gone",
    errno.ENODEV: "gone",
}
_BY_SQLITE: dict[int, StorageReason] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_PERM: "permission",
    sqlite3.SQLITE_CANTOPEN: "permission",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
}
_BY_WORDS: dict[str, StorageReason] = {
    "No space left on device": "full",
    "No usable temporary directory": "full",
    "Disk quota exceeded": "full",
    "Read-only file system": "read-only",
    "Permission denied": "permission",
    "Too many open files": "limit",
    "File too large": "limit",
}
"""What errors say that carry no number: those of tantivy, FAISS and numpy."""


@contextlib.contextmanager
def storage(doing: str, path: Path, *, kept: str = UNCHANGED) -> Iterator[None]:
    """Do something with the files of a knowledge base; ``path`` is where.

    Raises:
        StorageFailed: the file system or SQLite would not; ``kept`` is what that leaves.
        StoreCorrupt: what was read is damaged.
        StoreClosed: the catalogue was closed.
        InvalidDocument: a text is larger than a row can be.
    """
    try:
        yield
    except RagEngineError:
        raise
    except OSError as error:
        raise storage_failed(error, doing, path, kept=kept) from error
    except sqlite3.Error as error:
        translated = _of_sqlite(error, doing, path, kept)
        if translated is None:
            raise
        raise translated from error


def storage_failed(
    error: BaseException, doing: str, path: Path, *, kept: str = UNCHANGED
) -> StorageFailed:
    """Return the engine's error for one of the file system, however it was told.

    >>> error = OSError(errno.ENOSPC, "No space left on device")
    >>> str(storage_failed(error, "writing the index", Path("kb")))
    'writing the index failed: kb: No space left on device; nothing was changed; make room on the \
disk, then do it again'
    """
    number = error.errno if isinstance(error, OSError) else None
    cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
    place = getattr(error, "filename", None) or path
    reason = _BY_ERRNO.get(number or 0)
    for words, meaning in _BY_WORDS.items():
        if words in str(error):
            reason = meaning
    return StorageFailed(doing, cause=f"{place}: {cause}", reason=reason or "io", kept=kept)


def _of_sqlite(error: sqlite3.Error, doing: str, path: Path, kept: str) -> RagEngineError | None:
    """Return the engine's error for one of SQLite; None: it is a fault of this package."""
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
        if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such"):
            return StoreCorrupt(f"the catalogue {path} is damaged: {error}")
        reason = _BY_SQLITE.get(code, "io")
        if code == sqlite3.SQLITE_CANTOPEN and not path.exists():
            reason = "gone"
        return StorageFailed(doing, cause=f"{path}: {error}", reason=reason, kept=kept)
    if isinstance(error, sqlite3.ProgrammingError):
        closed = "closed" in str(error)
        return StoreClosed(f"the catalogue {path} was closed; open it again") if closed else None
    if isinstance(error, sqlite3.DataError):
        return InvalidDocument(
            f"a document or its metadata are larger than a row of SQLite can be ({error}); split it"
        )
    return StoreCorrupt(f"the catalogue {path} is damaged: {error}")


class _Raised(Exception):
    """Carries what a caller's own function raised past ``storage``, which must not judge it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(repr(error))
        self.error = error


@contextlib.contextmanager
def caller_stage(on_stage: OnStage) -> Iterator[OnStage]:
    """Give ``on_stage`` in a form to be called inside ``storage``.

    An ``OSError`` of a caller's own (a progress bar whose terminal has gone) is then raised as it
    is: it says nothing about the knowledge base.
    """

    def call(stage: str, done: int, total: int) -> None:
        try:
            on_stage(stage, done, total)
        except Exception as error:
            raise _Raised(error) from error

    try:
        yield call
    except _Raised as raised:
        raise raised.error from None
