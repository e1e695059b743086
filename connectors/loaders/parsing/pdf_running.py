"""Heads and feet that pages of a PDF repeat, so that its text is not broken by them."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag_engine.connectors.loaders.parsing.pdf_line import Line
from rag_engine.connectors.loaders.parsing.tables import has_digit

__all__ = ["without_running_lines"]

_FEWEST_REPEATED = 3
"""Pages that have one line at one place: it is a head or a foot."""
_MOST_RUNNING = 3
"""Lines at either end of a page."""
_PLACE = 4.0
"""Points: so near are two heads at one place."""
_COUNTED = re.compile(r"\d+|^[ivxlc]+$")
"""What counts pages."""
_LARGER = 1.12
"""Of a page's usual size of type: with such a line something new begins, whatever its number."""
_ROOM = 2.0

_Key = tuple[str, int]


def without_running_lines(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Drop heads and feet that pages repeat at one place.

    The outermost line may have another number on each page, those within are the same; where there
    are two pages, it stands apart from the text. One without any number stays on the first page
    that has it, unless a page says it elsewhere too. So do lines at either
    end that a tagged file tells from its content.
    """
    filled = [lines for lines in pages if lines]
    fewest = min(_FEWEST_REPEATED, max(len(filled), 2))
    counts = Counter(key for lines in filled for key in set(_keys(lines)))
    running = {key for key, count in counts.items() if count >= fewest}
    bodies = [_body(lines, running, apart=fewest < _FEWEST_REPEATED) for lines in pages]
    if not any(bodies):
        return list(pages)
    said = {line.text for lines in bodies for line in lines}
    whole: list[list[Line]] = []
    for lines, body in zip(pages, bodies, strict=True):
        inner = {id(line) for line in body}
        kept: list[Line] = []
        for line in lines:
            if id(line) in inner:
                kept.append(line)
            elif line.text not in said and not has_digit(line.text):
                said.add(line.text)
                kept.append(replace(line, style=line.style._replace(running=True)))
        whole.append(kept)
    return whole


def _sides(lines: Sequence[Line]) -> Iterator[list[int]]:
    """Yield the numbers of the lines at either end of a page, from without."""
    numbers = list(range(len(lines)))
    yield numbers[:_MOST_RUNNING]
    yield numbers[::-1][:_MOST_RUNNING]


def _keys_of(lines: Sequence[Line], number: int, depth: int) -> list[_Key]:
    """Return what a line has in common with those of other pages that are the same head or foot."""
    line = lines[number]
    if line.alone:
        return []
    counted = not depth and line.height < _LARGER * _usual_height(lines)
    text = _COUNTED.sub("#", line.text) if counted else line.text
    place = round(line.base / _PLACE)
    return [(text, place), (text, place + 1)]


def _usual_height(lines: Sequence[Line]) -> float:
    return statistics.median(line.height for line in lines if not line.alone)


def _keys(lines: Sequence[Line]) -> Iterator[_Key]:
    for side in _sides(lines):
        for depth, number in enumerate(side):
            yield from _keys_of(lines, number, depth)


def _body(lines: Sequence[Line], running: set[_Key], *, apart: bool) -> list[Line]:
    """Return a page's lines between those that are repeated."""
    dropped = _artifacts(lines)
    for side in _sides(lines):
        outer: list[int] = []
        for depth, number in enumerate(side):
            if running.isdisjoint(_keys_of(lines, number, depth)):
                break
            outer.append(number)
        if outer and apart and not _stands_apart(lines, outer[-1], side):
            continue
        dropped.update(outer)
    return [line for number, line in enumerate(lines) if number not in dropped]


def _artifacts(lines: Sequence[Line]) -> set[int]:
    """Return the numbers of lines above or below all that a tagged file calls its content."""
    bases = [line.base for line in lines if not (line.style.artifact or line.alone)]
    boxes = [line.table.box for line in lines if line.table]
    if not bases and not boxes:
        return set()
    lowest = min([*bases, *(box[1] for box in boxes)])
    highest = max([*bases, *(box[3] for box in boxes)])
    return {
        number
        for number, line in enumerate(lines)
        if line.style.artifact and not lowest <= line.base <= highest
    }


def _stands_apart(lines: Sequence[Line], last: int, side: Sequence[int]) -> bool:
    """Tell whether there is room for a line between the last line of a head and what is within."""
    inner = last + (1 if side[0] < side[-1] else -1)
    if len(side) < 2 or not 0 <= inner < len(lines):
        return False
    within = lines[inner]
    upper, lower = sorted((lines[last], within), key=lambda line: -line.base)
    return upper.base - lower.base > _ROOM * max(upper.height, 1 if lower.alone else lower.height)
