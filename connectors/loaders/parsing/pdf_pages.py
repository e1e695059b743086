"""The text of a PDF's pages: without heads and feet, with what goes on overleaf, by sections."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.parsed import Stretch
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds, is_divided
from rag_engine.connectors.loaders.parsing.pdf_line import Line, row_of_its_own, rows_of
from rag_engine.connectors.loaders.parsing.pdf_paragraphs import Paragraph, join_paragraphs
from rag_engine.connectors.loaders.parsing.pdf_structure import Figure
from rag_engine.connectors.loaders.parsing.pdf_styles import Style
from rag_engine.connectors.loaders.parsing.pdf_table_rows import going_on, unbroken

__all__ = ["put_together", "with_figures"]

_SMALLER = 0.92
"""Of a page's usual size of type: notes are smaller."""
_NOTE = re.compile(r"(?:\d{1,3}|[*†‡§¹²³⁴-⁹]+|\(\d{1,3}\)|\[\d{1,3}\])[.)]?\s?\S")
_ENDED = re.compile(r"""[.!?:;…。．！？：；।॥؟۔։።᙮‽⸮|][”"’'»›)\]）」』】]*$""")
_SENTENCE_END = re.compile(r"""[.!?…][”"’'»)\]]*(?=\s)|[。！？।॥؟۔።][”"’'»)\]）」』】]*""")
_SHORTEST = 30
_FEWEST_LINES = 3
_FULL = 0.9
_LONGEST_REST = 1_000


def with_figures(lines: Sequence[Line], figures: Sequence[Figure]) -> list[Line]:
    """Return a page's lines with what its pictures show, before what a tagged file has after it."""
    whole = list(lines)
    for figure in figures:
        later = (n for n, line in enumerate(whole) if line.style.mark > figure.mark >= 0)
        line = row_of_its_own(figure.text)
        whole.insert(next(later, len(whole)), replace(line, style=Style(mark=figure.mark)))
    return whole


def put_together(pages: Sequence[list[Line]]) -> tuple[str, tuple[Stretch, ...]]:
    """Return the text of pages, a stretch for each and for each heading.

    A sentence that goes on overleaf belongs to the page that it begins on, before the notes there.
    Rows that go on overleaf name their columns.
    """
    ends = LineEnds([line.text for lines in pages for line in lines])
    bodies: list[list[Paragraph]] = []
    notes: list[list[Paragraph]] = []
    above: list[Line] = []  # of the last page that has a body, by number
    last = -1
    for lines in pages:
        body, own_notes = _without_notes(lines)
        body = _with_names(above, body)
        if above and body and above[-1].table and body[0].table:
            parted = unbroken(above[-1].table, body[0].table, ends.join)
            if parted is not None:
                grown, table = parted
                bodies[last][-1] = bodies[last][-1]._replace(text=grown.lines[-1])
                above = [*above[:-1], replace(above[-1], table=grown)]
                body = [*rows_of(table, body[0].style), *_behind(body)]
        paragraphs = join_paragraphs(body, ends)
        if above and body and _goes_on_overleaf(above, body[0], bodies[last][-1].text):
            whole, paragraphs = bodies[last][-1], list(paragraphs)
            rest, left = _parted(paragraphs[0].text)
            bodies[last][-1] = whole._replace(text=ends.join(whole.text, rest))
            paragraphs = [*([paragraphs[0]._replace(text=left)] if left else []), *paragraphs[1:]]
        bodies.append(paragraphs)
        notes.append(join_paragraphs(own_notes, ends))
        if paragraphs:
            above, last = body, len(bodies) - 1
    return _as_text([[*a, *b] for a, b in zip(bodies, notes, strict=True)])


def _with_names(above: Sequence[Line], body: list[Line]) -> list[Line]:
    """Return a page's lines; rows at its top have the names of a table that ends the page above."""
    if not (above and body and above[-1].table and body[0].table):
        return body
    table = going_on(above[-1].table, body[0].table)
    if table is None:
        return body
    return [*rows_of(table, body[0].style), *_behind(body)]


def _behind(body: Sequence[Line]) -> list[Line]:
    """Return a page's lines without those of the table at its top."""
    return [line for line in body if line.table is not body[0].table]


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
    if line.heading or following.heading:
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


def _as_text(pages: Sequence[Sequence[Paragraph]]) -> tuple[str, tuple[Stretch, ...]]:
    parts: list[str] = []
    stretches: list[Stretch] = []
    position = 0
    path: list[tuple[int, str]] = []
    for number, paragraphs in enumerate(pages, start=1):
        anew = True
        for text, level in paragraphs:
            if parts:
                parts.append("\n\n" if anew else "\n")
                position += len(parts[-1])
            if level:
                path = [*(each for each in path if each[0] < level), (level, one_line(text))]
            end = position + len(text)
            if anew or level:
                section = tuple(name for _, name in path)
                stretches.append(Stretch(start=position, end=end, section=section, page=number))
            else:
                stretches[-1] = replace(stretches[-1], end=end)
            parts.append(text)
            position, anew = end, False
    return "".join(parts), tuple(stretches)
