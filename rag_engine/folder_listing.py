"""Which files a folder holds, and what of it could not be looked at.

"Not listed" is never "gone": a folder that can not be listed, a link that can not be followed and
whatever else is no file to read is a problem with its name, and what the knowledge base holds
under that name stays. Nothing that lies in a folder stops the rest of it from being listed.

What becomes of links:

- to a file in the folder: the file is read under the link's name too;
- to a folder in the folder: not followed, since its files are read where they lie; counted as
  skipped. A link to a folder that it lies in (a loop), or to a hidden one, is a problem;
- out of the folder, or to nothing: not followed, and a problem.

Another knowledge base that lies in the folder is skipped as a whole: its files are no documents.

Names are in NFC (see ``file_names``). Where two files differ by their Unicode form alone, the one
that is in NFC is read, and a problem names both.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.file_names import one_form
from rag_engine.records import Problem
from rag_engine.store.recognised import is_knowledge_base

__all__ = ["Listing", "is_folder", "list_folder", "shown_name"]


@dataclass(slots=True, kw_only=True)
class Listing:
    """What was found below a folder, by names such as ``manuals/pump.txt``."""

    files: dict[str, Path] = field(default_factory=dict)
    """Regular files, in the order of their names."""
    problems: list[Problem] = field(default_factory=list)
    """Places that could not be looked at, or hold no file to read."""
    skipped: list[Problem] = field(default_factory=list)
    """Links to folders whose files are listed elsewhere, and knowledge bases."""

    def gone(self, sources: Iterable[str]) -> list[str]:
        """Return those that are gone: not listed, and neither they nor a folder of them a problem.

        >>> listing = Listing(problems=[Problem(source="docs/b", reason="it can not be listed")])
        >>> listing.gone(["docs/a.txt", "docs/b/c.txt"])
        ['docs/a.txt']
        """
        unknown = {problem.source for problem in self.problems}
        return [
            source
            for source in sources
            if one_form(source) not in self.files
            and unknown.isdisjoint(_and_its_folders(one_form(source)))
        ]


def is_folder(path: Path) -> bool:
    """Tell a folder from a file that shall be indexed.

    Raises:
        InvalidInput: nothing is there, or it can not be looked at.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(f"{path} does not exist; name a folder or a file to index") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path} can not be looked at ({_why(error)}); see that it is there and may be read, "
            "then start again: nothing was changed"
        ) from error


def shown_name(name: str) -> str:
    r"""Return a file's name as Unicode: bytes that are no UTF-8 are written as ``\xe9``.

    >>> shown_name("caf\udce9.txt")
    'caf\\xe9.txt'
    """
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # not from a file system
        return name.encode("utf-8", "backslashreplace").decode("utf-8")


def list_folder(folder: Path, stem: str, *, leave_out: Path) -> Listing:
    """List the files below ``folder`` under names that begin with ``stem``.

    Hidden files and folders, and the folder ``leave_out``, are passed over without a word.
    """
    return _Walk(os.path.realpath(folder), stem, os.path.realpath(leave_out)).listing()


class _Walk:
    """One walk through a folder, with a stack of its own: no depth is too deep for it."""

    def __init__(self, root: str, stem: str, left_out: str) -> None:
        self._root = root
        self._stem = stem
        self._left_out = left_out
        self._found: list[tuple[tuple[str, ...], str]] = []
        self._problems: list[tuple[tuple[str, ...], str]] = []
        self._skipped: list[tuple[tuple[str, ...], str]] = []

    def listing(self) -> Listing:
        folders: list[tuple[str, ...]] = [()]
        while folders:
            parts = folders.pop()
            if _lies_in(self._path(parts), self._left_out):
                continue
            if is_knowledge_base(Path(self._path(parts))):
                reason = "a knowledge base; its files are no documents, and none of them is read"
                self._skipped.append((parts, reason))
            else:
                folders += self._folders_in(parts)
        listing = Listing(
            problems=[Problem(source=self._name(p), reason=r) for p, r in sorted(self._problems)],
            skipped=[Problem(source=self._name(p), reason=r) for p, r in sorted(self._skipped)],
        )
        for parts, path in sorted(self._found, key=_nfc_first):
            name = self._name(parts)
            read = listing.files.setdefault(name, Path(path))
            if str(read) != path:
                reason = (
                    "two files are shown as this name (two Unicode forms of it, or bytes that are "
                    f"no text); {str(read)!a} is read, {path!a} is not: rename one"
                )
                listing.problems.append(Problem(source=name, reason=reason))
        return listing

    def _folders_in(self, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """List one folder: note its files, and yield the folders in it."""
        try:
            with os.scandir(self._path(parts)) as entries:
                for entry in entries:
                    inner = (*parts, entry.name)
                    if not entry.name.startswith(".") and self._is_real_folder(entry, inner):
                        yield inner
        except OSError as error:  # in the middle of it, too: what was seen until then counts
            reason = f"the folder can not be listed ({_why(error)}); nothing in it is dropped"
            self._problems.append((parts, reason))

    def _is_real_folder(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> bool:
        """Note a file or a link; say whether it is a folder, which is to be listed."""
        try:
            if entry.is_symlink():
                self._note_link(entry.path, parts)
                return False
            if entry.is_dir(follow_symlinks=False):
                return True
            if entry.is_file(follow_symlinks=False):
                self._found.append((parts, entry.path))
            else:
                reason = "it is no regular file (a device, a pipe or a socket)"
                self._problems.append((parts, reason))
        except OSError as error:
            self._problems.append((parts, f"it can not be looked at ({_why(error)})"))
        return False

    def _note_link(self, path: str, parts: tuple[str, ...]) -> None:
        try:
            target = os.path.realpath(path, strict=True)
            mode = Path(target).stat().st_mode
        except OSError as error:
            reason = f"a link that can not be followed, broken or a loop ({_why(error)})"
            self._problems.append((parts, reason))
            return
        if not _lies_in(target, self._root):
            reason = "a link that leads out of the folder is not followed"
            self._problems.append((parts, reason))
        elif _lies_in(target, self._left_out):
            return
        elif stat.S_ISREG(mode):
            self._found.append((parts, path))
        elif not stat.S_ISDIR(mode):
            reason = "a link to what is no regular file (a device, a pipe or a socket)"
            self._problems.append((parts, reason))
        elif _lies_in(path, target):
            reason = "a link to a folder that it lies in, a loop, is not followed"
            self._problems.append((parts, reason))
        else:
            self._note_link_to_folder(target, parts)

    def _note_link_to_folder(self, target: str, parts: tuple[str, ...]) -> None:
        inner = Path(target).relative_to(self._root).parts
        if any(part.startswith(".") for part in inner):
            reason = "a link to a hidden folder, whose files are not read, is not followed"
            self._problems.append((parts, reason))
        else:
            reason = f"a link to the folder {self._name(inner)}, whose files are read there"
            self._skipped.append((parts, reason))

    def _path(self, parts: tuple[str, ...]) -> str:
        return str(Path(self._root, *parts))

    def _name(self, parts: tuple[str, ...]) -> str:
        return (
            "/".join(filter(None, (self._stem, *(one_form(shown_name(part)) for part in parts))))
            or self._root
        )


def _nfc_first(found: tuple[tuple[str, ...], str]) -> tuple[tuple[str, ...], bool, str]:
    """Return what sorts files by their names; of those that are shown alike, NFC stands first."""
    parts, path = found
    names = tuple(map(one_form, parts))
    return names, names != parts, path


def _and_its_folders(source: str) -> Iterator[str]:
    parts = source.split("/")
    return ("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
