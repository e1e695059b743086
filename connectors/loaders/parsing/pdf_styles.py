"""How a PDF page's characters are set: size and weight of type, and what they are marked as."""

from __future__ import annotations

import ctypes
import re
from functools import lru_cache
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.pdf_calls import address_of, mark_of, object_of_sign

__all__ = ["PLAIN", "Style", "StyleReader"]

_LONGEST_NAME = 256
_BOLD = re.compile("bold|black|heavy|demi|medi(?![a-z])|CM(?:SS)?BX|SFBX", re.IGNORECASE)
_BOLD_WEIGHT = 600
_ARTIFACT = "Artifact".encode("utf-16-le")


class Style(NamedTuple):
    """Size of the type in points, whether it is bold at either end, and a tagged file's marks.

    ``mark`` is the number by which the structure of a page knows its content, -1 if it does not;
    ``artifact`` says that the file itself tells it from its content, ``running`` that it is a head
    or a foot. ``font`` is the font's name.
    """

    em: float = 0.0
    bold: bool = False
    bold_end: bool = False
    mark: int = -1
    artifact: bool = False
    running: bool = False
    font: str = ""


PLAIN = Style()
"""Of what nothing is known."""


@lru_cache(maxsize=256)
def _is_named_bold(name: bytes) -> bool:
    return _BOLD.search(name.decode("utf-8", "replace")) is not None


class StyleReader:
    """Asks PDFium about characters of a pypdfium2 text page; ``tagged`` files hold marks."""

    def __init__(self, text_page: Any, *, tagged: bool = False) -> None:
        self._page = text_page.raw
        self._address = address_of(text_page.raw)
        self._tagged = tagged
        self._marks: dict[int, int] = {}  # of each object's address
        self._name = ctypes.create_string_buffer(_LONGEST_NAME)
        self._flags = ctypes.c_int()
        self._matrix = pdfium.FS_MATRIX()

    def read(self, first: int, last: int) -> Style:
        """Return the style of what begins and ends at two places."""
        mark = self.mark(first)
        artifact = self._tagged and mark < 0 and all(map(self._is_artifact, (first, last)))
        bold = self.is_bold(first)
        font = self._name.value.decode("utf-8", "replace")
        ends_bold = bold and self.is_bold(last)
        return Style(self.em(first), bold, ends_bold, mark, artifact, font=font)

    def mark(self, place: int) -> int:
        """Return the number by which the structure knows a character, -1 if it does not."""
        drawn = object_of_sign(self._address, place) if self._tagged else None
        if not drawn:
            return -1
        number = self._marks.get(drawn)
        if number is None:
            number = self._marks[drawn] = mark_of(drawn)
        return number

    def is_bold(self, place: int) -> bool:
        """Tell whether a character is in bold type."""
        pdfium.FPDFText_GetFontInfo(self._page, place, self._name, _LONGEST_NAME, self._flags)
        if _is_named_bold(self._name.value):
            return True
        return int(pdfium.FPDFText_GetFontWeight(self._page, place)) >= _BOLD_WEIGHT

    def em(self, place: int) -> float:
        """Return the size of a character's type, in points."""
        pdfium.FPDFText_GetMatrix(self._page, place, self._matrix)
        scale = abs(self._matrix.d) or abs(self._matrix.b) or 1.0
        return float(pdfium.FPDFText_GetFontSize(self._page, place)) * scale

    def _is_artifact(self, place: int) -> bool:
        drawn = pdfium.FPDFText_GetTextObject(self._page, place)
        if not drawn:
            return False
        size = ctypes.c_ulong()
        name = (ctypes.c_ushort * (len(_ARTIFACT) // 2 + 1))()
        for number in range(pdfium.FPDFPageObj_CountMarks(drawn)):
            mark = pdfium.FPDFPageObj_GetMark(drawn, number)
            pdfium.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), size)
            if size.value == ctypes.sizeof(name) and bytes(name)[:-2] == _ARTIFACT:
                return True
        return False
