"""How deep in a mail something lies, and how much may still come out of the archives in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.members import MOST_MEMBERS

__all__ = ["DEEPEST", "MOST_UNPACKED", "Nesting", "Room"]

DEEPEST = 3
"""Mails and archives are read inside of mails down to here."""

MOST_UNPACKED = 150_000_000
"""Bytes, of all the archives in a mail: as much as of an office file."""


@dataclass(slots=True)
class Room:
    """What may still come out of all archives in a mail, and in the mails and archives in it."""

    bytes: int = MOST_UNPACKED
    members: int = MOST_MEMBERS


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
