"""Pieces of a PDF page's lines: what stands together, and the rows that pieces make."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.pdf_grid import RuledGrid
from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run

__all__ = [
    "Piece",
    "around",
    "columns_of",
    "cut",
    "in_rows",
    "least_gap",
    "marked_pieces",
    "pieces_of",
]

_GAP = 0.3
"""Of the height of a line: what is further apart are two pieces."""
_GAP_WITHOUT_BLANK = 0.25
"""The same on a page that has blanks between words, and none there."""
_DOWNS = 0.25
"""Of the height of a line: so much of it may reach over the edge of a frame."""
_SAME_ROW = 0.35
_SAME_LEVEL = 0.4
_LEVEL = 0.05
"""Of the height of a line: a word whose ends stand no further up or down stays at one height."""
_WORD = re.compile(r"[^\s\x00]+")
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
"""Signs that stand as far apart as they do by themselves; no blank tells of their gaps."""


@dataclass(slots=True, eq=False)
class Piece:
    """A stretch ``run`` of the run ``source``, and the box around it.

    ``order`` counts pieces as the program drew them.
    """

    run: Run
    box: Box
    source: Run
    order: int = 0

    @property
    def height(self) -> float:
        """How high it is, in points."""
        return self.box[3] - self.box[1]


class _Word(NamedTuple):
    """What no blank parts: the places and the boxes of its first and its last character."""

    first: int
    last: int
    begins: Box
    ends: Box


def pieces_of(written: PageText, runs: Iterable[Run]) -> list[Piece]:
    """Cut runs where there is a gap, or where what follows stands at another height."""
    pieces: list[Piece] = []
    least = least_gap(written)
    for run in runs:
        if is_right_to_left(run.text):
            words = list(_characters(written, run.characters()))
            starts = _breaks_of_right([word.begins for word in words])
        else:
            words = list(_words(written, run))
            starts = list(_breaks(written, words, least))
        for first, stop in pairwise([*starts, len(words)]):
            end = run.start + run.units if stop == len(words) else words[stop - 1].last + 1
            part = run.part(words[first].first, end)
            pieces.append(Piece(part, _around_words(words[first:stop]), run, len(pieces)))
    return pieces


def _around_words(words: Sequence[_Word]) -> Box:
    """Return the box around the ends of some words."""
    left, bottom, right, top = words[0].begins
    for _, _, begins, ends in words:
        for start, low, end, high in (begins, ends):
            if start < left:
                left = start
            if low < bottom:
                bottom = low
            if end > right:
                right = end
            if high > top:
                top = high
    return left, bottom, right, top


def marked_pieces(
    written: PageText, runs: Iterable[Run], mark: Callable[[int], int]
) -> Iterator[tuple[int, Piece]]:
    """Yield what stands under one mark within each run, with the mark that a place has."""
    for order, run in enumerate(runs):
        parts: list[tuple[int, list[_Word]]] = []
        for word in _under_one_mark(written, run, mark):
            own = mark(word.first)
            if not parts or parts[-1][0] != own:
                parts.append((own, []))
            parts[-1][1].append(word)
        for number, (own, words) in enumerate(parts, start=1):
            end = run.start + run.units if number == len(parts) else words[-1].last + 1
            yield own, Piece(run.part(words[0].first, end), _around_words(words), run, order)


def _under_one_mark(written: PageText, run: Run, mark: Callable[[int], int]) -> Iterator[_Word]:
    if is_right_to_left(run.text):
        yield from _characters(written, run.characters())
        return
    for word in _words(written, run):
        if mark(word.first) == mark(word.last):
            yield word
        else:
            text = run.text[word.first - run.start : word.last + 1 - run.start]
            yield from _characters(written, enumerate(text, start=word.first))


def _words(written: PageText, run: Run) -> Iterator[_Word]:
    """Yield what blanks part, for PDFium sets one in each gap of a line of letters.

    Where signs are wide, or a word does not stay at its height, characters come one by one.
    """
    if run.units != len(run.text):
        yield from _characters(written, run.characters())
        return
    text, start, box = run.text, run.start, written.box
    narrow = text.isascii() or not _WIDE.search(text)
    for found in _WORD.finditer(text):
        begin, stop = found.span()
        first, last = start + begin, start + stop - 1
        begins = box(first)
        if last == first:
            yield _Word(first, first, begins, begins)
            continue
        ends = box(last)
        near = _LEVEL * (begins[3] - begins[1])
        level = abs(begins[1] - ends[1]) <= near and abs(begins[3] - ends[3]) <= near
        if level and (narrow or not _WIDE.search(found[0])):
            yield _Word(first, last, begins, ends)
        else:
            yield from _characters(written, enumerate(found[0], start=first))


def _characters(written: PageText, characters: Iterable[tuple[int, str]]) -> Iterator[_Word]:
    for place, _ in characters:
        box = written.box(place)
        yield _Word(place, place, box, box)


def _breaks(written: PageText, words: Sequence[_Word], least: float) -> Iterator[int]:
    """Yield the numbers of the words that stand apart from the one before them; the first does."""
    if not words:
        return
    yield 0
    for number, (before, word) in enumerate(pairwise(words), start=1):
        _, place, _, (start, low, end, high) = before
        first, _, (left, bottom, right, top), _ = word
        height = high - low if high - low > top - bottom else top - bottom
        gap = least * height
        apart = left - end > gap or start - right > gap or abs(bottom - low) > _SAME_LEVEL * height
        if apart and not written.is_word_gap(place, first, (left - end) / (high - low or 1.0)):
            yield number


def _breaks_of_right(boxes: Sequence[Box]) -> list[int]:
    """Do the same where characters do not follow each other as they stand, as in Hebrew."""
    if not boxes:
        return []
    height = statistics.median(box[3] - box[1] for box in boxes)
    covered = columns_of(((box[0], box[2]) for box in boxes), _GAP * height)
    segments = [next(n for n, (_, end) in enumerate(covered) if box[0] <= end) for box in boxes]
    return [n for n, segment in enumerate(segments) if not n or segment != segments[n - 1]]


def least_gap(written: PageText) -> float:
    """Return how wide a gap between pieces is at least, of the height of a line."""
    narrow = written.draws_blanks and not is_right_to_left(written.text)
    return _GAP_WITHOUT_BLANK if narrow else _GAP


def cut(written: PageText, piece: Piece, grid: RuledGrid) -> list[tuple[int | None, Piece]]:
    """Cut a piece where it goes from one frame into another; with each the frame's number."""
    whole = _frame_of(piece.box, grid)
    if whole is not None:
        return [(whole, piece)]
    within: list[tuple[int | None, Piece]] = []
    start, stop, box, frame = piece.run.start, piece.run.start, None, None
    for place, _ in piece.run.characters():
        near = written.box(place)
        here = grid.frame_at((near[0] + near[2]) / 2, (near[1] + near[3]) / 2)
        if box is not None and here != frame:
            part = Piece(piece.run.part(start, stop), box, piece.source, piece.order)
            within.append((frame, part))
            start, box = place, None
        frame = here
        box = near if box is None else around([box, near])
        stop = place + 1
    if box is not None:
        last = piece.run.part(start, piece.run.start + piece.run.units)
        within.append((frame, Piece(last, box, piece.source, piece.order)))
    return within


def _frame_of(box: Box, grid: RuledGrid) -> int | None:
    """Return the number of the frame that a piece is in as a whole, but for its ups and downs."""
    left, bottom, right, top = box
    bottom, top = bottom + _DOWNS * (top - bottom), top - _DOWNS * (top - bottom)
    number = grid.frame_at(left, bottom)
    if number is None:
        return None
    frame = grid.frames[number].box
    return number if right <= frame[2] and top <= frame[3] else None


def around(boxes: Iterable[Box]) -> Box:
    """Return the box around some boxes, of which there is one at least."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def in_rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Return rows from the top, each from left to right: what overlaps in height is one row."""
    rows: list[list[Piece]] = []
    low = 0.0
    for piece in sorted(pieces, key=lambda each: -each.box[3]):
        shared = piece.box[3] - low
        if rows and (
            shared > _SAME_ROW * piece.height
            or shared > _SAME_ROW * statistics.median(each.height for each in rows[-1])
        ):
            rows[-1].append(piece)
            low = min(low, piece.box[1])
        else:
            rows.append([piece])
            low = piece.box[1]
    return [sorted(row, key=lambda each: each.box[0]) for row in rows]


def columns_of(
    stretches: Iterable[tuple[float, float]], gutter: float
) -> list[tuple[float, float]]:
    """Return what stretches across the page cover; what is no further apart is one column.

    ``gutter`` is that distance in points.

    >>> columns_of([(0, 9), (30, 39), (5, 20)], gutter=8)
    [(0, 20), (30, 39)]
    """
    columns: list[tuple[float, float]] = []
    start, end = 0.0, float("-inf")
    for left, right in sorted(stretches):
        if left - end <= gutter:
            end = max(end, right)
            columns[-1] = start, end
        else:
            start, end = left, right
            columns.append((left, right))
    return columns
