"""Which rows of a PDF table are lines of one row of cells.

Told by the order in which a program drew them, by narrower spacing, by cells that have their middle
at one height, and by cells that are full.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.pdf_pieces import Piece
from rag_engine.connectors.loaders.parsing.tables import has_digit

__all__ = ["Columns", "gap_between", "group_rows", "height_of"]

_CLOSER = 0.2
_CENTRED = 0.25
_MOST_UPPER_LINES = 4
_HALF = 0.5


class _Places(dict[Piece, int]):
    """The number of the column that a piece is in, or nearest to, found out when it is asked."""

    def __init__(self, stretches: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        self._stretches = stretches

    def __missing__(self, piece: Piece) -> int:
        self[piece] = self._nearest((piece.box[0] + piece.box[2]) / 2)
        return self[piece]

    def _nearest(self, middle: float) -> int:
        nearest, least = 0, float("inf")
        for number, (left, right) in enumerate(self._stretches):
            if left <= middle <= right:
                return number
            distance = max(left - middle, middle - right)
            if distance < least:
                nearest, least = number, distance
        return nearest


class Columns:
    """Stretches across that are columns, as they are read, and which of them a piece stands in."""

    def __init__(self, stretches: Iterable[tuple[float, float]]) -> None:
        self.stretches = tuple(stretches)
        self.of: Callable[[Piece], int] = _Places(self.stretches).__getitem__
        """Returns the number of the column that a piece is in, or nearest to."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.stretches)


def group_rows(rows: Sequence[list[Piece]], columns: Columns) -> list[list[Piece]]:
    """Join rows that are lines of one row of cells."""
    usual = _usual_gap(rows, columns)
    groups: list[list[Piece]] = []
    last: list[Piece] = []
    for row in rows:
        if groups and _continues(groups[-1], last, row, columns, usual):
            groups[-1] = [*groups[-1], *row]
        else:
            groups.append(list(row))
        # Lines above the first one drawn of their row: its other cells are higher, middles level.
        while len(groups) > 1 and _drawn_before(groups[-1], groups[-2]):
            groups[-2:] = [[*groups[-2], *groups[-1]]]
        last = row
    if len(groups) > 1 and _is_upper_line(groups[0], groups[1], columns):
        groups[:2] = [[*groups[0], *groups[1]]]
    groups = _with_full_cells(_with_upper_lines(groups, columns), columns)
    while groups and len({columns.of(piece) for piece in groups[-1]}) < 2:
        groups.pop()  # a paragraph may begin there
    return groups


def _with_full_cells(groups: Sequence[list[Piece]], columns: Columns) -> list[list[Piece]]:
    """Join rows of words whose first ones had no room in the cells above them."""
    joined: list[list[Piece]] = []
    for group in groups:
        own = {columns.of(piece) for piece in group}
        partial = len(own) < len(columns) and not (0 in own and len(own) > 1)
        words = not any(has_digit(piece.run.text) for piece in group)
        if joined and partial and words and all(_is_full(p, joined[-1], columns) for p in group):
            joined[-1] = [*joined[-1], *group]
        else:
            joined.append(group)
    return joined


def _with_upper_lines(groups: Sequence[list[Piece]], columns: Columns) -> list[list[Piece]]:
    """Join rows with the next one where only so all its cells have their middle at one height."""
    joined: list[list[Piece]] = []
    for group in groups:
        joined.append(group)
        if _is_centred(group, columns):
            continue
        for count in range(1, min(_MOST_UPPER_LINES, len(joined) - 1) + 1):
            upper = [piece for each in joined[-1 - count : -1] for piece in each]
            if len({columns.of(piece) for piece in upper}) > 1:
                break
            if _is_centred([*upper, *group], columns):
                joined[-1 - count :] = [[*upper, *group]]
                break
    return joined


def _is_centred(group: Sequence[Piece], columns: Columns) -> bool:
    cells: dict[int, tuple[float, float]] = {}
    for piece in group:
        _, low, _, high = piece.box
        column = columns.of(piece)
        bottom, top = cells.get(column, (low, high))
        cells[column] = min(bottom, low), max(top, high)
    middles = [(bottom + top) / 2 for bottom, top in cells.values()]
    return max(middles) - min(middles) < _CENTRED * height_of(group)


def _usual_gap(rows: Sequence[list[Piece]], columns: Columns) -> float:
    """Return the gap between two rows that both begin in the first column."""
    full = [0 in {columns.of(piece) for piece in row} and len(row) > 1 for row in rows]
    pairs = zip(pairwise(rows), pairwise(full), strict=True)
    gaps = [gap_between(above, row) for (above, row), both in pairs if all(both)]
    return statistics.median(gaps) if gaps else 0.0


def _continues(
    group: Sequence[Piece],
    last: Sequence[Piece],
    row: Sequence[Piece],
    columns: Columns,
    usual: float,
) -> bool:
    own = {columns.of(piece) for piece in row}
    if _drawn_before(row, group):
        return True
    if len(own) == len(columns) == len({columns.of(piece) for piece in group}):
        return False
    return gap_between(last, row) < usual - max(_CLOSER * height_of(row), _CLOSER * usual)


def _drawn_before(row: Sequence[Piece], group: Sequence[Piece]) -> bool:
    """Tell whether a program drew some of a row before the last of what stands above it."""
    return min(piece.order for piece in row) < max(piece.order for piece in group)


def _is_full(piece: Piece, group: Sequence[Piece], columns: Columns) -> bool:
    """Tell whether the first word of a piece has no room in the line of the cell above it."""
    column = columns.of(piece)
    left, right = columns.stretches[column]
    above = [each for each in group if columns.of(each) == column]
    if not above:
        return False
    text = piece.run.text.strip()
    word = (piece.box[2] - piece.box[0]) * (len(text.split()[0]) + 1) / max(len(text), 1)
    width = max(each.box[2] - each.box[0] for each in above)
    return right - left - width < word


def _is_upper_line(first: Sequence[Piece], second: Sequence[Piece], columns: Columns) -> bool:
    """Tell whether the first row is the upper line of some cells of the second, a header."""
    upper = {columns.of(piece) for piece in first}
    lower = {columns.of(piece) for piece in second}
    return (
        0 not in upper
        and upper < lower
        and not any(has_digit(piece.run.text) for piece in [*first, *second])
        and gap_between(first, second) < _HALF * height_of(first)
    )


def gap_between(above: Sequence[Piece], below: Sequence[Piece]) -> float:
    """Return the room between two rows, in points; less than 0 where they overlap."""
    return min(piece.box[1] for piece in above) - max(piece.box[3] for piece in below)


def height_of(row: Sequence[Piece]) -> float:
    """Return how high the pieces of a row are, in points."""
    return statistics.median(piece.height for piece in row) if row else 1.0
