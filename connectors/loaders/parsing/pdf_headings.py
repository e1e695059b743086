"""Which lines of a PDF are headings: a tagged file says so; else size and weight of type tell.

What stands out by its type is a heading where little of a document does, where text follows that
does not, and where it reads like one: short, no sentence, no sum. In type of the text's own size
bold lines count if a paragraph follows them; the rest (labels, addresses, totals) is text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.pdf_line import Line
from rag_engine.connectors.loaders.parsing.pdf_paragraphs import ends_sentence
from rag_engine.connectors.loaders.parsing.pdf_structure import Heading
from rag_engine.connectors.loaders.parsing.tables import has_digit

__all__ = ["with_headings"]

_LARGER = 1.12
"""Of the text's size of type."""
_SAME = 0.97
_LONGEST = 200
_LONGEST_TAGGED = 300
_MOST_LINES = 3
_MOST_OF_ALL = 0.4
"""Of a document's characters: if more stands out, it does for another reason."""
_LEVELS = 6
_STEP = 0.25
"""Points: sizes that are nearer than that are the same."""
_NARROW = 0.7
"""Of the height of a line: lines of one heading are no further apart."""
_PARAGRAPH = 40
_LOOKED_AT = 3
_UNENDED = (".", ",", ";", "。", "、", "，", "；", "।", "۔", "؛", "،")
_BULLET = re.compile(r"[•·▪▫‣◦●○■□–—*\uf0b7-]\s")
_LEADERS = re.compile(r"\.{4,}|(?:\. ){4,}|…{2,}|_{4,}")
_ADDRESS = re.compile(r"\S@\S|://")
_FRACTION = re.compile(r"\d[.,]\d")
_NUMBERED = re.compile(r"^(?:\w{1,3}[.)]|\d+(?:\.\d+)*\.?)\s")


class _Look(NamedTuple):
    """Size of type in steps, and whether it is bold."""

    size: int
    bold: bool


_Place = tuple[int, int]
"""Number of a page, and of a line on it."""


def with_headings(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Return the pages of a document with each heading's lines marked as such."""
    told = [line for lines in pages for line in lines if line.heading]
    if told and _is_little(told, pages):
        return [_without_long(lines) for lines in pages]
    bare = [[replace(each, heading=None) for each in lines] for lines in pages] if told else pages
    return _by_type(bare)


def _is_little(some: Sequence[Line], pages: Sequence[list[Line]]) -> bool:
    every = sum(len(line.text) for lines in pages for line in lines)
    return sum(len(line.text) for line in some) < _MOST_OF_ALL * every


def _without_long(lines: Sequence[Line]) -> list[Line]:
    """Leave paragraphs that are marked as headings to be what they are."""
    lengths = Counter[Heading]()
    for line in lines:
        if line.heading:
            lengths[line.heading] += len(line.text)
    return [
        replace(line, heading=None)
        if line.heading and lengths[line.heading] > _LONGEST_TAGGED
        else line
        for line in lines
    ]


def _by_type(pages: Sequence[list[Line]]) -> list[list[Line]]:
    usual = _usual(pages)
    if usual is None:
        return list(pages)
    found = [group for group in _groups(pages, usual) if _is_heading(pages, group, usual)]
    lines = [pages[page][number] for group in found for page, number in group]
    if not _is_little(lines, pages):
        return list(pages)
    looks = sorted({_look(line) for line in lines}, key=lambda look: (-look.size, not look.bold))
    levels = {look: min(number, _LEVELS) for number, look in enumerate(looks, start=1)}
    marked = [list(each) for each in pages]
    for number, group in enumerate(found):
        for page, place in group:
            line = marked[page][place]
            heading = Heading(levels[_look(line)], number)
            marked[page][place] = replace(line, heading=heading)
    return marked


def _look(line: Line) -> _Look:
    """Return how a line looks; one of larger type may end in a sign that is not bold."""
    return _Look(round(line.style.em / _STEP), line.style.bold)


def _usual(pages: Sequence[list[Line]]) -> _Look | None:
    """Return how most of a document's text looks; none if that is not known."""
    counts = Counter[_Look]()
    for lines in pages:
        for line in lines:
            if line.style.em:
                counts[_look(line)] += len(line.text)
    return max(counts, key=lambda look: (counts[look], look)) if counts else None


def _groups(pages: Sequence[list[Line]], usual: _Look) -> Iterator[list[_Place]]:
    """Yield lines that stand out together: of one look, one closely below the other."""
    for page, lines in enumerate(pages):
        standing = (
            number
            for number, line in enumerate(lines)
            if not (line.alone or line.style.running) and _stands_out(line, usual)
        )
        group: list[_Place] = []
        for number in standing:
            if group and not (
                number == group[-1][1] + 1 and _is_closely_below(lines[number - 1], lines[number])
            ):
                yield group
                group = []
            group.append((page, number))
        if group:
            yield group


def _stands_out(line: Line, usual: _Look) -> bool:
    look = _look(line)
    if look.size > _LARGER * usual.size:
        return True
    wholly = line.style.bold and line.style.bold_end
    return wholly and not usual.bold and look.size >= _SAME * usual.size


def _is_closely_below(line: Line, following: Line) -> bool:
    gap = line.base - following.top - following.height
    return (
        _look(line) == _look(following)
        and line.base - following.top > 0
        and (gap < _NARROW * line.height)
    )


def _is_heading(pages: Sequence[list[Line]], group: Sequence[_Place], usual: _Look) -> bool:
    lines = [pages[page][number] for page, number in group]
    text = " ".join(line.text for line in lines)
    if not (2 <= len(text) <= _LONGEST and len(lines) <= _MOST_LINES and _has_word(text)):
        return False
    if text.endswith(_UNENDED) or _BULLET.match(text) or _LEADERS.search(text):
        return False
    if _ADDRESS.search(text):
        return False
    page, last = group[-1]
    following = [line for line in pages[page][last + 1 :] if not line.style.running]
    following = (following or (pages[page + 1] if page + 1 < len(pages) else []))[:_LOOKED_AT]
    if not following:
        return False
    if _look(lines[0]).size > _LARGER * usual.size:
        return True
    above = pages[page][group[0][1] - 1] if group[0][1] else None
    return _is_bold_heading(text, above, lines, following)


def _is_bold_heading(
    text: str, above: Line | None, lines: Sequence[Line], following: Sequence[Line]
) -> bool:
    """Tell whether bold lines of the text's size are a heading, and no label or part of a text."""
    if text.endswith((":", "：")) or _holds_sum(text):
        return False
    if above is not None and not (above.alone or above.base > lines[0].top):
        return False  # beside it, not above
    below = following[0]
    if not below.alone and not below.top < lines[-1].base:
        return False
    return any(line.alone or len(line.text) >= _PARAGRAPH for line in following) or ends_sentence(
        below.text
    )


def _holds_sum(text: str) -> bool:
    """Tell whether a text ends in a number, or holds one with a fraction, as sums and contents do.

    >>> _holds_sum("Total 120.00 EUR"), _holds_sum("2 Prices 14"), _holds_sum("3.2 Norm E")
    (True, True, False)
    """
    words = _NUMBERED.sub("", text, count=1).split()
    return any(map(_FRACTION.search, words)) or (len(words) > 1 and has_digit(words[-1]))


def _has_word(text: str) -> bool:
    return any(a.isalpha() and b.isalpha() for a, b in pairwise(text))
