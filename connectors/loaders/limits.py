"""Which files may be read at all: regular ones, up to a size."""

from __future__ import annotations

import os
from pathlib import Path

from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.regular_file import open_regular

__all__ = ["MAX_FILE_MB", "MAX_LINE_CHARACTERS", "read_file"]

MAX_FILE_MB = 200
MAX_LINE_CHARACTERS = 10_000_000


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
