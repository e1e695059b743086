"""Archives and mailboxes that are attached to a mail: each file in one is a section of the mail.

They are unpacked in memory, within the limits of ``nesting.py``; what is wrong with one file in an
archive is a problem, and the next one is read.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from rag_engine.connectors.loaders.parsing import mbox, zip_members
from rag_engine.connectors.loaders.parsing.members import MemberOptions, Piece
from rag_engine.connectors.loaders.parsing.nesting import MOST_OF_A_MEMBER, Nesting, Room
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["ARCHIVE_ENDINGS", "attached_files"]

_Members = Callable[[BinaryIO, MemberOptions], Iterator[Piece | str]]

_MEMBERS_OF: dict[str, _Members] = {"mbox": mbox.members, "zip": zip_members.members}
ARCHIVE_ENDINGS = frozenset(_MEMBERS_OF)
"""Endings of the files that hold others, without the dot."""

_MAILBOX = "mbox"


def attached_files(
    data: bytes, ending: str, within: Nesting, problems: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each file in an archive; add to ``problems`` what fails.

    It ends where the room is used up, which the reader of the files takes its share of.

    Raises:
        Refused: it is no archive, is damaged, or stands too deep.
        RefusedByLimit: it holds too many files.
    """
    if within.is_full:
        raise Refused("archives are nested too deeply; unpack it")
    room = within.room
    options = MemberOptions(most_bytes=MOST_OF_A_MEMBER)
    whole: list[bytes] = []
    for piece in _timed(_MEMBERS_OF[ending](io.BytesIO(data), options), room):
        if isinstance(piece, str):
            problems.append(piece)  # of names that may be in two code pages
            continue
        room.bytes -= len(piece.data)
        room.members -= piece.whole or bool(piece.problem)
        if reason := room.used_up:
            problems.append(f"{piece.name!r:.200} and those after it are left out: {reason}")
            return
        whole.append(piece.data)
        if piece.problem:
            problems.append(f"{piece.name!r:.200} is left out: {piece.problem}")
            whole = []
        elif piece.whole:
            yield f"{piece.name}.eml" if ending == _MAILBOX else piece.name, b"".join(whole)
            whole = []


def _timed(pieces: Iterator[Piece | str], room: Room) -> Iterator[Piece | str]:
    """Take the time from the room that unpacking takes, and what is done between two pieces.

    What archives inside took of it is counted once: it lies between two pieces.
    """
    end = time.process_time() + room.seconds
    for piece in pieces:
        room.seconds = end - time.process_time()
        yield piece
    room.seconds = end - time.process_time()
