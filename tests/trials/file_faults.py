"""File operations of a process: counted, recorded, failed, or the process killed at one of them.

The C of ``preload`` is compiled with ``cc`` and preloaded; there ``faults()`` steers it.
Numbered are, below the watched folders: files that come to be or are cut on opening, ``write`` and
its kin (also ``sendfile`` and ``copy_file_range``, and what a ``FILE`` writes, as that of FAISS or
of NumPy's ``tofile``), ``ftruncate``, ``fallocate``, ``fsync``, ``fdatasync``, ``rename``,
``link``, ``symlink``, ``unlink``, ``rmdir``, ``mkdir``; with ``reads`` also the opening and reading
of files. Not seen: what is read by way of ``mmap`` or a ``FILE``, and ``stat``; writing by way of
``mmap`` is noted, not numbered (SQLite's rollback journal does without it).

``tests/test_file_faults.py`` runs the whole load of ``load.py`` under ``strace -f`` and finds the
same operations in the same order as in the trace.
"""

from __future__ import annotations

import ctypes
import enum
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Action", "Operation", "compiled", "faults", "lacking", "name_syncs", "read_trace"]

_SOURCES = Path(__file__).with_name("preload")


class Action(enum.IntEnum):
    """What is done to one operation."""

    NOTHING = 0
    KILL_BEFORE = 1
    KILL_AFTER = 2
    FAIL = 3
    SHORT_WRITE = 4
    """Half of the bytes are written; ``onward``, all that follows fails."""


def lacking() -> str | None:
    """Tell what this machine has not."""
    return None if shutil.which("cc") else "there is no C compiler (cc)"


def compiled(folder: Path) -> Path:
    """Compile the library into a folder, and return its path."""
    library = folder / "file_faults.so"
    arguments = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *arguments, "-o", library, *sorted(_SOURCES.glob("*.c"))], check=True)
    return library


def faults() -> ctypes.CDLL:
    """Return the preloaded library of this process.

    Raises:
        AttributeError: it was not preloaded.
    """
    library = ctypes.CDLL(None)
    library.faults_watch.argtypes = [ctypes.c_char_p, ctypes.c_int]
    library.faults_plan.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    library.faults_record.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.faults_note.argtypes = [ctypes.c_char_p]
    library.faults_count.restype = ctypes.c_long
    return library


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a trace. ``number`` is 0 for what only tells where others go (open, close)."""

    number: int
    name: str
    error: int
    """The errno that it failed with, or 0."""
    arguments: tuple[str, ...]


def read_trace(path: Path) -> Iterator[Operation]:
    """Yield the operations of a trace, in their order."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            number, name, error, *arguments = line.rstrip("\n").split("\t")
            yield Operation(int(number), name, int(error), tuple(arguments))


def name_syncs(pattern: str, operations: Iterable[Operation]) -> list[int]:
    """Return the numbers of the syncs that make names durable.

    The names are those that end with ``pattern``, of folders that were made and of files that were
    renamed.
    """
    numbers: list[int] = []
    opened: dict[str, str] = {}
    changed: set[str] = set()
    for operation in operations:
        match operation.name, operation.arguments:
            case "open", (path, descriptor):
                opened[descriptor] = path
            case (("mkdir" | "rename"), (*_, path)) if re.search(f"(?:{pattern})$", path):
                changed.add(str(Path(path).parent))
            case "fsync", (descriptor, *_) if opened.get(descriptor) in changed:
                changed.remove(opened[descriptor])
                numbers.append(operation.number)
    return numbers
