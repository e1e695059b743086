"""The files that a file holds, handed over piece by piece: no process holds one whole."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

__all__ = ["MOST_MEMBERS", "MemberOptions", "Piece", "pieces_of"]

MOST_MEMBERS = 10_000
"""Of an archive, with those of the archives in it."""

_PIECE = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOptions:
    """How many bytes a member may have."""

    most_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MemberOptions:
        """Rebuild what ``as_json`` gave."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a member; one that is not ``whole`` goes on with the next piece.

    A ``problem`` says why a member can not be read: what came of it does not count.

    >>> Piece.from_json(Piece("a.txt", b"abc").as_json())
    Piece(name='a.txt', data=b'abc', whole=False, problem='')
    """

    name: str
    data: bytes = b""
    whole: bool = False
    problem: str = ""

    @property
    def characters(self) -> int:
        """Roughly how long the piece is."""
        return len(self.data) + len(self.problem)

    def as_json(self) -> tuple[Any, ...]:
        """Return plain JSON data."""
        return self.name, base64.b64encode(self.data).decode("ascii"), self.whole, self.problem

    @classmethod
    def from_json(cls, data: Any) -> Piece:
        """Rebuild what ``as_json`` gave.

        Raises:
            ValueError: it is none.
        """
        name, coded, whole, problem = data
        return cls(name, base64.b64decode(coded, validate=True), whole, problem)


def pieces_of(name: str, member: BinaryIO) -> Iterator[Piece]:
    """Yield an open member piece by piece, the last one ``whole``."""
    while data := member.read(_PIECE):
        yield Piece(name, data)
    yield Piece(name, whole=True)
