"""Pieces of a PDF page's lines: what stands together, and the rows that pieces make."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run

__all__ = ["Piece", "columns_of", "cut", "in_rows", "least_gap", "pieces_of"]

_GAP = 0.3
"""Of the height of a line: what is further apart are two pieces."""
_GAP_WITHOUT_BLANK = 0.25
"""The same on a page that has blanks between words, and none there."""
_DOWNS = 0.25
"""Of the height of a line: so much of it may reach over the edge of a frame."""
_SAME_ROW = 0.35
_SAME_LEVEL = 0.4


@dataclass(frozen=True, slots=True, eq=False)
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


def pieces_of(written: PageText, runs: Iterable[Run]) -> list[Piece]:
    """Cut runs where there is a gap, or where what follows stands at another height."""
    pieces: list[Piece] = []
    for run in runs:
        boxes = [(place, written.box(place)) for place, _ in run.characters()]
        if not boxes:
            continue
        starts = _breaks_of_right(boxes) if is_right_to_left(run.text) else _breaks(written, boxes)
        for first, stop in pairwise([*starts, len(boxes)]):
            end = run.start + run.units if stop == len(boxes) else boxes[stop - 1][0] + 1
            box = _around([box for _, box in boxes[first:stop]])
            pieces.append(Piece(run.part(boxes[first][0], end), box, run, len(pieces)))
    return pieces


def _breaks(written: PageText, boxes: Sequence[tuple[int, Box]]) -> list[int]:
    """Return the numbers of the characters that stand apart from the one before them."""
    least = least_gap(written)
    return [
        number
        for number, (place, box) in enumerate(boxes)
        if not number
        or (
            _apart(boxes[number - 1][1], box, least)
            and not written.is_word_gap(boxes[number - 1][0], place)
        )
    ]


def least_gap(written: PageText) -> float:
    """Return how wide a gap between pieces is at least, of the height of a line."""
    narrow = written.draws_blanks and not is_right_to_left(written.text)
    return _GAP_WITHOUT_BLANK if narrow else _GAP


def _breaks_of_right(boxes: Sequence[tuple[int, Box]]) -> list[int]:
    """Do the same where characters do not follow each other as they stand, as in Hebrew."""
    height = statistics.median(box[3] - box[1] for _, box in boxes)
    covered = columns_of((box for _, box in boxes), _GAP * height)
    segments = [next(n for n, (_, end) in enumerate(covered) if box[0] <= end) for _, box in boxes]
    return [n for n, segment in enumerate(segments) if not n or segment != segments[n - 1]]


def cut(written: PageText, piece: Piece, frames: Sequence[Box]) -> list[tuple[int | None, Piece]]:
    """Cut a piece where it goes from one frame into another; with each the frame's number."""
    whole = _frame_of(piece.box, frames)
    if whole is not None:
        return [(whole, piece)]
    within: list[tuple[int | None, Piece]] = []
    start, stop, box, frame = piece.run.start, piece.run.start, None, None
    for place, _ in piece.run.characters():
        near = written.box(place)
        middle = (near[0] + near[2]) / 2, (near[1] + near[3]) / 2
        if box is None or frame is None or not _holds(frames[frame], middle):
            here = next((n for n, each in enumerate(frames) if _holds(each, middle)), None)
            if box is not None and here != frame:
                within.append(
                    (frame, Piece(piece.run.part(start, stop), box, piece.source, piece.order))
                )
                start, box = place, None
            frame = here
        box = near if box is None else _around([box, near])
        stop = place + 1
    if box is not None:
        last = piece.run.part(start, piece.run.start + piece.run.units)
        within.append((frame, Piece(last, box, piece.source, piece.order)))
    return within


def _frame_of(box: Box, frames: Sequence[Box]) -> int | None:
    """Return the number of the frame that a piece is in as a whole, but for its ups and downs."""
    left, bottom, right, top = box
    bottom, top = bottom + _DOWNS * (top - bottom), top - _DOWNS * (top - bottom)
    for number, frame in enumerate(frames):
        if frame[0] <= left and right <= frame[2] and frame[1] <= bottom and top <= frame[3]:
            return number
    return None


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


def _apart(before: Box, box: Box, least: float) -> bool:
    height = max(before[3] - before[1], box[3] - box[1])
    across = max(box[0] - before[2], before[0] - box[2])
    return across > least * height or abs(box[1] - before[1]) > _SAME_LEVEL * height


def _around(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def in_rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Return rows from the top, each from left to right: what overlaps in height is one row."""
    rows: list[list[Piece]] = []
    low = 0.0
    for piece in sorted(pieces, key=lambda each: -each.box[3]):
        shared = piece.box[3] - low
        if rows and shared > _SAME_ROW * min(piece.height, statistics.median(_heights(rows[-1]))):
            rows[-1].append(piece)
            low = min(low, piece.box[1])
        else:
            rows.append([piece])
            low = piece.box[1]
    return [sorted(row, key=lambda each: each.box[0]) for row in rows]


def _heights(pieces: Sequence[Piece]) -> list[float]:
    return [each.height for each in pieces]


def columns_of(boxes: Iterable[Box], gutter: float) -> list[tuple[float, float]]:
    """Return the stretches across that boxes cover; what is no further apart is one column.

    ``gutter`` is that distance in points.

    >>> columns_of([(0, 0, 9, 9), (30, 0, 39, 9), (5, 9, 20, 18)], gutter=8)
    [(0, 20), (30, 39)]
    """
    columns: list[tuple[float, float]] = []
    for left, right in sorted((box[0], box[2]) for box in boxes):
        if columns and left - columns[-1][1] <= gutter:
            columns[-1] = columns[-1][0], max(columns[-1][1], right)
        else:
            columns.append((left, right))
    return columns
