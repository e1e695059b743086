"""What the loaders of archives and mailboxes share: each file in a file is read by its own loader.

A child process hands over the bytes of one member after the other; a member lies in a temporary
file until its loader, which has limits and a child process of its own, has read it. So what is
wrong with one costs none of the others.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB
from rag_engine.connectors.loaders.parsing.members import MOST_MEMBERS, MemberOptions
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import InvalidDocument, LoadError, LoadLimitExceeded, LoadSkipped
from rag_engine.file_endings import loader_for
from rag_engine.folder_listing import shown_name
from rag_engine.ports import Loader
from rag_engine.records import Document, Note, Problem
from rag_engine.regular_file import open_regular

__all__ = ["MembersLoader"]

_MOST_FILES = 10
"""All members together may be so many times as large as the largest file that is read."""
_DEEPEST = 3
"""Archives are read inside of archives down to here."""
_NAMED = 10
_TOO_MUCH = (
    f"with {{name}} there are more than {MOST_MEMBERS:,} files, archives in archives counted, or "
    f"more than {_MOST_FILES} times loaders.max_file_mb: it and those after it are left out; split "
    "the archive"
)
_ENDING = re.compile(r"\.[a-z0-9]{1,12}$")


@dataclass(slots=True)
class _Room:
    """How much may still come out of a file and of those inside of it."""

    bytes: int
    members: int


class MembersLoader:
    """Reads the files that a file holds.

    Args:
        loaders: what reads the members, by the endings of their names.
        sandbox: the child process; loaders may share one. None: one of its own.
        max_file_mb: largest member that is read, in 10^6 bytes; where more may come out than lies
            in the file, all together may be ten times that.
    """

    suffixes: frozenset[str] = frozenset()
    parser = ""
    """The module of ``parsing`` that hands over the members."""
    join = "/"
    """What stands between the file's name and a member's."""
    ending = ""
    """Of the kind that all members are; "": the names of the members tell."""
    expands = True
    """Whether more may come out than lies in the file; then what comes out has limits."""

    def __init__(
        self,
        loaders: Sequence[Loader],
        *,
        sandbox: Sandbox | None = None,
        max_file_mb: int = MAX_FILE_MB,
    ) -> None:
        self._loaders = tuple(loaders)
        self._sandbox = sandbox or Sandbox()
        self._most_bytes = max_file_mb * BYTES_OF_A_MB
        self._depth = 0
        self._room: _Room | None = None  # None: of the outermost file, which makes it

    @property
    def gives_pictures(self) -> bool:
        """Whether members may be, or hold, pictures that become documents."""
        return any(getattr(loader, "gives_pictures", False) for loader in self._loaders)

    @property
    def version(self) -> str:
        """What else than bytes decides how members are read: files are read again when it changes.

        That images can be read now is nothing that a member of a known archive would tell.
        """
        told = (
            (getattr(loader, "version", ""), getattr(loader, "lacking", ""))
            for loader in self._loaders
        )
        return " ".join(dict.fromkeys(part for parts in told for part in parts if part))

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield what the loaders give of each member, named ``source/member``; then what is unread.

        Raises:
            LoadError: the file is damaged, or is of another kind.
            LoadLimitExceeded: it holds too many files, takes too long, or is nested too deeply.
                What came before is good, and what did not come need not be gone.
        """
        if self._depth > _DEEPEST:
            raise LoadLimitExceeded(f"{source}: archives are nested too deeply; unpack it")
        room = self._room or self._whole_room()
        loaders = (*self._loaders, self._inside(room))
        unread: dict[str, list[str]] = {}  # by what would have to be installed, if anything
        with tempfile.TemporaryDirectory(prefix="rag_engine_member_") as folder:
            for name, member in self._members(path, source, Path(folder), room):
                if not name:
                    yield Note(source=source, text=str(member))
                    continue
                own = f"{source}{self.join}{name}"
                if isinstance(member, str):
                    yield Problem(source=own, reason=member)
                    continue
                loader = loader_for(member, loaders)
                if loader is None:
                    unread.setdefault("", []).append(name)
                    continue
                try:
                    yield from loader.load(member, own)
                except LoadSkipped as error:
                    lacking = str(error).removeprefix(f"{own}: ")
                    unread.setdefault(lacking, []).append(name)
                except (LoadError, InvalidDocument) as error:
                    yield Problem(source=own, reason=str(error).removeprefix(f"{own}: "))
                except Exception as error:  # as of a file in a folder, whatever its loader raises
                    reason = f"its loader failed: {type(error).__name__}: {error!s:.300}"
                    yield Problem(source=own, reason=reason)
        for lacking, names in sorted(unread.items()):
            yield self._unread(names, lacking, source)

    def _unread(self, names: Sequence[str], lacking: str, source: str) -> Note:
        """Tell which members nothing reads, and what would have to be installed for them."""
        shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        text = f"nothing reads {len(names):,} of its files: {shown}"
        return Note(
            source=source,
            text=f"{text}; {lacking}" if lacking else text,
            unread=tuple(f"{source}{self.join}{name}" for name in names),
        )

    def _whole_room(self) -> _Room:
        if self.expands:
            return _Room(self._most_bytes * _MOST_FILES, MOST_MEMBERS)
        return _Room(sys.maxsize, sys.maxsize)

    def _inside(self, room: _Room) -> Self:
        """Return the loader of such files inside of this one."""
        inner = copy.copy(self)
        inner._depth, inner._room = self._depth + 1, room
        return inner

    def _members(
        self, path: Path, source: str, folder: Path, room: _Room
    ) -> Iterator[tuple[str, Path | str]]:
        """Yield the name of each member, and where it lies until the next one, or its problem.

        What has no name should be known of them all.
        """
        options = MemberOptions(most_bytes=self._most_bytes)
        place: Path | None = None
        with open_regular(path) as file:
            for piece in self._sandbox.members(self.parser, file, options, name=source):
                if isinstance(piece, str):
                    yield "", piece
                    continue
                place = place or folder / f"member{self._ending_of(piece.name)}"
                with place.open("ab") as written:
                    written.write(piece.data)
                room.bytes -= len(piece.data)
                ends = piece.whole or bool(piece.problem)
                room.members -= ends
                if room.bytes < 0 or room.members < 0:
                    reason = _TOO_MUCH.format(name=shown_name(piece.name))
                    raise LoadLimitExceeded(f"{source}: {reason}")
                if not ends:
                    continue
                yield piece.name, piece.problem or place
                place.unlink()
                place = None

    def _ending_of(self, name: str) -> str:
        found = _ENDING.search(name.lower())
        return self.ending or (found.group() if found else "")
