"""Which line ends end a paragraph, an item or a heading, and which only wrap a sentence."""

from __future__ import annotations

import re

__all__ = ["unwrapped"]

_ITEM = re.compile(
    r"\s*(?:[-*+•‣◦▪●○·–—>]\s|#{1,6}\s|[|=]|\(?\d{1,3}[.)]\s|\(?[^\W\d_][.)]\s"
    r"|[（(]\d+[)）]|[一二三四五六七八九十]{1,3}、|[①-⑳])"
)
_ROW = re.compile(r"\t|\s\|\s")
# Lines of one paragraph that was wrapped at a margin: narrower ones are verses, addresses,
# table cells; wider ones were never wrapped.
_NARROWEST, _WIDEST = 40, 200
# A line that goes on in lower case may have been wrapped in a narrower column.
_NARROW = 20
_FULL = 0.7
_FIRST_WIDE = 0x1100


def unwrapped(text: str) -> str:
    r"""Return a text of the same length in which every remaining ``\n`` ends something.

    Line ends that only wrap a sentence become blanks; so do carriage returns.

    >>> unwrapped("- clean the filter\n  every week\n- call us")
    '- clean the filter   every week\n- call us'
    """
    if "\n" not in text and "\r" not in text:
        return text
    lines = text.replace("\r\n", " \n").replace("\r", "\n").split("\n")
    widths = [_width(line) for line in lines]
    joined = [lines[0]]
    start = 0  # the first line of the paragraph
    for index in range(1, len(lines)):
        if not lines[index - 1].strip():
            start = index
        if index == start + 1:
            widest = _widest(lines, widths, start)
        wrapped = (
            index > start
            and bool(lines[index].strip())
            and _continues(lines[index - 1], lines[index], widths[index - 1], widest)
        )
        joined.append(" " if wrapped else "\n")
        joined.append(lines[index])
    return "".join(joined)


def _widest(lines: list[str], widths: list[int], start: int) -> int:
    widest = 0
    for index in range(start, len(lines)):
        if not lines[index].strip():
            break
        widest = max(widest, widths[index])
    return widest


def _continues(line: str, following: str, width: int, widest: int) -> bool:
    if _ITEM.match(following) or line.lstrip().startswith(("#", "|")):
        return False
    if _ROW.search(line) or _ROW.search(following):
        return False
    if following.lstrip()[0].islower() and (width >= _NARROW or following[0].isspace()):
        return True
    return _NARROWEST <= widest <= _WIDEST and width >= _FULL * widest


def _width(line: str) -> int:
    """Return the columns that a line fills, if not too many; East Asian characters fill two."""
    stripped = line.strip()[: _WIDEST + 1]
    if stripped.isascii():
        return len(stripped)
    return len(stripped) + sum(ord(character) >= _FIRST_WIDE for character in stripped)
