"""The text of a PDF page as PDFium gives it, in runs that know the places of their characters.

Places count as PDFium does, in units of UTF-16.
"""

from __future__ import annotations

import ctypes
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.pdf_calls import address_of, loose_box_of
from rag_engine.connectors.loaders.parsing.pdf_clusters import Sign, signs_of_clusters
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph, read_glyphs
from rag_engine.connectors.loaders.parsing.pdf_spans import Box, Span, unseen_of

__all__ = ["Box", "PageText", "Run"]

# PDFium puts one of these signs, and no line end, for a hyphen at the end of a line.
_DIVIDED = re.compile("([\x02\ufffe])")
_LINE_END = re.compile(r"\r\n")
_SOFT = "\u00ad"
_NOTHING = "\x00"
_TINY = 2
_FEWEST_TINY = 5
_TOUCHING = 0.25
_WORD_GAP = 0.1
_WIDEST_BLANK = 1.5
_BLANKS = 40
"""So many of a page's first blanks tell for all."""
_FEW = 0.15
"""Of its blanks: fewer are in listings only; between cells of a table PDFium makes all of them."""
_VISIBLE_SOFT = re.compile(r"(?<=\S)\u00ad(?=\S)")


class Run(NamedTuple):
    """What PDFium takes for a line, or for its part up to a divided word.

    ``start`` is the place of its first character; ``divided`` says that its last one is a hyphen
    at the end of a line and inside of a word, ``alone`` that no other line goes on with it.
    ``shown`` stands for the text where that is another.
    """

    text: str
    start: int
    units: int
    divided: bool = False
    alone: bool = False
    shown: str = ""

    @property
    def places(self) -> range:
        """The places of its characters."""
        return range(self.start, self.start + self.units)

    def characters(self) -> Iterator[tuple[int, str]]:
        """Yield the place of each character that is to be seen, and the character."""
        place = self.start
        for sign in self.text:
            if not sign.isspace() and sign != _NOTHING:
                yield place, sign
            place += 1 if sign < "\U00010000" else 2

    def part(self, start: int, stop: int) -> Run:
        """Return what stands from a place up to another."""
        if self.units == len(self.text):
            text = self.text[start - self.start : stop - self.start]
        else:
            units = self.text.encode("utf-16-le", "surrogatepass")
            text = units[2 * (start - self.start) : 2 * (stop - self.start)].decode(
                "utf-16-le", "surrogatepass"
            )
        ends = stop == self.start + self.units
        return Run(text, start, stop - start, self.divided and ends, self.alone)

    @property
    def ends(self) -> tuple[int, int]:
        """The places of the first and the last character that is no blank."""
        before = len(self.text) - len(self.text.lstrip())  # blanks are units of their own
        after = len(self.text) - len(self.text.rstrip())
        return self.start + before, self.start + self.units - after - 1


class _Boxes(dict[int, Box]):
    """The boxes of a page's characters by their places, each asked for once.

    ``signs`` are its characters where the text is put together anew, else nothing.
    """

    def __init__(self, text_page: Any, signs: Sequence[Sign]) -> None:
        super().__init__()
        self._page = address_of(text_page.raw)
        self._signs = signs
        self._rect = (ctypes.c_float * 4)()
        self._to_rect = ctypes.addressof(self._rect)

    def __missing__(self, place: int) -> Box:
        if self._signs:
            return self._signs[place].box
        loose_box_of(self._page, place, self._to_rect)
        left, top, right, bottom = self._rect[:]
        box = self[place] = left, bottom, right, top
        return box


class PageText:
    """The text of a pypdfium2 text page, a place for each unit of UTF-16."""

    def __init__(self, text_page: Any) -> None:
        self._page = text_page
        self._raw = text_page.raw
        self._unseen: list[Span] | None = None
        self._ends: dict[tuple[int, int], tuple[Box, Box]] = {}
        # By the rectangle of the page (get_text_bounded) PDFium now and then loses a letter.
        self.text: str = text_page.get_text_range()
        self.raw = self.text
        """The text as PDFium gives it, controls and all."""
        if _units(self.text) != text_page.count_chars():
            self.text = _with_nothing(text_page)
        self._signs: list[Sign] = []  # one for each unit, where the text is put together anew
        signs = signs_of_clusters(text_page, self.text)
        if signs is not None:
            self.text = "".join(sign.text for sign in signs)
            self._signs = [sign for sign in signs for _ in range(_units(sign.text))]
        self.box: Callable[[int], Box] = _Boxes(text_page, self._signs).__getitem__
        """Returns the box of the character at a place, with the room that its font gives it."""

    def glyphs(self, places: Iterable[int]) -> list[Glyph]:
        """Return what the page draws at places, each letter with its marks; no line ends."""
        if self._unseen is None:
            self._unseen = unseen_of(self._page.page)
        return read_glyphs(self._page, self.sources(places), self._unseen)

    def sources(self, places: Iterable[int]) -> list[int]:
        """Return the places that PDFium knows characters by, each once."""
        if not self._signs:
            return list(places)
        known = (self._signs[place].place for place in places if place < len(self._signs))
        return [place for place in dict.fromkeys(known) if place >= 0]

    def source(self, place: int) -> int:
        """Return a place that PDFium knows a character by, as near to this one as there is."""
        return next(iter(self.sources([place])), place) if self._signs else place

    def runs(self, *, whole_if: Callable[[str], bool] | None = None) -> list[Run]:
        """Return the runs; a line of which ``whole_if`` is true is not parted at divided words."""
        runs = list(self._lines(whole_if))
        if whole_if is not None:
            return runs
        tiny = sum(len(run.text) <= _TINY for run in runs)
        return self._mended(runs) if tiny > max(_FEWEST_TINY, len(runs) // 3) else runs

    def _mended(self, runs: Sequence[Run]) -> list[Run]:
        """Join what stands on one line: PDFium breaks lines that it takes for upright ones."""
        mended: list[Run] = []
        for run in runs:
            if mended and run.text.strip() and self._adjoins(mended[-1], run):
                last = mended.pop()
                filling = _NOTHING * (run.start - last.start - last.units)
                if filling and self._is_word_apart(last, run):
                    filling = f" {filling[1:]}"
                text = f"{last.text}{filling}{run.text}"
                mended.append(Run(text, last.start, _units(text), run.divided))
            elif run.text.strip():
                mended.append(run)
        return mended

    def _adjoins(self, run: Run, following: Run) -> bool:
        before, after = self.end_boxes(run)[1], self.end_boxes(following)[0]
        height = max(before[3] - before[1], after[3] - after[1])
        across = max(after[0] - before[2], before[0] - after[2])
        shared = min(before[3], after[3]) - max(before[1], after[1])
        return abs(across) < _TOUCHING * height and shared > height / 2

    def _is_word_apart(self, run: Run, following: Run) -> bool:
        """Tell whether a blank has room between two runs of one line; wide signs have none."""
        signs = run.text.rstrip()[-1], following.text.lstrip()[0]
        if any(unicodedata.east_asian_width(sign) in "WF" for sign in signs):
            return False
        before, after = self.end_boxes(run)[1], self.end_boxes(following)[0]
        return after[0] - before[2] > _WORD_GAP * (before[3] - before[1])

    @cached_property
    def draws_blanks(self) -> bool:
        """Whether the page has blanks of its own between words; else PDFium makes them of gaps."""
        places = [m.start() for m in islice(re.finditer(r"(?<=\S) (?=\S)", self.text), _BLANKS)]
        made = sum(self._is_generated(place) for place in places)
        return len(places) - made > _FEW * len(places)

    def is_word_gap(self, place: int, following: int, gap: float) -> bool:
        """Tell whether one blank of the page's own parts two characters, be it a stretched one.

        ``gap`` is how far apart they stand, of the height of the first.
        """
        return following - place == 2 and gap < _WIDEST_BLANK and not self._is_generated(place + 1)

    def _is_generated(self, place: int) -> bool:
        if self._signs:
            return self._signs[place].place < 0
        return int(pdfium.FPDFText_IsGenerated(self._raw, place)) != 0

    def _lines(self, whole_if: Callable[[str], bool] | None) -> Iterator[Run]:
        position = 0
        # A visible hyphen that the font calls a soft one; at a line's end it may divide a word.
        soft_is_hyphen = _SOFT in self.text and _VISIBLE_SOFT.search(self.text) is not None
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

    def end_boxes(self, run: Run) -> tuple[Box, Box]:
        """Return the boxes of a run's first and last character that is no blank."""
        known = self._ends.get((run.start, run.units))
        if known is None:
            first, last = run.ends
            known = self._ends[run.start, run.units] = self.box(first), self.box(last)
        return known


def _with_nothing(text_page: Any) -> str:
    """Return a page's text with a sign for each glyph that stands for no character.

    PDFium counts such glyphs, and leaves them out of its text.
    """
    signs = (pdfium.FPDFText_GetUnicode(text_page, n) for n in range(text_page.count_chars()))
    units = [sign if sign < 1 << 16 else 0 for sign in signs]
    return struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")


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
