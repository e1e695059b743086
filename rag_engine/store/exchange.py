"""A knowledge base takes the place of another, whatever is killed on the way.

What is about to happen is written down beside them first, durably: which folder (by its number in
the file system, which it keeps under every name) is to be in place, and where the one that is there
goes. Linux swaps two folders at once (``renameat2`` with ``RENAME_EXCHANGE``), so that there is a
knowledge base in place at every moment; elsewhere, and on file systems that can not, for the
twinkling of two renames there is none. ``finish_exchange`` does the rest after a kill, or strikes
off what was not begun.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from rag_engine.errors import StoreCorrupt, StoreError
from rag_engine.store.failures import storage
from rag_engine.store.files import WriterLock, read_json, sync_folder, write_json
from rag_engine.store.sibling_folders import exchange_of

__all__ = ["LOCK", "OnStep", "check_can_move", "finish_exchange", "take_place"]

LOCK = "writer.lock"
"""The file in the folder of a knowledge base by which a process has the right to write to it."""

OnStep = Callable[[str], None]
"""Called with what was just done: ``noted``, ``in place``, ``moved aside``."""

_HERE, _EXCHANGE = -100, 2
"""``AT_FDCWD`` and ``RENAME_EXCHANGE``, of <fcntl.h> and <linux/fs.h>."""
_CAN_NOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
"""What a system or file system says that knows no exchange."""


def check_can_move(root: Path) -> None:
    """Refuse a folder that can not change places, before hours of work are spent on it.

    Raises:
        StoreError: it is a mount point, or the folder that it is in can not be written to.
    """
    if os.path.ismount(root):
        raise StoreError(
            f"{root} is a mount point, which can not be given another place; keep the knowledge "
            "base in a folder inside of it (move its files there), then do it again"
        )
    if not os.access(root.parent, os.W_OK | os.X_OK):
        raise StoreError(
            f"{root.parent} can not be written to, and the other knowledge base is made in it, "
            f"beside {root.name}; give this user the right to write there, then do it again"
        )


def take_place(new: Path, root: Path, aside: Path, on_step: OnStep) -> None:
    """Put the folder ``new`` in the place of ``root``, which becomes ``aside``, durably.

    Whoever calls it holds the right to write to both, and has nothing open in them.

    Raises:
        StoreError: there is something at ``aside``.
        StorageFailed: a folder can not be renamed; ``finish_exchange`` does the rest.
    """
    if aside.exists():
        raise StoreError(f"{aside} is in the way; delete it, or give it another name")
    kept = "both knowledge bases are kept, and the same command goes on"
    with storage("putting a knowledge base in place", root, kept=kept):
        note = {
            "in": _number(new),
            "out": _number(root),
            "from": new.name,
            "aside": aside.name,
        }
        write_json(exchange_of(root), note)
        on_step("noted")
        if not _swapped(new, root):
            root.rename(aside)
            sync_folder(root.parent)
            on_step("moved aside")
            new.rename(root)
            on_step("in place")
        else:
            sync_folder(root.parent)
            on_step("in place")
            new.rename(aside)
            on_step("moved aside")
        sync_folder(root.parent)
        _settle_in(root, new, aside)
        _strike_off(root)


def finish_exchange(root: Path) -> Literal["none", "undone", "finished"]:
    """Finish what a process began that was killed on the way; say whether there was anything.

    Raises:
        StoreLocked: it is on the way still.
        StoreError: the folders were moved by somebody else since.
    """
    if not exchange_of(root).exists():
        return "none"
    note = _read(root)
    lock = WriterLock((root if root.is_dir() else root.with_name(note["from"])) / LOCK)
    try:
        if not exchange_of(root).exists():  # it was, and has ended
            return "none"
        note = _read(root)
        came_from, aside = root.with_name(note["from"]), root.with_name(note["aside"])
        place, source, parked = map(_number, (root, came_from, aside))
        with storage("putting a knowledge base in place", root):
            if place == note["out"]:
                _strike_off(root)
                return "undone"
            if place is None and parked == note["out"] and source == note["in"]:
                came_from.rename(root)
            elif place == note["in"] and source == note["out"] and parked is None:
                came_from.rename(aside)
            elif not (place == note["in"] and parked == note["out"]):
                raise StoreError(
                    f"{exchange_of(root)} says that {came_from.name} was to take the place of "
                    f"{root.name}, and the folders are not those of then; see that the knowledge "
                    "base that you want is in place, and delete that file"
                )
            sync_folder(root.parent)
            _settle_in(root, came_from, aside)
            _strike_off(root)
        return "finished"
    finally:
        lock.release()


def _read(root: Path) -> dict[str, str]:
    note = read_json(exchange_of(root))
    if not all(isinstance(note.get(key), str) for key in ("in", "out", "from", "aside")):
        raise StoreCorrupt(
            f"{exchange_of(root)} is damaged; see that the knowledge base that you want is in "
            "place, and delete that file"
        )
    return note


def _settle_in(root: Path, came_from: Path, aside: Path) -> None:
    """Let files in both folders that name the place of theirs name the one of now.

    A journal of what lies in a service says so, and one of another place counts for nothing: a
    copied knowledge base must not drop what is the original's.
    """
    for folder, before in ((root, came_from), (aside, root)):
        for path in sorted(folder.glob("*.json")):
            with suppress(StoreCorrupt):
                data = read_json(path)
                if data.get("home") == str(before):
                    write_json(path, {**data, "home": str(folder)})


def _strike_off(root: Path) -> None:
    exchange_of(root).unlink()
    sync_folder(root.parent)


def _number(folder: Path) -> str | None:
    """Return what a folder is known by under every name; None: there is none."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_dev}:{status.st_ino}"


def _swapped(one: Path, other: Path) -> bool:
    """Let two folders have each other's names at once; False: this can not be had here.

    Raises:
        OSError: they can not be renamed.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CAN_NOT:
        return False
    raise OSError(number, os.strerror(number), str(one))
