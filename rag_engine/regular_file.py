"""Opening a file that others may have put there: only regular ones, and without waiting."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from rag_engine.errors import LoadError

__all__ = ["digest_of", "open_regular"]


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; a pipe or device is refused without waiting for it.

    Raises:
        LoadError: the path can not be opened, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise LoadError(f"{path} can not be opened: {error}") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise LoadError(f"{path} is {_kind(mode)}; only regular files are read")
    return os.fdopen(descriptor, "rb")


def digest_of(file: BufferedReader, path: Path) -> str:
    """Return the SHA-256 of an open file as hexadecimal digits.

    Raises:
        LoadError: it can not be read.
    """
    try:
        return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LoadError(f"{path} can not be read: {error}") from error


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
