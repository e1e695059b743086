"""Archives and mailboxes that are attached to a mail: each file in one is a section of the mail.

They are unpacked in memory, within the limits of ``nesting.py``; what is wrong with one file in an
archive is a problem, and the next one is read.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing import mbox, zip_members
from rag_engine.connectors.loaders.parsing.members import MOST_MEMBERS, MemberOptions, Piece
from rag_engine.connectors.loaders.parsing.nesting import MOST_UNPACKED, Nesting
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["ARCHIVE_ENDINGS", "attached_files"]

_Members = Callable[[BinaryIO, MemberOptions], Iterator[Piece | str]]

_MEMBERS_OF: dict[str, _Members] = {"mbox": mbox.members, "zip": zip_members.members}
ARCHIVE_ENDINGS = frozenset(_MEMBERS_OF)
"""Endings of the files that hold others, without the dot."""

_MAILBOX = "mbox"
_TOO_MUCH = (
    f"the archives in the mail hold more than {MOST_MEMBERS:,} files or "
    f"{MOST_UNPACKED // 1_000_000} MB; index them as files"
)


def attached_files(
    data: bytes, ending: str, within: Nesting, problems: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each file in an archive; add to ``problems`` what fails.

    Raises:
        Refused: it is no archive, is damaged, or stands too deep.
        RefusedByLimit: it holds too many files.
    """
    if within.is_full:
        raise Refused("archives are nested too deeply; unpack it")
    room = within.room
    options = MemberOptions(most_bytes=MOST_UNPACKED)
    whole: list[bytes] = []
    for piece in _MEMBERS_OF[ending](io.BytesIO(data), options):
        if isinstance(piece, str):
            problems.append(piece)  # of names that may be in two code pages
            continue
        room.bytes -= len(piece.data)
        room.members -= piece.whole or bool(piece.problem)
        if room.bytes < 0 or room.members < 0:
            problems.append(f"{piece.name!r:.200} and those after it are left out: {_TOO_MUCH}")
            return
        whole.append(piece.data)
        if piece.problem:
            problems.append(f"{piece.name!r:.200} is left out: {piece.problem}")
            whole = []
        elif piece.whole:
            yield f"{piece.name}.eml" if ending == _MAILBOX else piece.name, b"".join(whole)
            whole = []
