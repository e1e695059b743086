"""Glyphs of a PDF page: what each stands for, and where.

A glyph may stand for several characters, as a ligature does, or a letter with its marks. PDFium
gives each of them a part of the glyph's box, in whatever order; one place of the pen tells that
they belong together. Some programs (Chromium's) write such characters to the mark's glyph and
nothing to the letter's: then the letter's box is that of a mark, and is guessed.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.pdf_spans import JOINERS, Span

__all__ = ["Glyph", "read_glyphs"]

_MARK_HEIGHT = 0.4
"""Of the em: what is lower, and above or under the line, is a mark's box."""
_LETTER_WIDTH = 0.45
_LEVEL = 0.5
_BESIDE = 0.3
_FATHATAN = "\u064b"
_PASSED_OVER = frozenset("\r\n\x00\x02\ufffe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """Characters that are drawn as one, and the box that they take up, in points.

    ``pen`` is where drawing began, ``em`` the size of the font; ``y`` grows upwards. ``alone`` is
    said of a blank that the page draws by itself.
    """

    text: str
    pen: float
    left: float
    right: float
    base: float
    bottom: float
    top: float
    em: float
    alone: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see."""
        return self.text.isspace()

    @property
    def start(self) -> float:
        """The left end, with the room before the ink where PDFium knows the ink alone."""
        return min(self.left, self.pen)

    @property
    def middle(self) -> float:
        """The middle of the box, across."""
        return (self.left + self.right) / 2


def read_glyphs(text_page: Any, places: Iterable[int], unseen: Iterable[Span] = ()) -> list[Glyph]:
    """Return what a pypdfium2 text page draws at places, each with its marks; no line ends.

    ``unseen`` are joiners and blanks of the page that PDFium does not tell of. Joiners are kept
    behind letters read from the right, as they part a Persian word's stem from its ending; blanks
    that stand by themselves, as in Nastaliq type, are kept within the line.
    """
    drawn: dict[tuple[float, float], list[Glyph]] = {}
    blanks: list[Glyph] = []
    reader = _Reader(text_page)
    for place in places:
        glyph = reader.read(place)
        if glyph is not None and glyph.is_blank:
            blanks.append(glyph)
        elif glyph is not None:
            drawn.setdefault((glyph.pen, glyph.base), []).append(glyph)
    # PDFium puts a blank before a mark that it takes for a letter somewhere else.
    marked = {pen for (pen, _), together in drawn.items() if len(together) > 1}
    glyphs = [_joined(together) for together in drawn.values()]
    drawn_joiners = [each for each in glyphs if each.text in JOINERS]
    whole = _with_marks([each for each in glyphs if each.text not in JOINERS])
    for span in unseen:
        if span.text in JOINERS:
            _join(whole, span)
        elif blank := _blank_within(whole, span):
            blanks.append(blank)
    # Without a width, one may be drawn a bit to the right of its letter's left end.
    rest = [joiner for joiner in drawn_joiners if not _join(whole, _as_span(joiner))]
    return whole + rest + [blank for blank in blanks if blank.pen not in marked]


def _blank_within(glyphs: Sequence[Glyph], blank: Span) -> Glyph | None:
    """Return a blank that is drawn between two glyphs of a line, else None."""
    level = [each for each in glyphs if abs(each.base - blank.base) < _LEVEL * each.em]
    if not (level and min(each.pen for each in level) < blank.left < max(e.pen for e in level)):
        return None
    at = blank.left
    return replace(level[0], text=" ", pen=at, left=at, right=at, alone=True)


def _as_span(glyph: Glyph) -> Span:
    return Span(mark=0, text=glyph.text, left=glyph.pen, right=glyph.pen, base=glyph.base)


class _Reader:
    """Asks PDFium about characters of a page, with places for its answers."""

    def __init__(self, text_page: Any) -> None:
        self._page = text_page
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._edges = [ctypes.c_double() for _ in range(4)]
        self._box, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._size, self._em = -1.0, 0.0

    def read(self, place: int) -> Glyph | None:
        """Return a character and its box; None for a line end and the like."""
        sign = chr(pdfium.FPDFText_GetUnicode(self._page, place))
        if sign in _PASSED_OVER:
            return None
        pdfium.FPDFText_GetCharOrigin(self._page, place, self._x, self._y)
        pdfium.FPDFText_GetLooseCharBox(self._page, place, self._box)
        left, right = self._box.left, self._box.right
        if is_mark(sign):  # where its ink is, not where it has its room, tells its letter
            pdfium.FPDFText_GetCharBox(self._page, place, *self._edges)
            left, right = self._edges[0].value, self._edges[1].value
        size = pdfium.FPDFText_GetFontSize(self._page, place)
        if size != self._size:  # characters of one size are mostly of one matrix too
            pdfium.FPDFText_GetMatrix(self._page, place, self._matrix)
            scale = abs(self._matrix.d) or abs(self._matrix.b) or 1.0
            self._size, self._em = size, size * scale
        return Glyph(
            text=sign,
            pen=self._x.value,
            left=left,
            right=right,
            base=self._y.value,
            bottom=self._box.bottom,
            top=self._box.top,
            em=self._em,
        )


def _joined(together: Sequence[Glyph]) -> Glyph:
    """Join characters of one glyph in the order of reading; letters come before their marks."""
    if len(together) == 1:
        return together[0]
    across = sorted(together, key=lambda each: -each.middle)
    letters = [each.text for each in across if not is_mark(each.text)]
    marks = [each.text for each in across if is_mark(each.text)]
    first = together[0]
    whole = replace(
        first,
        left=min(each.left for each in together),
        right=max(each.right for each in together),
        bottom=min(each.bottom for each in together),
        top=max(each.top for each in together),
    )
    if not any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in letters):
        return replace(whole, text="".join(each.text for each in together))
    if len(letters) > 1:
        letters = list(_spelt("".join(letters)))
    if marks and whole.top - whole.bottom < _MARK_HEIGHT * whole.em:
        # The last letter is under the mark, the others to its right.
        half = _LETTER_WIDTH / 2 * whole.em
        left, right = whole.middle - half, whole.middle + half * (2 * len(letters) - 1)
        whole = replace(whole, left=left, right=right, pen=left)
    at_end = [mark for mark in marks if mark == _FATHATAN or len(letters) == 1]
    at_first = [mark for mark in marks if mark not in at_end]
    return replace(whole, text="".join([*letters[:1], *at_first, *letters[1:], *at_end]))


def _spelt(letters: str) -> str:
    """Return the letters of a ligature in the order in which Unicode spells one of them.

    >>> _spelt("ال") == _spelt("لا") == "لا"
    True
    """
    return letters[::-1] if letters[::-1] in _ligatures() else letters


@cache
def _ligatures() -> frozenset[str]:
    """Return the letters of each ligature that Unicode has a sign for."""
    signs = (*range(0xFB1D, 0xFDFE), *range(0xFE70, 0xFEFD))
    spelt = (unicodedata.normalize("NFKC", chr(sign)) for sign in signs)
    return frozenset(letters for letters in spelt if len(letters) > 1 and " " not in letters)


def is_mark(text: str) -> bool:
    """Tell whether a text is a mark on the letter before it."""
    return unicodedata.category(text[0]) in {"Mn", "Me"}


def _with_marks(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Join each mark to the letter under or over which it stands."""
    letters = [each for each in glyphs if not is_mark(each.text)]
    bases = [n for n, each in enumerate(letters) if unicodedata.category(each.text[0])[0] == "L"]
    if not bases:
        return list(glyphs)
    for mark in glyphs:
        if is_mark(mark.text):
            near = min(bases, key=lambda number: _distance(letters[number], mark))
            text = unicodedata.normalize("NFC", letters[near].text + mark.text)
            letters[near] = replace(letters[near], text=text)
    return letters


def _join(glyphs: list[Glyph], joiner: Span) -> bool:
    """Write a joiner behind the letter to its right; False if there is none."""
    near = [
        (abs(glyph.start - joiner.left), number)
        for number, glyph in enumerate(glyphs)
        if glyph.middle > joiner.left
        and abs(glyph.base - joiner.base) < _LEVEL * glyph.em
        and abs(glyph.start - joiner.left) < _BESIDE * glyph.em
        and unicodedata.bidirectional(glyph.text[0]) in {"R", "AL"}
    ]
    if not near:
        return False
    number = min(near)[1]
    if not glyphs[number].text.endswith(joiner.text):
        glyphs[number] = replace(glyphs[number], text=glyphs[number].text + joiner.text)
    return True


def _distance(letter: Glyph, mark: Glyph) -> float:
    """Return how far a mark is from a letter, across; within its box, from its middle."""
    outside = max(letter.left - mark.middle, mark.middle - letter.right, 0.0)
    return outside * 1_000 + abs(letter.middle - mark.middle)
