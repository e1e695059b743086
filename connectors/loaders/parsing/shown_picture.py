"""A picture that a file holds or is, and how it travels from child process to parent."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["PicturesOptions", "ShownPicture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesOptions:
    """Which pictures are wanted: at least ``min_side`` pixels wide and high, the first ``most``."""

    min_side: int
    most: int

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PicturesOptions:
        """Rebuild what ``as_json`` gave."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture, drawn anew: ``data`` to embed and ``thumbnail`` to show are JPEG files.

    ``caption`` is what the file says of it, ``page`` where it stands, from 1.

    >>> ShownPicture.from_json(ShownPicture("a pump", 3, b"ab", b"c").as_json())
    ShownPicture(caption='a pump', page=3, data=b'ab', thumbnail=b'c')
    """

    caption: str
    page: int | None
    data: bytes
    thumbnail: bytes

    @property
    def characters(self) -> int:
        """Roughly how long it is."""
        return len(self.data) + len(self.thumbnail)

    def as_json(self) -> tuple[Any, ...]:
        """Return plain JSON data."""
        coded = (base64.b64encode(part).decode("ascii") for part in (self.data, self.thumbnail))
        return self.caption, self.page, *coded

    @classmethod
    def from_json(cls, data: Any) -> ShownPicture:
        """Rebuild what ``as_json`` gave.

        Raises:
            ValueError: it is none.
        """
        caption, page, *coded = data
        shown, thumbnail = (base64.b64decode(part, validate=True) for part in coded)
        return cls(caption, page, shown, thumbnail)
