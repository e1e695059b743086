"""Which files may be read at all: regular ones, up to a size."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from rag_engine.errors import LoadError, LoadLimitExceeded

__all__ = ["MAX_FILE_MB", "MAX_LINE_CHARACTERS", "open_regular", "read_file"]

MAX_FILE_MB = 200
MAX_LINE_CHARACTERS = 10_000_000


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe or device is refused without waiting for it.

    Raises:
        LoadError: the path can not be opened, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise LoadError(f"{path} can not be opened: {error}") from error
    file = os.fdopen(descriptor, "rb") if _is_regular(descriptor) else None
    if file is None:
        mode = os.fstat(descriptor).st_mode
        os.close(descriptor)
        raise LoadError(f"{path} is {_kind(mode)}; only regular files are read")
    return file


def read_file(path: Path, *, max_file_mb: int) -> bytes:
    """Read a whole regular file.

    Raises:
        LoadError: the path can not be read, or is no regular file.
        LoadLimitExceeded: the file is larger than ``max_file_mb`` (1 MB = 10^6 bytes).
    """
    most = max_file_mb * 1_000_000
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= most:
            try:
                data = file.read(most + 1)
            except OSError as error:
                raise LoadError(f"{path} can not be read: {error}") from error
            if len(data) <= most:
                return data
            size = len(data)
    raise LoadLimitExceeded(
        f"{path} has {size:,} bytes; at most {max_file_mb} MB are read; split it, or raise "
        "loaders.max_file_mb"
    )


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
