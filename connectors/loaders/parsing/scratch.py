"""A folder for a library that reads and writes files only; elsewhere a parser writes nothing."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["MOST_WRITTEN", "scratch_folder", "scratch_prefix"]

MOST_WRITTEN = 256_000_000
"""The largest file that such a library may write, in bytes; the child's hard limit."""


def scratch_prefix(pid: int) -> str:
    """Return how the names of a child's folders begin: its parent removes what it leaves."""
    return f"rag_engine_parser_{pid}_"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder in which files may be written, until its end.

    Outside of a child process, which has no limit of its own, only the folder is given.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        with tempfile.TemporaryDirectory(prefix=scratch_prefix(os.getpid())) as folder:
            yield Path(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
