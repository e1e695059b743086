"""Files that survive a power cut, and the lock that keeps a second writer out."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from rag_engine.errors import StoreCorrupt, StoreLocked
from rag_engine.store.failures import storage
from rag_engine.store.forks import tell_in_forks

__all__ = [
    "WriterLock",
    "file_digest",
    "json_beside",
    "make_folders",
    "previous",
    "put_in_place",
    "read_json",
    "renew_name",
    "save_array",
    "sync_file",
    "sync_folder",
    "sync_tree",
    "write_bytes",
    "write_json",
]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing; their names are durable afterwards.

    One whose name could not be made durable is taken away again: no later ``fsync`` makes up for
    one that failed (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC
    2020), so the next attempt has to make it anew.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    try:
        sync_folder(folder.parent)
    except OSError:
        with suppress(OSError):  # somebody else has put something into it
            folder.rmdir()
        raise


def renew_name(folder: Path) -> None:
    """Let a folder that nothing is kept in yet come anew by its name, whose sync failed.

    It stays as it is: somebody may have made it for this and given it rights. A kill in between
    leaves it beside, under another name.
    """
    aside = folder.with_name(f"{folder.name}.renamed")
    with suppress(OSError):  # such as a mount point, whose name is nowhere to be lost
        folder.rename(aside)
        aside.rename(folder)


def sync_file(path: Path) -> None:
    """Make what a file holds durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_tree(folder: Path) -> None:
    """Make every file below a folder durable, then the folders, innermost first."""
    folders = [folder]
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            folders.append(path)
            continue
        sync_file(path)
    for inner in reversed(folders):
        sync_folder(inner)


class _Written:
    """A file of which NumPy sees nothing but that it can be written to."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as ``np.save`` does, and raise whatever keeps it from being written whole.

    ``np.save`` writes a file by a ``FILE`` of C, and looks away when that is closed: on a full disk
    it leaves the end of the array out, without a word.
    """
    with path.open("wb") as file:
        np.lib.format.write_array(_Written(file), array, allow_pickle=False)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_beside(path: Path, data: dict[str, Any]) -> Path:
    """Write what is to take the place of the JSON file ``path``, durably, and return where."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return beside


def previous(path: Path) -> Path:
    """Return where ``put_in_place`` has the file that it replaces until the new one is durable."""
    return path.with_name(f"{path.name}.old")


def put_in_place(beside: Path, path: Path, *, keep: Path | None = None) -> None:
    """Give a file the name ``path``, durably; ``keep`` then names the one that had it.

    After a crash the old or the new one has the name. After an error the old one has it again (or
    none, as before): one that was used on, though its name is not sure to be durable, could be gone
    after a loss of power with all that was written to it since (see ``make_folders``).
    """
    old = keep or previous(path)
    old.unlink(missing_ok=True)
    replaces = path.exists()
    if replaces:
        _link(path, old)
    try:
        beside.replace(path)
        sync_folder(path.parent)
    except BaseException:
        if replaces:
            old.replace(path)
            old.unlink(missing_ok=True)  # there still where ``path`` had not gone yet
        else:
            path.unlink(missing_ok=True)
        raise
    if replaces and keep is None:
        with suppress(OSError):  # the next one takes it away
            old.unlink()


def _link(path: Path, also: Path) -> None:
    """Let a file have another name too; where there are no links, let it be there twice."""
    try:
        os.link(path, also)
    except OSError:
        shutil.copyfile(path, also)
        sync_file(also)


def write_bytes(path: Path, data: bytes) -> None:
    """Put a file in the place of ``path``; after a crash or an error the old or the new one is."""
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Put a JSON file in the place of ``path``; after a crash the old or the new one is there."""
    put_in_place(json_beside(path, data), path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        StoreCorrupt: the file is no JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreCorrupt(f"{path} is damaged: {error}") from error
    if not isinstance(data, dict):
        raise StoreCorrupt(f"{path} is damaged: it holds no JSON object")
    return data


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether a path still leads to the file that was opened by it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


class WriterLock:
    """The right to write to a knowledge base, held until ``release`` or the end of the process.

    A forked child does not have it, and keeps nobody out after its parent has ended.

    Raises:
        StoreLocked: another process, or another object of this one, holds it.
        StorageFailed: the file can not be written, or not be locked.
    """

    def __init__(self, path: Path) -> None:
        with storage("opening for writing", path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(self._descriptor)
                raise StoreLocked(
                    f"another process is writing to {path.parent}; wait until it has ended, or "
                    "open the knowledge base with read_only=True"
                ) from error
            except OSError:
                os.close(self._descriptor)
                raise
            if not _is_at(self._descriptor, path):  # another folder took this one's place just now
                os.close(self._descriptor)
                raise StoreLocked(
                    f"another knowledge base was put in the place of {path.parent} just now; do it "
                    "again"
                )
        tell_in_forks(self)

    def release(self) -> None:
        """Let others write; in a forked child nothing, for it does not have the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def was_inherited(self) -> None:
        """Close the child's copy: the lock is the parent's as long as that has it open."""
        self.release()
