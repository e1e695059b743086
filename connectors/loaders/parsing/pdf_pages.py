"""The text of a PDF's pages: without heads and feet, with sentences that go on overleaf."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from rag_engine.connectors.loaders.parsing.parsed import Stretch
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds, is_divided
from rag_engine.connectors.loaders.parsing.pdf_lines import Line, join_paragraphs
from rag_engine.connectors.loaders.parsing.tables import has_digit

__all__ = ["put_together", "without_running_lines"]

_FEWEST_REPEATED = 3
"""Pages that have one line at one place: it is a head or a foot."""
_MOST_RUNNING = 3
"""Lines at either end of a page."""
_PLACE = 4.0
"""Points: so near are two heads at one place."""
_SMALLER = 0.92
"""Of a page's usual size of type: notes are smaller."""
_NOTE = re.compile(r"(?:\d{1,3}|[*†‡§¹²³⁴-⁹]+|\(\d{1,3}\)|\[\d{1,3}\])[.)]?\s?\S")
_ENDED = re.compile(r"""[.!?:;…。．！？：；।॥؟۔։።᙮‽⸮|][”"’'»›)\]）」』】]*$""")
_SENTENCE_END = re.compile(r"""[.!?…][”"’'»)\]]*(?=\s)|[。！？।॥؟۔።][”"’'»)\]）」』】]*""")
_SHORTEST = 30
_FEWEST_LINES = 3
_FULL = 0.9
_LONGEST_REST = 1_000

_Key = tuple[str, int]


def without_running_lines(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Drop heads and feet that pages repeat at one place.

    The outermost line may have another number on each page, those within are the same. One without
    any number stays on the first page that has it, unless a page says it elsewhere too.
    """
    filled = [lines for lines in pages if lines]
    if len(filled) < _FEWEST_REPEATED:
        return list(pages)
    counts = Counter(key for lines in filled for key in set(_keys(lines)))
    running = {key for key, count in counts.items() if count >= _FEWEST_REPEATED}
    bodies = [_body(lines, running) for lines in pages]
    if not any(bodies):
        return list(pages)
    said = {line.text for lines in bodies for line in lines}
    whole: list[list[Line]] = []
    for lines, body in zip(pages, bodies, strict=True):
        kept = {id(line) for line in body}
        for line in lines:
            if id(line) not in kept and line.text not in said and not has_digit(line.text):
                said.add(line.text)
                kept.add(id(line))
        whole.append([line for line in lines if id(line) in kept])
    return whole


def _sides(lines: Sequence[Line]) -> Iterator[list[int]]:
    """Yield the numbers of the lines at either end of a page, from without."""
    numbers = list(range(len(lines)))
    yield numbers[:_MOST_RUNNING]
    yield numbers[::-1][:_MOST_RUNNING]


def _keys_of(line: Line, depth: int) -> list[_Key]:
    """Return what a line has in common with those of other pages that are the same head or foot."""
    if line.alone:
        return []
    text = line.text if depth else re.sub(r"\d+", "#", line.text)
    place = round(line.base / _PLACE)
    return [(text, place), (text, place + 1)]


def _keys(lines: Sequence[Line]) -> Iterator[_Key]:
    for side in _sides(lines):
        for depth, number in enumerate(side):
            yield from _keys_of(lines[number], depth)


def _body(lines: Sequence[Line], running: set[_Key]) -> list[Line]:
    """Return a page's lines between those that are repeated."""
    dropped: set[int] = set()
    for side in _sides(lines):
        for depth, number in enumerate(side):
            if running.isdisjoint(_keys_of(lines[number], depth)):
                break
            dropped.add(number)
    return [line for number, line in enumerate(lines) if number not in dropped]


def put_together(pages: Sequence[list[Line]]) -> tuple[str, tuple[Stretch, ...]]:
    """Return the text of pages, a stretch for each.

    A sentence that goes on overleaf belongs to the page that it begins on, before the notes there.
    """
    ends = LineEnds([line.text for lines in pages for line in lines])
    bodies: list[list[str]] = []
    notes: list[list[str]] = []
    above: list[Line] = []  # of the last page that has a body, by number
    last = -1
    for lines in pages:
        body, own_notes = _without_notes(lines)
        paragraphs = join_paragraphs(body, ends)
        if above and body and _goes_on_overleaf(above, body[0], bodies[last][-1]):
            rest, paragraphs[0] = _parted(paragraphs[0])
            bodies[last][-1] = ends.join(bodies[last][-1], rest)
            paragraphs = paragraphs if paragraphs[0] else paragraphs[1:]
        bodies.append(paragraphs)
        notes.append(join_paragraphs(own_notes, ends))
        if paragraphs:
            above, last = body, len(bodies) - 1
    return _as_text([[*a, *b] for a, b in zip(bodies, notes, strict=True)])


def _without_notes(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Part a page's lines from the notes at its foot: small ones, of which the first is marked."""
    sizes = [line.height for line in lines if not line.alone]
    usual = statistics.median(sizes) if sizes else 0.0
    start = len(lines)
    while start and lines[start - 1].alone:  # what is written onto the page comes last
        start -= 1
    while start and not lines[start - 1].alone and lines[start - 1].height < _SMALLER * usual:
        start -= 1
    while start < len(lines) and not lines[start].alone and not _NOTE.match(lines[start].text):
        start += 1
    if start < len(lines) and lines[start].alone:
        start = len(lines)
    return list(lines[:start]), list(lines[start:])


def _goes_on_overleaf(above: Sequence[Line], following: Line, paragraph: str) -> bool:
    """Tell whether the last line of a page goes on with the first one of another.

    Small letters go on; letters of scripts without them do where the last line is a full one.
    """
    line = above[-1]
    if line.alone or following.alone or _ENDED.search(paragraph):
        return False
    if is_divided(line.text, following.text):
        return True
    smaller, larger = sorted((line.height, following.height))
    first = following.text[0]
    wide = unicodedata.east_asian_width(first) == "W"
    if smaller < _SMALLER * larger or len(line.text) < _SHORTEST / (1 + wide):
        return False
    widths = [abs(each.end - each.start) for each in above if not each.alone]
    full = len(widths) >= _FEWEST_LINES and widths[-1] > _FULL * max(widths)
    return first.islower() or (first.isalpha() and not first.isupper() and full)


def _parted(paragraph: str) -> tuple[str, str]:
    """Return the rest of a sentence, and what comes after it.

    >>> _parted("and stops. It starts again.")
    ('and stops.', 'It starts again.')
    """
    end = _SENTENCE_END.search(paragraph, 0, _LONGEST_REST)
    if end is None:
        return (paragraph, "") if len(paragraph) <= _LONGEST_REST else ("", paragraph)
    return paragraph[: end.end()], paragraph[end.end() :].lstrip()


def _as_text(pages: Sequence[Sequence[str]]) -> tuple[str, tuple[Stretch, ...]]:
    parts: list[str] = []
    stretches = []
    position = 0
    for number, paragraphs in enumerate(pages, start=1):
        text = "\n".join(paragraphs)
        if text:
            if parts:
                parts.append("\n\n")
                position += 2
            parts.append(text)
            stretches.append(Stretch(start=position, end=position + len(text), page=number))
            position += len(text)
    return "".join(parts), tuple(stretches)
