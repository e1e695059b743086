"""Which files may be read at all: regular ones, up to a size."""

from __future__ import annotations

import os
from pathlib import Path

from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.regular_file import open_regular

__all__ = ["BYTES_OF_A_MB", "MAX_FILE_MB", "check_size", "read_file"]

MAX_FILE_MB = 200
BYTES_OF_A_MB = 1_000_000


def read_file(path: Path, *, max_file_mb: int) -> bytes:
    """Read a whole regular file.

    Raises:
        LoadError: the path can not be read, or is no regular file.
        LoadLimitExceeded: the file is larger than ``max_file_mb`` (1 MB = 10^6 bytes).
    """
    with open_regular(path) as file:
        check_size(os.fstat(file.fileno()).st_size, path, max_file_mb=max_file_mb)
        try:
            data = file.read(max_file_mb * BYTES_OF_A_MB + 1)
        except OSError as error:
            raise LoadError(f"{path} can not be read: {error}") from error
    check_size(len(data), path, max_file_mb=max_file_mb)  # it may have grown meanwhile
    return data


def check_size(size: int, path: Path, *, max_file_mb: int) -> None:
    """Refuse a file that is too large to be read whole.

    Raises:
        LoadLimitExceeded: it is larger than ``max_file_mb`` (1 MB = 10^6 bytes).
    """
    if size > max_file_mb * BYTES_OF_A_MB:
        raise LoadLimitExceeded(
            f"{path} has {size:,} bytes; at most {max_file_mb} MB are read; split it, or raise "
            "loaders.max_file_mb"
        )
