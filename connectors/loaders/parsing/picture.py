"""A page as a picture in shades of grey, and how it travels from child process to parent."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

__all__ = ["MAX_PIXELS", "Picture", "PictureOptions"]

MAX_PIXELS = 25_000_000
"""Most pixels of a picture that is handed on: A3 at 350 dots an inch, or A4 at 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """Which page of a file is wanted (from 1), and in how many dots an inch."""

    page: int
    dpi: int

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"page": self.page, "dpi": self.dpi}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PictureOptions:
        """Rebuild what ``as_json`` gave."""
        return cls(page=data["page"], dpi=data["dpi"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page: ``height`` rows of ``width`` bytes, 0 black to 255 white, from the top.

    ``dpi`` is how many dots of it make an inch of the page, 0 where that is not known; ``pages``
    is how many pages the file has.

    >>> Picture.from_json(Picture(width=2, height=1, grey=b"ab", dpi=300, pages=1).as_json()).grey
    b'ab'
    """

    width: int
    height: int
    grey: bytes
    dpi: int
    pages: int

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "width": self.width,
            "height": self.height,
            "grey": base64.b64encode(self.grey).decode("ascii"),
            "dpi": self.dpi,
            "pages": self.pages,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Picture:
        """Rebuild what ``as_json`` gave.

        Raises:
            ValueError: there are more or fewer bytes than pixels.
        """
        grey = base64.b64decode(data["grey"], validate=True)
        if len(grey) != data["width"] * data["height"]:
            raise ValueError(f"{len(grey)} bytes of {data['width']} x {data['height']} pixels")
        return cls(
            width=data["width"],
            height=data["height"],
            grey=grey,
            dpi=data["dpi"],
            pages=data["pages"],
        )
