"""The text of a PDF page as PDFium gives it, in runs that know the places of their characters.

Places count as PDFium does, in units of UTF-16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

__all__ = ["Box", "PageText", "Run"]

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points; they grow to the right and upwards."""

# PDFium puts one of these signs, and no line end, for a hyphen at the end of a line.
_DIVIDED = re.compile("([\x02\ufffe])")
_LINE_END = re.compile(r"\r\n")
_SOFT = "\u00ad"
_VISIBLE_SOFT = re.compile(r"(?<=\S)\u00ad(?=\S)")


@dataclass(frozen=True, slots=True)
class Run:
    """What PDFium takes for a line, or for its part up to a divided word.

    ``start`` is the place of its first character; ``divided`` says that its last one is a hyphen
    at the end of a line and inside of a word.
    """

    text: str
    start: int
    units: int
    divided: bool = False

    @property
    def places(self) -> range:
        """The places of its characters."""
        return range(self.start, self.start + self.units)

    @property
    def ends(self) -> tuple[int, int]:
        """The places of the first and the last character that is no blank."""
        first = self.start + _units(self.text) - _units(self.text.lstrip())
        return first, self.start + _units(self.text.rstrip()) - 1


class PageText:
    """The text of a pypdfium2 text page.

    ``placed`` says whether the places of its characters are known: PDFium now and then counts
    others than it tells.
    """

    def __init__(self, text_page: Any) -> None:
        self._page = text_page
        self._rect = pdfium.FS_RECTF()
        # By the rectangle of the page (get_text_bounded) PDFium now and then loses a letter.
        self.text: str = text_page.get_text_range()
        self.placed: bool = _units(self.text) == text_page.count_chars()

    def runs(self, *, whole_if: Callable[[str], bool] | None = None) -> Iterator[Run]:
        """Yield the runs; a line of which ``whole_if`` is true is not parted at divided words."""
        position = 0
        # A visible hyphen that the font calls a soft one; at a line's end it may divide a word.
        soft_is_hyphen = _VISIBLE_SOFT.search(self.text) is not None
        for raw in _LINE_END.split(self.text):
            after = position + _units(raw) + 2
            text = _VISIBLE_SOFT.sub("-", raw) if soft_is_hyphen else raw
            if text.rstrip().endswith(_SOFT):
                hyphen = "-" if soft_is_hyphen else "\u2010"
                text = f"{text.rstrip()[:-1]}{hyphen}{text[len(text.rstrip()) :]}"
            if whole_if is not None and whole_if(text):
                yield Run(text, position, _units(text))
            else:
                yield from _parted(text, position)
            position = after

    def box(self, place: int) -> Box:
        """Return the box of a character, with the room that its font gives it."""
        rect = self._rect
        pdfium.FPDFText_GetLooseCharBox(self._page, place, rect)
        return rect.left, rect.bottom, rect.right, rect.top


def _parted(text: str, start: int) -> Iterator[Run]:
    pieces = _DIVIDED.split(text)
    for number in range(0, len(pieces), 2):
        divided = number + 1 < len(pieces)
        piece = f"{pieces[number]}-" if divided else pieces[number]
        units = _units(piece)
        yield Run(piece, start, units, divided)
        start += units


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
