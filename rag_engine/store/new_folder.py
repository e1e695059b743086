"""A folder that is made beside, under another name, and put in place when it is whole.

What a kill leaves has the other name, and is cleared away by whoever makes the same folder next.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from rag_engine.errors import InvalidInput, StoreError, StoreLocked
from rag_engine.store.files import WriterLock, make_folders, sync_folder, sync_tree

__all__ = ["check_new", "new_folder", "unfinished_folder"]

_LOCK = "writer.lock"
_SIDES = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a file."""


def unfinished_folder(target: Path) -> Path:
    """Return the folder in which another one is made before it is put in place.

    >>> unfinished_folder(Path("backups/monday")).as_posix()
    'backups/monday.unfinished'
    """
    return target.with_name(f"{target.name}.unfinished")


def check_new(target: Path, *, source: Path) -> None:
    """Refuse to make a folder where something is, or inside of what is to be copied.

    Raises:
        StoreError: ``target`` exists.
        InvalidInput: it is inside of ``source``.
    """
    if target.resolve().is_relative_to(source.resolve()):
        raise InvalidInput(
            f"{target} is inside of {source}, which is what is to be copied; name a folder "
            "elsewhere"
        )
    if target.exists() or target.is_symlink():
        raise StoreError(
            f"{target} exists, and nothing is ever overwritten; name a folder that does not, such "
            f"as {target.with_name(f'{target.name}-2')}, or move it away"
        )


@contextlib.contextmanager
def new_folder(target: Path, *, ours: Collection[str]) -> Iterator[Path]:
    """Give an empty folder, which gets the name ``target``, durably, if no error ends this.

    After one nothing is left of it. ``ours`` are the names that it may hold: what has any other was
    not left by a kill, and is not removed.

    Raises:
        StoreError: it holds other files.
        StoreLocked: another process is making the same.
        OSError: it can not be made, or something has got its name meanwhile.
    """
    target = target.absolute()
    unfinished = unfinished_folder(target)
    missing = [folder for folder in target.parents if not folder.exists()]
    make_folders(target.parent)
    unfinished.mkdir(exist_ok=True)
    foreign = sorted(entry.name for entry in unfinished.iterdir() if _is_foreign(entry.name, ours))
    if foreign:
        raise StoreError(
            f"{unfinished}, where {target.name} is to be made, holds other files ({foreign[0]}, "
            "...); move them away, or name another folder"
        )
    try:
        lock = WriterLock(unfinished / _LOCK)
    except StoreLocked as error:
        raise StoreLocked(
            f"another process is making {target}; wait until it has ended, or name another folder"
        ) from error
    try:
        _clear(unfinished)
        yield unfinished
        sync_tree(unfinished)
        unfinished.rename(target)  # over nothing but an empty folder
        try:
            sync_folder(target.parent)
        except OSError:
            target.rename(unfinished)  # the name could be gone after a loss of power
            raise
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    finally:
        lock.release()


def _is_foreign(name: str, ours: Collection[str]) -> bool:
    for side in _SIDES:
        name = name.removesuffix(side)
    return name not in {_LOCK, *ours}


def _clear(unfinished: Path) -> None:
    """Remove what a kill left of another attempt."""
    for path in unfinished.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
