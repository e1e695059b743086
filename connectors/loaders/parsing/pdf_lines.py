"""The lines of a PDF page with their places, and the paragraphs that they make up.

A PDF knows no paragraphs. A line goes on in the next one when the next line's first word would not
have fitted behind it, and when nothing else sets the two apart: size, distance, a bullet.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.cleaning import clean, tidy
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds, is_divided, is_open
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText, Run
from rag_engine.connectors.loaders.parsing.pdf_raised import join_raised
from rag_engine.connectors.loaders.parsing.pdf_right_to_left import go_on, read_line
from rag_engine.connectors.loaders.parsing.pdf_tables import TableRows, set_tables_apart
from rag_engine.connectors.loaders.parsing.pdf_upright import (
    is_upright_page,
    turned,
    without_breaks,
)

__all__ = ["Line", "join_paragraphs", "read_lines", "row_of_its_own"]

_ITEM = re.compile(r"(?:[•·▪▫‣◦●○■□–—*\uf0b7-]|\(?\w{1,3}[.)])\s")

_FEWEST_CHARACTERS = 30
_NEIGHBOURS = 12
_SIZE_STEP = 1.2
_GAP_STEP = 1.35
_AT_ONE_PLACE = 2.0
_AT_ONE_EDGE = 0.5
"""Points, both."""
_FEWEST_STRETCHED = 4
_FEWEST_LENGTHS = 3
_HEADING_STEP = 1.1
"""Of the height of the line above: a heading may be no larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text and where it stands, in points.

    ``start`` and ``end`` are the places where reading starts and ends, so ``end < start`` in
    Hebrew. ``top`` and ``base`` are those of the first and the last character; they grow upwards,
    as in PDF. ``divided`` says that PDFium takes the hyphen at its end for one inside of a word,
    ``alone`` that it is a row of a table, and joined with no other.
    """

    text: str
    start: float
    end: float
    top: float
    base: float
    height: float
    divided: bool = False
    alone: bool = False


def read_lines(page: Any) -> tuple[list[Line], str]:
    """Read a pypdfium2 page; what stands outside of it is left out.

    With the lines comes the text as PDFium gives it, controls and all.
    """
    text_page = page.get_textpage()
    written = PageText(text_page)
    lines: list[Line] = []
    some = is_right_to_left(written.text)
    backwards = some and _mostly_from_the_right(written.text)
    runs = list(written.runs(whole_if=is_right_to_left if some else None))
    parts: list[Glyph] = []  # of the line that is read from the right, so far
    before = range(0)
    upright = is_upright_page(written, runs)
    items: Sequence[Run | TableRows] = runs
    if not upright:
        level = runs if some else join_raised(written, runs)
        items = set_tables_apart(page, text_page, written, level, backwards=backwards)
    for run in items:
        if isinstance(run, TableRows):
            lines += _rows(run)
            parts, before = [], range(0)
            continue
        shown = tidy(clean(run.shown or run.text))
        if not shown:
            continue
        if not written.placed:
            lines.append(_unplaced(shown, len(lines)))
            continue
        anew = some and is_right_to_left(shown)
        whole = run.places
        glyphs = written.glyphs(whole) if anew or parts else []
        if anew and not parts:  # a number or a sign at its end may have come first
            parts = written.glyphs(before)
        before = whole
        if parts and glyphs and go_on(parts, glyphs):
            parts += glyphs
            lines[-1] = _from_the_right(parts, backwards)
        elif anew and glyphs:
            parts = glyphs
            lines.append(_from_the_right(parts, backwards))
        elif upright:
            lines.append(_placed(without_breaks(shown), written, run, upright=True))
        else:
            parts = []
            lines.append(_placed(shown, written, run))
    text_page.close()
    if written.placed and not upright:
        lines = _on_page(lines, page.get_bbox())
    return lines, written.text


def _rows(table: TableRows) -> list[Line]:
    left, bottom, right, _ = table.box
    return [
        Line(text=row, start=left, end=right, top=bottom, base=bottom, height=1, alone=True)
        for row in table.lines
    ]


def row_of_its_own(text: str) -> Line:
    """Return a line that stands at no place of the page, and is joined with none."""
    return Line(text=text, start=0, end=0, top=0, base=0, height=1, alone=True)


def _from_the_right(glyphs: Sequence[Glyph], backwards: bool) -> Line:
    """Return a line with letters that are read from the right, on a page that mostly is or not."""
    backwards = backwards or _mostly_from_the_right("".join(each.text for each in glyphs))
    left, right = min(each.left for each in glyphs), max(each.right for each in glyphs)
    bottom = statistics.median(each.bottom for each in glyphs)
    top = max(statistics.median(each.top for each in glyphs), bottom + 1)
    return Line(
        text=tidy(clean(read_line(glyphs, right_to_left=backwards))),
        start=right if backwards else left,
        end=left if backwards else right,
        top=bottom,
        base=bottom,
        height=top - bottom,
    )


def _mostly_from_the_right(text: str) -> bool:
    """Tell whether at least half of the words with letters are read from the right.

    Not letters: names of Latin letters are long.
    """
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return 2 * sum(map(is_right_to_left, words)) >= max(len(words), 1)


def _on_page(lines: list[Line], box: Sequence[float]) -> list[Line]:
    left, bottom, right, top = box
    shown = [line for line in lines if left <= line.start <= right and bottom <= line.base <= top]
    return shown or lines


def _placed(text: str, written: PageText, run: Run, *, upright: bool = False) -> Line:
    first, last = written.end_boxes(run)
    if upright:
        first, last = turned(first), turned(last)
    left, bottom, _, top = first
    _, last_bottom, last_right, last_top = last
    if (
        text[0].isascii()
        and text[0].isalpha()
        and (top - bottom) * _SIZE_STEP < last_top - last_bottom
    ):
        bottom, top = last_bottom, last_top  # of a ligature PDFium knows the ink alone
    return Line(
        text=text,
        start=left,
        end=last_right,
        top=bottom,
        base=last_bottom,
        height=top - bottom,
        divided=run.divided,
        alone=run.alone,
    )


def _unplaced(text: str, number: int) -> Line:
    """Return a line of which only its length in characters is known."""
    width = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return Line(text=text, start=0, end=width, top=-number, base=-number, height=1)


def join_paragraphs(lines: Sequence[Line], ends: LineEnds) -> list[str]:
    """Return the page's paragraphs; ``ends`` knows the words of all pages."""
    gaps = [a.base - b.top for a, b in pairwise(lines) if a.base > b.top]
    usual_gap = statistics.median(gaps) if gaps else 0.0
    narrow_gap = sorted(gaps)[len(gaps) // 4] if gaps else 0.0
    paragraphs: list[str] = []
    for index, line in enumerate(lines):
        if (
            index
            and not _is_heading_below(lines[index - 1], line, narrow_gap)
            and _goes_on(lines, index - 1, usual_gap)
        ):
            paragraphs[-1] = ends.join(paragraphs[-1], line.text)
        else:
            paragraphs.append(line.text)
    return paragraphs


def _is_heading_below(line: Line, following: Line, narrow_gap: float) -> bool:
    """Tell whether a line is a little larger than the one above, and stands apart from it.

    Where most lines of a page are headings, cells and lists, the usual gap is one between
    paragraphs; the narrow ones are those within them.
    """
    return (
        not (line.alone or following.alone or line.divided)
        and following.height > line.height * _HEADING_STEP
        and line.base - following.top > narrow_gap * _GAP_STEP
        and _ends_sentence(line.text)
    )


def _ends_sentence(text: str) -> bool:
    return text.rstrip("\"'”’»)").endswith((".", "!", "?", "。", "।", "؟", "۔"))


def _goes_on(lines: Sequence[Line], index: int, usual_gap: float) -> bool:
    line, following = lines[index], lines[index + 1]
    if line.alone or following.alone:
        return False
    smaller, larger = sorted((line.height, following.height))
    if line.divided or (larger <= smaller * _SIZE_STEP and is_divided(line.text, following.text)):
        return True
    if (
        _ITEM.match(following.text)
        or larger > smaller * _SIZE_STEP
        or line.base - following.top > usual_gap * _GAP_STEP
    ):
        return False
    if is_open(line.text, following.text):
        return True
    if len(line.text) < _FEWEST_CHARACTERS / (1 + _is_wide(line.text)):
        return _goes_on_in_stretched(lines, index)
    forwards = 1 if line.end >= line.start else -1
    near = lines[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS]
    ends = [
        forwards * neighbour.end
        for neighbour in near
        if abs(neighbour.start - line.start) < 2 * line.height
    ]
    room = max(ends, default=0.0) - forwards * line.end
    slack = 3.0 if following.text[0].islower() else 1.5
    return room < slack * _first_word_width(following)


def _goes_on_in_stretched(lines: Sequence[Line], index: int) -> bool:
    """Tell whether a short line goes on, in a narrow column whose lines are stretched.

    Short lines are mostly rows of a list or an address. Those of a paragraph are told by many that
    begin and end at one place though they have different numbers of characters.
    """
    line, following = lines[index], lines[index + 1]
    if abs(following.start - line.start) > _AT_ONE_PLACE:
        return False
    near = [
        each
        for each in lines[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS]
        if abs(each.start - line.start) < _AT_ONE_PLACE and not each.alone
    ]
    forwards = 1 if line.end >= line.start else -1
    edge = _stretched_to(near, forwards)
    if edge is None:
        return False
    advances = sorted(abs(each.end - each.start) / len(each.text) for each in near)
    advance = advances[len(advances) // 4]  # that of lines which are stretched little
    word = advance * (len(following.text.split()[0]) + 1)
    slack = 1.0 if _ends_sentence(line.text) else 1.5
    return edge - forwards * line.end < max(_AT_ONE_PLACE, slack * word)


def _stretched_to(near: Sequence[Line], forwards: int) -> float | None:
    """Return where lines end that are stretched to one width, counted ``forwards``, or None."""
    ends = sorted(forwards * line.end for line in near)
    edge = max(ends, key=lambda end: sum(abs(each - end) < _AT_ONE_EDGE for each in ends))
    full = [line for line in near if abs(forwards * line.end - edge) < _AT_ONE_EDGE]
    beyond = sum(end > edge + _AT_ONE_PLACE for end in ends)
    several = [len(line.text) for line in full if " " in line.text]
    if len(several) < _FEWEST_STRETCHED or len(set(several)) < _FEWEST_LENGTHS:
        return None
    return edge if beyond < len(full) else None


def _first_word_width(line: Line) -> float:
    words = line.text.split()
    count = 1 if _is_wide(line.text) else len(words[0]) + 1
    return abs(line.end - line.start) * min(1.0, count / len(line.text))


def _is_wide(text: str) -> bool:
    """Tell whether a line is written without blanks, in wide characters."""
    return all(unicodedata.east_asian_width(character) in "WF" for character in (text[0], text[-1]))
