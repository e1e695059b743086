"""How deep in a mail something lies, and how much may still come out of the archives in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.members import MOST_MEMBERS
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["DEEPEST", "MOST_OF_A_MEMBER", "MOST_UNPACKED", "Nesting", "Room"]

DEEPEST = 3
"""Mails and archives are read inside of mails down to here."""

MOST_UNPACKED = 30_000_000
"""Bytes, of all the archives in a mail. They share the memory and the time of the mail itself,
which is not to be lost for them."""

MOST_OF_A_MEMBER = 2_000_000
"""Bytes of one file in them: none of these takes so long that the mail runs out of time."""

_MOST_CHARACTERS = 5_000_000
"""Of the text of all files in them."""

_MOST_SECONDS = 5.0
"""Of a processor; when they are over, no further file is begun."""


@dataclass(slots=True)
class Room:
    """What may still come out of all archives in a mail, and in the mails and archives in it.

    What is below 0 is used up.

    >>> Room().used_up, Room(seconds=-0.1).used_up
    ('', 'the archives in the mail take more than 5 s; index them as files')
    """

    bytes: int = MOST_UNPACKED
    members: int = MOST_MEMBERS
    characters: int = _MOST_CHARACTERS
    seconds: float = _MOST_SECONDS
    """Of processor time."""

    @property
    def used_up(self) -> str:
        """Why no more is read; "" while there is room."""
        limits = (
            (self.bytes, f"hold more than {MOST_UNPACKED // 1_000_000} MB"),
            (self.members, f"hold more than {MOST_MEMBERS:,} files"),
            (self.characters, f"hold more than {_MOST_CHARACTERS:,} characters of text"),
            (self.seconds, f"take more than {_MOST_SECONDS:g} s"),
        )
        found = next((limit for left, limit in limits if left < 0), "")
        return found and f"the archives in the mail {found}; index them as files"

    def parsed(self, parse: Callable[[], Parsed]) -> Parsed:
        """Return what a parser makes of a file in an archive, if there is room for it.

        Raises:
            Refused: there is none, or what the parser raises.
        """
        left = self.characters
        parsed = parse()
        # Archives in a mail that lies in an archive took theirs, and are in its text.
        self.characters = left - len(parsed.text)
        if self.characters < 0:
            raise Refused(self.used_up)
        return parsed


@dataclass(frozen=True, slots=True)
class Nesting:
    """How many mails and archives something stands in, and the room that they share.

    >>> outermost = Nesting()
    >>> outermost.inner().depth, outermost.inner().room is outermost.room
    (1, True)
    """

    depth: int = 0
    room: Room = field(default_factory=Room)

    @property
    def is_full(self) -> bool:
        """Whether no mail and no archive is opened that stands in it."""
        return self.depth >= DEEPEST

    def inner(self) -> Nesting:
        """Return where what stands in it stands."""
        return Nesting(self.depth + 1, self.room)
