"""Text in scripts that are drawn in clusters, as those of India and Thai, put together anew.

Of such a cluster a PDF has glyphs that stand over, under and before each other. Browsers write its
characters beside them (``ActualText`` of the PDF Reference, 14.9.4). PDFium takes those for the
text of the cluster's first glyph, now and then of each, and does not know how wide the others are:
so it sets blanks inside of words. Where a program writes marks after their line, it leaves them
there. Here a cluster is one unit as wide as its glyphs, and a blank is a gap between two units.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.pdf_spans import Box, Span, spans_of

__all__ = ["Sign", "signs_of_clusters"]

_CLUSTERED = re.compile(
    "[\u0900-\u109f\u1700-\u18af\u1900-\u1aff\u1b00-\u1c4f\ua800-\ua9ff\uaa00-\uaaff]"
)
_THAI_MARKS = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd]")
_TONES = "\u0e48\u0e49\u0e4a\u0e4b\u0ec8\u0ec9\u0eca\u0ecb"
_AFTER_TONES = "\u0e4c\u0e4d\u0e4e\u0ecc"
_GAP = 0.15
"""Of the em: a wider gap is one between words."""
_GAP_OF_BLANK = 0.05
"""The same where a blank is drawn in it."""
_LINE_GAP = 1.0
"""Of the em: what is further apart is not one line that a mark broke."""
_SAME_LEVEL = 0.2
"""Of the em: what is no further up or down stands on one line."""
_MARK_LEVEL = 0.5
"""The same for a mark and its letter."""
_BESIDE = 0.3
_ROUNDED = 0.02
"""Of the em: so far a mark of Thai may stand beside its letter; they are narrow, and have no more.
"""
_RECENT = 4
"""So many units before one may reach to it: vowels stand over and before their letters."""
_DIVIDES = "\x02\ufffe"


@dataclass(frozen=True, slots=True)
class Sign:
    """A character, its box, and its place for PDFium: -1 where it has none."""

    text: str
    box: Box
    place: int


@dataclass(slots=True, kw_only=True)
class _Unit:
    """A cluster, or one character: what no blank parts."""

    text: str
    place: int
    pen: float
    base: float
    em: float
    box: Box
    after_blank: bool
    source: int

    def is_of_glyph(self, before: _Unit) -> bool:
        """Tell whether one glyph stands for both."""
        return self.source == before.source and self.pen == before.pen and self.box == before.box

    @property
    def is_mark(self) -> bool:
        """Whether it stands over or under a letter."""
        return all(unicodedata.category(sign) in {"Mn", "Me"} for sign in self.text)

    @property
    def middle(self) -> float:
        return (self.box[0] + self.box[2]) / 2

    @property
    def start(self) -> float:
        return self.box[0] if self.is_mark else min(self.box[0], self.pen)

    @property
    def end(self) -> float:
        return max(self.box[2], self.pen)


def signs_of_clusters(text_page: Any, text: str) -> list[Sign] | None:
    """Return the text of a page put together anew; None if it has no script of clusters.

    ``text`` is what PDFium tells of the pypdfium2 text page, a place for each unit of UTF-16.
    """
    if text.isascii() or _CLUSTERED.search(text) is None:
        return None
    reader = _Reader(text_page, *spans_of(text_page.page))
    rows = _unbroken(_with_marks(reader.rows(text)))
    signs: list[Sign] = []
    for number, row in enumerate(rows):
        if number:
            signs += [Sign(end, signs[-1].box if signs else (0, 0, 0, 0), -1) for end in "\r\n"]
        signs += _in_typing_order(list(_signs(row, reader.blanks)))
    return signs


class _Reader:
    """Reads the units of a page, line by line as PDFium has them, and the blanks drawn there."""

    def __init__(
        self, text_page: Any, spans: dict[int, Span], blanks: list[tuple[float, float]]
    ) -> None:
        self._page = text_page
        self._spans = spans
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._rect, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self.blanks = blanks

    def rows(self, text: str) -> list[list[_Unit]]:
        """Return the units of each line."""
        rows: list[list[_Unit]] = [[]]
        seen: set[int] = set()
        blank = False
        place = 0
        for sign in text:
            here, place = place, place + (1 if sign < "\U00010000" else 2)
            if sign == "\n":
                rows.append([])
                blank = False
            elif sign.isspace():
                blank = blank or sign != "\r"
                if sign != "\r" and pdfium.FPDFText_IsGenerated(self._page, here) == 0:
                    unit = self._unit(here, sign, after_blank=False)
                    self.blanks.append((unit.start, unit.base))
            elif sign != "\x00":
                unit = self._unit(here, sign, after_blank=blank)
                blank = False
                span = self._spans.get(unit.source)
                if span is not None and span.text:
                    if span.mark not in seen:
                        seen.add(span.mark)
                        unit.text = span.text
                        unit.box = (span.left, unit.box[1], span.right, unit.box[3])
                        unit.pen = span.left
                        rows[-1].append(unit)
                elif rows[-1] and unit.is_of_glyph(rows[-1][-1]):
                    rows[-1][-1].text += sign
                else:
                    rows[-1].append(unit)
        return rows

    def _unit(self, place: int, sign: str, *, after_blank: bool) -> _Unit:
        pdfium.FPDFText_GetCharOrigin(self._page, place, self._x, self._y)
        pdfium.FPDFText_GetLooseCharBox(self._page, place, self._rect)
        pdfium.FPDFText_GetMatrix(self._page, place, self._matrix)
        scale = abs(self._matrix.d) or abs(self._matrix.b) or 1.0
        drawn = pdfium.FPDFText_GetTextObject(self._page, place)
        rect = self._rect
        return _Unit(
            text=sign,
            place=place,
            pen=self._x.value,
            base=self._y.value,
            em=pdfium.FPDFText_GetFontSize(self._page, place) * scale or 1.0,
            box=(rect.left, rect.bottom, rect.right, rect.top),
            after_blank=after_blank,
            source=ctypes.addressof(drawn.contents) if drawn else 0,
        )


def _with_marks(rows: Sequence[list[_Unit]]) -> list[list[_Unit]]:
    """Bring marks that were drawn apart from their letters behind the letters under them."""
    letters = [unit for row in rows for unit in row if unit.text[0].isalpha()]
    letters.sort(key=lambda unit: unit.base)
    brought: dict[int, list[_Unit]] = {}
    kept: list[list[_Unit]] = []
    for row in rows:
        kept.append([])
        for unit in row:
            letter = None
            if unit.is_mark and not (kept[-1] and _follows(kept[-1][-1], unit)):
                letter = _letter_of(unit, letters)
            if letter is None:
                kept[-1].append(unit)
            else:
                brought.setdefault(letter.place, []).append(unit)
    whole = (
        [each for unit in row for each in (unit, *brought.get(unit.place, ()))] for row in kept
    )
    return [row for row in whole if row]


def _follows(before: _Unit, mark: _Unit) -> bool:
    """Tell whether a mark stands over what was drawn before it, or has room of its own there."""
    near = _BESIDE * mark.em
    over = _ROUNDED * mark.em if _THAI_MARKS.match(mark.text) else near
    return _outside(before, mark) <= over or 0 <= mark.box[0] - before.end < near


def _letter_of(mark: _Unit, letters: Sequence[_Unit]) -> _Unit | None:
    """Return the letter under or over a mark, of those that stand at its height."""
    apart = _MARK_LEVEL * mark.em
    low = bisect_left(letters, mark.base - apart, key=lambda letter: letter.base)
    high = bisect_right(letters, mark.base + apart, key=lambda letter: letter.base)
    return min(
        (each for each in letters[low:high] if _outside(each, mark) < _BESIDE * mark.em),
        key=lambda letter: (_outside(letter, mark), abs(letter.middle - mark.middle)),
        default=None,
    )


def _outside(unit: _Unit, mark: _Unit) -> float:
    return max(unit.box[0] - mark.middle, mark.middle - unit.box[2], 0.0)


def _unbroken(rows: Iterable[list[_Unit]]) -> list[list[_Unit]]:
    """Join lines that PDFium broke at a mark."""
    whole: list[list[_Unit]] = []
    for row in rows:
        if whole and _goes_on(whole[-1], row[0]):
            whole[-1] += row
        else:
            whole.append(row)
    return whole


def _goes_on(row: Sequence[_Unit], unit: _Unit) -> bool:
    if row[-1].text in _DIVIDES or not _is_clustered(row[-1], unit):
        return False
    level = abs(next(each for each in reversed(row) if not each.is_mark or each is row[0]).base)
    gap = unit.start - max(each.end for each in row[-_RECENT:])
    return abs(level - abs(unit.base)) < _SAME_LEVEL * unit.em and -1 < gap / unit.em < _LINE_GAP


def _is_clustered(before: _Unit, unit: _Unit) -> bool:
    return _CLUSTERED.search(before.text + unit.text) is not None


def _signs(row: Sequence[_Unit], blanks: Sequence[tuple[float, float]]) -> Iterator[Sign]:
    """Yield the characters of a line, with a blank wherever there is one."""
    for number, unit in enumerate(row):
        if number and _is_apart(row[max(0, number - _RECENT) : number], unit, blanks):
            before = row[number - 1]
            left = min(before.end, unit.start)
            box = (left, unit.box[1], max(left, unit.start), unit.box[3])
            yield Sign(" ", box, -1)
        for sign in unit.text:
            yield Sign(sign, unit.box, unit.place)


def _is_apart(recent: Sequence[_Unit], unit: _Unit, blanks: Sequence[tuple[float, float]]) -> bool:
    before = recent[-1]
    if before.text in _DIVIDES:
        return False
    if not _is_clustered(before, unit):
        return unit.after_blank
    if unicodedata.category(unit.text[0])[0] == "M":
        return False
    reach = max(each.end for each in recent)
    gap = (unit.start - reach) / max(before.em, unit.em)
    if gap > _GAP or gap < -1:
        return True
    return gap > _GAP_OF_BLANK and any(
        before.middle < across < unit.pen - _GAP * unit.em
        and abs(base - unit.base) < _SAME_LEVEL * unit.em
        for across, base in blanks
    )


def _in_typing_order(signs: list[Sign]) -> list[Sign]:
    """Order the marks on each letter of Thai and Lao as they are typed: vowel, tone, the rest."""
    ordered: list[Sign] = []
    marks: list[Sign] = []
    for sign in chain(signs, [None]):
        if sign is not None and _THAI_MARKS.match(sign.text):
            marks.append(sign)
            continue
        if len({mark.place for mark in marks}) > 1:  # else it is as the page tells it
            marks.sort(key=lambda mark: _rank(mark.text))
        ordered += marks
        marks = []
        if sign is not None:
            ordered.append(sign)
    return ordered


def _rank(mark: str) -> int:
    return 1 if mark in _TONES else 2 if mark in _AFTER_TONES else 0
