"""What a disk may hold after power was lost, from a trace of file operations.

The model leaves open what POSIX leaves open and what Pillai et al. found file systems to do ("All
File Systems Are Not Created Equal: On the Complexity of Crafting Crash-Consistent Applications",
OSDI 2014, whose tool ALICE replays traces as this does):

- Bytes that were written since a file's last successful ``fsync`` may be there or not, each sector
  of 512 bytes by itself, in any order; a file may have its new length and zeros in it.
- Names (made, renamed, removed) are kept in one of two ways. ``JOURNAL``: as ext4 keeps them, in
  their order, up to some point, and all of them once anything is synced. ``LOOSE``: each by itself
  until its own folder is synced, so that a later one may be kept without an earlier one.
- A rename is kept whole or not at all, and may be kept without the bytes of the file. Names and
  bytes are drawn each by itself, at the ends too: all names without any unsynced byte (delayed
  allocation), all bytes without any new name.
- What an ``fsync`` failed to write may be lost for good: no later ``fsync`` makes up for it, as the
  kernel marks such pages clean (Rebello et al., "Can Applications Recover from fsync Failures?",
  USENIX ATC 2020).
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tests.trials.file_faults import Operation

__all__ = ["Disk", "Image", "Kept", "Names"]

SECTOR = 512


class Names(enum.Enum):
    """How names are kept; see above."""

    JOURNAL = "journal"
    LOOSE = "loose"


class Kept(enum.Enum):
    """Which of what was not synced is kept."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    ALL_BUT_ONE = "all but one"
    ONE = "one"
    HALF = "half"
    NAMES = "names without bytes"
    BYTES = "bytes without names"


@dataclass(slots=True)
class _Bytes:
    """A change of a file's bytes: some at a place, or (``data`` None) a new length."""

    at: int
    data: bytes | None
    synced: bool = False
    lost: bool = False


@dataclass(slots=True, eq=False)
class _File:
    durable: bytes = b""
    changes: list[_Bytes] = field(default_factory=list)

    def sync(self, *, failed: bool) -> None:
        for change in self.changes:
            change.lost |= failed
            change.synced |= not change.lost
        kept = next((n for n, each in enumerate(self.changes) if not each.synced), None)
        settled = self.changes[:kept]
        self.durable = _applied(self.durable, ((each, None) for each in settled))
        del self.changes[: len(settled)]

    def content(self) -> bytes:
        """Return what the file holds while there is power."""
        return _applied(self.durable, ((each, None) for each in self.changes))


@dataclass(slots=True, eq=False)
class _Folder:
    """``now`` are its names while there is power, ``durable`` those that are surely kept."""

    now: dict[str, _File | _Folder] = field(default_factory=dict)
    durable: dict[str, _File | _Folder] = field(default_factory=dict)


@dataclass(slots=True)
class _Name:
    """A change of names in one folder: some go, one comes."""

    folder: _Folder
    gone: tuple[str, ...]
    come: tuple[str, _File | _Folder] | None
    lost: bool = False

    def settles(self, earlier: _Name) -> _Name | None:
        """Return what is still open of an earlier, lost change once this one is durable.

        That is what it did to other names: None if there are none. A rename ``a`` to ``b`` whose
        sync failed may or may not be on the disk. A new ``a`` that is durable says nothing of
        ``b``: in another block of the folder it is old, in the same one it went out with ``a``.
        """
        if self.folder is not earlier.folder:
            return earlier
        settled = self._names()
        come = earlier.come if earlier.come and earlier.come[0] not in settled else None
        gone = tuple(name for name in earlier.gone if name not in settled)
        return replace(earlier, gone=gone, come=come) if gone or come else None

    def _names(self) -> set[str]:
        return {*self.gone, *([self.come[0]] if self.come is not None else [])}

    def apply(self, names: dict[str, _File | _Folder]) -> None:
        for name in self.gone:
            names.pop(name, None)
        if self.come is not None:
            names[self.come[0]] = self.come[1]


def _applied(
    durable: bytes, changes: Iterable[tuple[_Bytes, Callable[[int], bool] | None]]
) -> bytes:
    """Return the bytes after some changes, each in those sectors that its function lets through."""
    content = bytearray(durable)
    for change, lets_through in changes:
        if change.data is None:
            del content[change.at :]
            content.extend(bytes(change.at - len(content)))
            continue
        end = change.at + len(change.data)
        content.extend(bytes(max(0, end - len(content))))
        for start in range(change.at - change.at % SECTOR, end, SECTOR):
            if lets_through is None or lets_through(start):
                first, last = max(start, change.at), min(start + SECTOR, end)
                content[first:last] = change.data[first - change.at : last - change.at]
    return bytes(content)


@dataclass(frozen=True, slots=True)
class Image:
    """What a disk holds: folders and files by their paths below the folder that is traced."""

    folders: tuple[str, ...]
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Write it into an existing empty folder."""
        for name in self.folders:
            (folder / name).mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


class Disk:
    """A disk on which the operations of a trace happen one after another."""

    def __init__(self, folder: Path, data: bytes, names: Names) -> None:
        """Begin with the empty ``folder``; ``data`` are the bytes that the trace points into."""
        self._top = PurePosixPath(folder)
        self._data = data
        self._names = names
        self._root = _Folder()
        self._open: dict[str, _File | _Folder] = {}
        self._pending: list[_Name] = []

    def content(self, path: str) -> bytes | None:
        """Return what a file holds while there is power, or None."""
        folder, name = self._place(str(self._top / path))
        found = None if folder is None else folder.now.get(name)
        return found.content() if isinstance(found, _File) else None

    def _place(self, path: str) -> tuple[_Folder | None, str]:
        parts = PurePosixPath(path).relative_to(self._top).parts
        folder: _File | _Folder | None = self._root
        for part in parts[:-1]:
            folder = folder.now.get(part) if isinstance(folder, _Folder) else None
        return folder if isinstance(folder, _Folder) else None, parts[-1] if parts else ""

    def _named(self, path: str) -> _File | _Folder:
        folder, name = self._place(path)
        assert folder is not None, path
        return folder.now[name] if name else self._root

    def follow(self, operation: Operation) -> None:
        """Let an operation happen."""
        arguments = operation.arguments
        if operation.name == "fsync":
            self._sync(self._open[arguments[0]], failed=operation.error != 0)
        if operation.error:
            return
        match operation.name:
            case "create":
                self._change(arguments[0], come=_File())
                self._open[arguments[1]] = self._named(arguments[0])
            case "open" | "cut":
                self._open[arguments[1]] = self._named(arguments[0])
                if operation.name == "cut":
                    self._write(arguments[1], _Bytes(0, None))
            case "dup":
                self._open[arguments[1]] = self._open[arguments[0]]
            case "write":
                at, size, start = map(int, arguments[1:])
                self._write(arguments[0], _Bytes(at, self._data[start : start + size]))
            case "resize":
                self._write(arguments[0], _Bytes(int(arguments[1]), None))
            case "mkdir":
                self._change(arguments[0], come=_Folder())
            case "unlink" | "rmdir":
                self._change(arguments[0])
            case "link":
                self._change(arguments[1], come=self._named(arguments[0]))
            case "rename":
                self._change(arguments[1], come=self._named(arguments[0]), gone=arguments[0])
            case "fsync" | "close" | "note":
                pass
            case _:
                raise AssertionError(f"the model knows no {operation}")

    def _write(self, descriptor: str, change: _Bytes) -> None:
        file = self._open[descriptor]
        assert isinstance(file, _File)
        file.changes.append(change)

    def _change(
        self, path: str, come: _File | _Folder | None = None, gone: str | None = None
    ) -> None:
        folder, name = self._place(path)
        assert folder is not None, path
        if gone is not None:
            other, old = self._place(gone)
            assert other is folder, "a rename from folder to folder is not modelled"
            change = _Name(folder, (old,), (name, come) if come is not None else None)
        elif come is not None:
            change = _Name(folder, (), (name, come))
        else:
            change = _Name(folder, (name,), None)
        change.apply(folder.now)
        self._pending.append(change)

    def _sync(self, synced: _File | _Folder, *, failed: bool) -> None:
        if isinstance(synced, _File):
            synced.sync(failed=failed)
        waiting: list[_Name] = []
        for change in self._pending:
            if self._names is Names.JOURNAL or change.folder is synced:
                change.lost |= failed and change.folder is synced
            if change.lost or failed:
                waiting.append(change)
            elif self._names is Names.JOURNAL or change.folder is synced:
                change.apply(change.folder.durable)
                left = [change.settles(each) for each in waiting]
                waiting = [each for each in left if each is not None]
            else:
                waiting.append(change)
        self._pending = waiting

    def image(self, drawn: random.Random, kept: Kept) -> Image:
        """Draw what is there if power is lost now."""
        files = list(self._files(self._root, set()))
        changes = [change for file in files for change in file.changes if not change.synced]
        chosen = _chosen(drawn, kept, len(self._pending), len(changes))
        names = {id(change) for change, yes in zip(self._pending, chosen, strict=False) if yes}
        bytes_kept = {
            id(change)
            for change, yes in zip(changes, chosen[len(self._pending) :], strict=True)
            if yes
        }
        if self._names is Names.JOURNAL:
            until = drawn.randint(0, len(self._pending)) if kept is Kept.HALF else len(names)
            names = {id(change) for change in self._pending[:until]}
        tears = kept in {Kept.HALF, Kept.ALL_BUT_ONE, Kept.ONE}
        whole: list[str] = []
        contents: dict[str, bytes] = {}
        stack: list[tuple[str, _Folder]] = [("", self._root)]
        while stack:
            where, folder = stack.pop()
            entries = dict(folder.durable)
            for change in self._pending:
                if change.folder is folder and id(change) in names:
                    change.apply(entries)
            for name, entry in sorted(entries.items()):
                path = f"{where}{name}"
                if isinstance(entry, _Folder):
                    whole.append(path)
                    stack.append((f"{path}/", entry))
                else:
                    contents[path] = _drawn_content(drawn, entry, bytes_kept, tears=tears)
        return Image(tuple(sorted(whole)), contents)

    def _files(self, folder: _Folder, seen: set[int]) -> Iterator[_File]:
        """Yield every file that has a name, or may have one again."""
        pending = [change.come[1] for change in self._pending if change.come]
        entries = [*folder.now.values(), *folder.durable.values()]
        for entry in entries + (pending if folder is self._root else []):
            if id(entry) in seen:
                continue
            seen.add(id(entry))
            if isinstance(entry, _Folder):
                yield from self._files(entry, seen)
            else:
                yield entry


def _chosen(drawn: random.Random, kept: Kept, names: int, changes: int) -> list[bool]:
    """Tell of each change of a name, and behind them of each of bytes, whether it is kept."""
    count = names + changes
    if kept in {Kept.NOTHING, Kept.EVERYTHING}:
        return [kept is Kept.EVERYTHING] * count
    if kept in {Kept.NAMES, Kept.BYTES}:
        return [kept is Kept.NAMES] * names + [kept is Kept.BYTES] * changes
    if kept is Kept.HALF:
        return [drawn.random() < 0.5 for _ in range(count)]
    chosen = [kept is Kept.ALL_BUT_ONE] * count
    if count:
        one = drawn.randrange(count)
        chosen[one] = not chosen[one]
    return chosen


def _drawn_content(drawn: random.Random, file: _File, kept: set[int], *, tears: bool) -> bytes:
    """Return a file's bytes: of its unsynced changes those of ``kept``, perhaps torn."""
    changes = [each for each in file.changes if each.synced or id(each) in kept]
    content = _applied(
        file.durable,
        (
            (each, _tear(drawn) if tears and not each.synced and drawn.random() < 0.3 else None)
            for each in changes
        ),
    )
    if tears and drawn.random() < 0.25:  # the new length without the bytes
        content = content.ljust(len(file.content()), b"\0")
    return content


def _tear(drawn: random.Random) -> Callable[[int], bool]:
    return lambda _: drawn.random() < 0.5
