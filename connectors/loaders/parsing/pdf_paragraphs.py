"""The paragraphs that the lines of a PDF page make up.

A PDF knows no paragraphs. A line goes on in the next one when the next line's first word would not
have fitted behind it, and when nothing else sets the two apart: size, distance, a bullet.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds, is_divided, is_open
from rag_engine.connectors.loaders.parsing.pdf_line import Line

__all__ = ["Paragraph", "ends_sentence", "join_paragraphs"]

_ITEM = re.compile(r"(?:[•·▪▫‣◦●○■□–—*\uf0b7-]|\(?\w{1,3}[.)])\s")
_ENTRY = re.compile(r"(?:\.{4,}|(?:\. ){4,}|…{2,}|_{4,}) ?[\w-]{1,9}$")
"""The end of an entry of a table of contents."""
_LEADERS = ("....", ". . . . ", "……", "____")
"""What leads to it, of which a line has mostly nothing."""

_FEWEST_CHARACTERS = 30
_NEIGHBOURS = 12
_SIZE_STEP = 1.2
_GAP_STEP = 1.35
_AT_ONE_PLACE = 2.0
_AT_ONE_EDGE = 0.5
"""Points, both."""
_FEWEST_STRETCHED = 4
_FEWEST_LENGTHS = 3
_FEWEST_NARROW = 6
_WORDS_OF_A_LINE = 2
_SLACK = 1.15
"""Of the width of a word, which is guessed by its number of letters."""
_HEADING_STEP = 1.1
"""Of the height of the line above: a heading may be no larger."""


class Paragraph(NamedTuple):
    """A paragraph, or a heading of a level from 1, the outermost."""

    text: str
    level: int = 0


def join_paragraphs(lines: Sequence[Line], ends: LineEnds) -> list[Paragraph]:
    """Return the page's paragraphs; ``ends`` knows the words of all pages."""
    gaps = [a.base - b.top for a, b in pairwise(lines) if a.base > b.top]
    usual_gap = statistics.median(gaps) if gaps else 0.0
    narrow_gap = sorted(gaps)[len(gaps) // 4] if gaps else 0.0
    paragraphs: list[Paragraph] = []
    for index, line in enumerate(lines):
        if index and _are_one(lines, index, usual_gap, narrow_gap):
            text, level = paragraphs[-1]
            paragraphs[-1] = Paragraph(ends.join(text, line.text), level)
        else:
            paragraphs.append(Paragraph(line.text, line.heading.level if line.heading else 0))
    return paragraphs


def _are_one(lines: Sequence[Line], index: int, usual_gap: float, narrow_gap: float) -> bool:
    """Tell whether a line goes on with the one before it."""
    line, following = lines[index - 1], lines[index]
    if line.heading or following.heading:
        return line.heading == following.heading
    return not _is_heading_below(line, following, narrow_gap) and _goes_on(
        lines, index - 1, usual_gap
    )


def _is_bold(line: Line) -> bool:
    return line.style.bold and line.style.bold_end


def _is_heading_below(line: Line, following: Line, narrow_gap: float) -> bool:
    """Tell whether a line is a little larger than the one above, and stands apart from it.

    Where most lines of a page are headings, cells and lists, the usual gap is one between
    paragraphs; the narrow ones are those within them.
    """
    return (
        not (line.alone or following.alone or line.divided)
        and following.height > line.height * _HEADING_STEP
        and line.base - following.top > narrow_gap * _GAP_STEP
        and ends_sentence(line.text)
    )


def ends_sentence(text: str) -> bool:
    """Tell whether a text ends as sentences do."""
    return text.rstrip("\"'”’»)").endswith((".", "!", "?", "。", "।", "؟", "۔"))


def _goes_on(lines: Sequence[Line], index: int, usual_gap: float) -> bool:
    line, following = lines[index], lines[index + 1]
    if line.alone or following.alone:
        return False
    smaller, larger = sorted((line.height, following.height))
    if any(map(line.text.__contains__, _LEADERS)) and _ENTRY.search(line.text):
        return False
    if line.divided or (larger <= smaller * _SIZE_STEP and is_divided(line.text, following.text)):
        return True
    if (
        _ITEM.match(following.text)
        or (_is_bold(line) != _is_bold(following) and ends_sentence(line.text))
        or larger > smaller * _SIZE_STEP
        or line.base - following.top > usual_gap * _GAP_STEP
    ):
        return False
    if is_open(line.text, following.text):
        return True
    if len(line.text) < _FEWEST_CHARACTERS / (1 + _is_wide(line.text)):
        return _goes_on_in_stretched(lines, index) or _goes_on_in_narrow(lines, index, usual_gap)
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
    slack = 1.0 if ends_sentence(line.text) else 1.5
    return edge - forwards * line.end < max(_AT_ONE_PLACE, slack * word)


def _goes_on_in_narrow(lines: Sequence[Line], index: int, usual_gap: float) -> bool:
    """Tell whether a short line goes on, in a narrow column whose lines are of different lengths.

    Its lines are broken where the next word had no room: so each of several lines is, of which most
    begin in small letters. Rows of a list or an address have room by chance, or begin with names.
    """
    first = last = index
    while first > max(0, index - _NEIGHBOURS) and _is_next(lines, first - 1, usual_gap):
        first -= 1
    while last < min(len(lines) - 1, index + _NEIGHBOURS) and _is_next(lines, last, usual_gap):
        last += 1
    near = lines[first : last + 1]
    if (
        last == index
        or len(near) < _FEWEST_NARROW
        or sum(len(each.text.split()) for each in near) < (_WORDS_OF_A_LINE * len(near))
    ):
        return False
    widest = max(abs(each.end - each.start) for each in near)
    full = [
        abs(a.end - a.start) + _SLACK * _first_word_width(b) > widest for a, b in pairwise(near)
    ]
    small = sum(b.text[0].islower() for b in near[1:])
    room = sum(
        not is_full and not ends_sentence(each.text)
        for each, is_full in zip(near[:-1], full, strict=True)
    )
    return full[index - first] and not room and 2 * small >= len(near)


def _is_next(lines: Sequence[Line], index: int, usual_gap: float) -> bool:
    """Tell whether a line is closely followed by the next one, which is set as it is."""
    line, following = lines[index], lines[index + 1]
    if line.alone or following.alone or line.heading or following.heading:
        return False
    smaller, larger = sorted((line.height, following.height))
    gap = line.base - following.top
    return larger < smaller * _HEADING_STEP and 0 < gap <= usual_gap * _GAP_STEP


def _stretched_to(near: Sequence[Line], forwards: int) -> float | None:
    """Return where lines end that are stretched to one width, counted ``forwards``, or None."""
    ends = sorted(forwards * line.end for line in near)
    edge = max(
        ends,
        key=lambda end: (
            bisect_left(ends, end + _AT_ONE_EDGE) - bisect_right(ends, end - _AT_ONE_EDGE)
        ),
    )
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
