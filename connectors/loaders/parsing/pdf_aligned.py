"""Tables without rules: pieces that stand in columns, row below row.

Taken for a table is what has one and the same gutters over at least three rows, is drawn row by
row, and has short cells; columns of prose, lists and numbered lines of code have not.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.pdf_cells import Draft
from rag_engine.connectors.loaders.parsing.pdf_pieces import Piece, columns_of, in_rows
from rag_engine.connectors.loaders.parsing.pdf_row_groups import (
    Columns,
    gap_between,
    group_rows,
    height_of,
)
from rag_engine.connectors.loaders.parsing.tables import has_digit

__all__ = ["MARKER", "AlignedTable", "aligned_tables", "rest_of_table"]

DraftRow = list[tuple[int, int, Draft]]
"""Cells with the columns that they stand in, counted as they are read, the end excluded."""

_WIDER = 1.3
"""Gutters of a small table are so much wider, as gaps of a paragraph may stand below each other."""
_FARTHEST = 2.5
_ROW_HEIGHT = 6
_WIDE_GUTTER = 0.6
_AT_ONE_PLACE = 1.5
"""Points."""
_MOSTLY = 0.6
_SIDE_BY_SIDE = 0.45
_MOST_APART = 2
_FEWEST_ROWS = 3
_MOST_ABOVE = 3
"""Rows above the rest of a table: the head of the page."""
_MOST_WORDS = 12
_DRAWN_IN_ROWS = 0.8
_FILLED = 0.5
MARKER = re.compile(r"[•·▪▫‣◦●○■□–—*\uf0b7-]|\(?\w{1,3}[.)]|\d{1,2}(?:[.)]\d{1,2})*[.)]?|\[\d+\]")


class _Region(NamedTuple):
    rows: list[list[Piece]]
    columns: list[tuple[float, float]]


class _Gathered:
    """Rows one below the other, and what they cover across, which is kept as they are gathered."""

    def __init__(self, rows: Iterable[list[Piece]], gutter: float) -> None:
        self.rows: list[list[Piece]] = []
        self._gutter = gutter
        self._covered: list[tuple[float, float]] = []
        self._heights: list[float] = []
        """In order: what follows is mostly as high, and soon in its place."""
        self._columns: list[tuple[float, float]] = []
        for row in rows:
            self.append(row)

    def append(self, row: list[Piece]) -> None:
        """Take one more row."""
        self.rows.append(row)
        self._covered = columns_of([*self._covered, *_across(row)], 0.0)
        self._heights = sorted([*self._heights, *(piece.height for piece in row)])
        self._columns = []

    def columns(self, row: Sequence[Piece] = ()) -> list[tuple[float, float]]:
        """Return the columns of the rows and of one more."""
        if row:
            height = statistics.median([*self._heights, *(piece.height for piece in row)])
            return columns_of([*self._covered, *_across(row)], self._gutter * height)
        if not self._columns:
            self._columns = columns_of(
                self._covered, self._gutter * statistics.median(self._heights)
            )
        return self._columns


def _width(row: Sequence[Piece], gutter: float) -> int:
    """Return how many columns a row makes by itself."""
    return len(columns_of(_across(row), gutter * height_of(row)))


def _across(row: Iterable[Piece]) -> Iterator[tuple[float, float]]:
    return ((piece.box[0], piece.box[2]) for piece in row)


class AlignedTable(NamedTuple):
    """A table's cells; ``sure`` says that each column is told apart from those beside it."""

    rows: list[DraftRow]
    pieces: list[Piece]
    sure: bool
    columns: Sequence[tuple[float, float]]


def aligned_tables(
    pieces: Sequence[Piece], gutter: float, *, backwards: bool
) -> Iterator[AlignedTable]:
    """Yield the tables on a page, the uppermost first.

    ``gutter`` is how wide the room between two columns is at least, of the height of a line;
    ``backwards`` says that columns are read from the right.
    """
    for region in _regions(in_rows(pieces), gutter):
        columns = Columns(region.columns[::-1] if backwards else region.columns)
        groups = group_rows(region.rows, columns)
        rows = [_drafts(group, columns) for group in groups]
        if _is_table(groups, rows, columns, gutter):
            apart = sum(_stands_apart(draft) for row in rows for _, _, draft in row)
            inside = [piece for group in groups for piece in group]
            yield AlignedTable(rows, inside, apart < _MOST_APART, columns.stretches)


def rest_of_table(
    pieces: Sequence[Piece], columns: Sequence[tuple[float, float]]
) -> AlignedTable | None:
    """Return the rows at the top of a page that stand in the columns of the page before.

    They may be too few to show a table by themselves. ``columns`` are in the order of reading.
    """
    taken: list[list[Piece]] = []
    for number, row in enumerate(in_rows(pieces)):
        if _stands_in(row, columns) and (
            not taken or gap_between(taken[-1], row) < _FARTHEST * height_of(row)
        ):
            taken.append(row)
        elif taken or number >= _MOST_ABOVE:
            break
    if not taken:
        return None
    inside = [piece for row in taken for piece in row]
    known = Columns(columns)
    return AlignedTable([_drafts(row, known) for row in taken], inside, True, known.stretches)


def _stands_in(row: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> bool:
    """Tell whether each piece of a row stands in a column of its own, and nearly all have one."""
    places = [
        [
            n
            for n, (left, right) in enumerate(columns)
            if piece.box[0] < right and left < piece.box[2]
        ]
        for piece in row
    ]
    held = {place[0] for place in places if len(place) == 1}
    return len(held) == len(row) >= max(2, len(columns) - 1)


def _stands_apart(draft: Draft) -> bool:
    """Tell whether a cell has a wide gap within a line, as two cells side by side have."""
    return any(
        b.box[0] - a.box[2] > _SIDE_BY_SIDE * a.height
        for line in draft.lines
        for a, b in pairwise(line)
    )


def _regions(rows: Sequence[list[Piece]], gutter: float) -> Iterator[_Region]:
    """Yield stretches of rows whose pieces leave the same gutters free."""
    head: list[list[Piece]] = []
    taken = _Gathered([], gutter)
    for number, row in enumerate([*rows, []]):
        if taken.rows and row and _fits(taken, row, gutter):
            taken.append(row)
            continue
        if len(taken.rows) > 1 and row and not head:
            first, *others = taken.rows
            below = _Gathered(others, gutter)
            # Names of columns that are centred reach into gutters.
            if _fits(below, row, gutter) and _is_head(first, others[0], below.columns(row)):
                head, taken = [first], below
                taken.append(row)
                continue
        count = len(taken.rows)
        if count + len(head) >= _FEWEST_ROWS:
            columns = taken.columns()
            above = rows[number - count - 1] if number > count else []
            if not head and _is_head(above, taken.rows[0], columns):
                head = [above]
            yield _Region([*head, *taken.rows], columns)
        begun = [row] if row and _width(row, gutter) > 1 else []
        head, taken = [], _Gathered(begun, gutter)


def _fits(taken: _Gathered, row: list[Piece], gutter: float) -> bool:
    height = height_of(row)
    together = len(taken.columns(row))
    return (
        together >= max(2, len(taken.columns()))
        and _extent(row) < _ROW_HEIGHT * height
        and gap_between(taken.rows[-1], row) < _FARTHEST * height
        # Else it is a stretched line of words.
        and together + 1 >= _width(row, gutter)
    )


def _is_head(
    row: Sequence[Piece], below: Sequence[Piece], stretches: Sequence[tuple[float, float]]
) -> bool:
    """Tell whether a row names columns, though its names, being centred, are not over them.

    The middle of a column is nearer to its own cells than to those beside it, however short.
    """
    height = height_of(row)
    if not row or gap_between(row, below) > _FARTHEST * height:
        return False
    columns = Columns(stretches)
    named: dict[int, Piece] = {}
    for piece in row:
        column = columns.of(piece)
        other = named.get(column, piece)
        if piece.box[0] - other.box[2] > height:
            return False
        named[column] = piece
    return len(named) >= max(2, len(columns) - 1)


def _is_table(
    groups: Sequence[list[Piece]], cells: Sequence[DraftRow], columns: Columns, gutter: float
) -> bool:
    filled = [len(row) for row in cells]
    if len(groups) < _FEWEST_ROWS or statistics.fmean(filled) < 1 + _FILLED:
        return False
    if _is_justified(groups):
        return False
    if sum(count > 1 for count in filled) < _DRAWN_IN_ROWS * len(groups):
        return False
    if sum(map(_drawn_together, groups)) < _DRAWN_IN_ROWS * len(groups):
        return False
    pieces = [piece for group in groups for piece in group]
    gutters = [right[0] - left[1] for left, right in pairwise(sorted(columns.stretches))]
    small = len(columns) < _FEWEST_ROWS or len(groups) <= _FEWEST_ROWS
    if small and min(gutters) < _WIDER * gutter * height_of(pieces):
        return False
    if min(gutters) < _WIDE_GUTTER * height_of(pieces) and not _is_in_line(cells, len(columns)):
        return False
    for column in range(len(columns)):
        own = [
            sum(len(piece.run.text.split()) for piece in draft.pieces)
            for row in cells
            for start, _, draft in row
            if start == column
        ]
        if own and statistics.fmean(own) > _MOST_WORDS:
            return False
    first = [piece for piece in pieces if columns.of(piece) == 0]
    numbers = [piece.run.text.strip() for piece in first]
    if _count_up(numbers):
        return False
    markers = sum(bool(MARKER.fullmatch(piece.run.text.strip())) for piece in first)
    return len(columns) > 2 or markers < _FILLED * len(first)


def _is_justified(rows: Sequence[Sequence[Piece]]) -> bool:
    """Tell whether rows are lines of a paragraph that are stretched to one width.

    All their blanks are wide then, so each piece is one word, and in the first and the last column
    are words. Columns that end at one place, as these do at the right, mostly hold numbers.
    """
    pieces = [piece for row in rows for piece in row]
    if any(len(piece.run.text.split()) > 1 for piece in pieces):
        return False
    firsts = [min(row, key=lambda each: each.box[0]) for row in rows]
    lasts = [max(row, key=lambda each: each.box[2]) for row in rows]
    lefts, rights = [each.box[0] for each in firsts], [each.box[2] for each in lasts]
    if max(map(_spread, (lefts, rights))) > _AT_ONE_PLACE:
        return False
    if max(_spread([each.box[2] for each in firsts]), _spread([each.box[0] for each in lasts])) < (
        _AT_ONE_PLACE
    ):
        return False
    return all(
        sum(has_digit(each.run.text) for each in side) < _FILLED * len(side)
        for side in (firsts, lasts)
    )


def _spread(places: Sequence[float]) -> float:
    return max(places) - min(places)


def _is_in_line(rows: Sequence[DraftRow], width: int) -> bool:
    """Tell whether the cells of each column begin, end or have their middle at one place."""
    for column in range(width):
        own = [draft.pieces for row in rows for start, _, draft in row if start == column]
        lefts = [min(piece.box[0] for piece in pieces) for pieces in own]
        rights = [max(piece.box[2] for piece in pieces) for pieces in own]
        middles = [(left + right) / 2 for left, right in zip(lefts, rights, strict=True)]
        if not any(map(_agree, (lefts, rights, middles))):
            return False
    return True


def _agree(places: Sequence[float]) -> bool:
    usual = statistics.median_low(places)
    return sum(abs(place - usual) < _AT_ONE_PLACE for place in places) >= _MOSTLY * len(places)


def _count_up(texts: Sequence[str]) -> bool:
    """Tell whether each text is the number after the one before, as those of lines of code are."""
    if not all(text.isdecimal() for text in texts):
        return False
    return all(int(b) - int(a) == 1 for a, b in pairwise(texts))


def _drawn_together(group: Sequence[Piece]) -> bool:
    orders = [piece.order for piece in group]
    return max(orders) - min(orders) + 1 == len(orders)


def _drafts(group: Sequence[Piece], columns: Columns) -> DraftRow:
    drafts: dict[int, Draft] = {}
    for piece in group:
        drafts.setdefault(columns.of(piece), Draft()).pieces.append(piece)
    return [(column, column + 1, draft) for column, draft in sorted(drafts.items())]


def _extent(row: Sequence[Piece]) -> float:
    return max(piece.box[3] for piece in row) - min(piece.box[1] for piece in row)
