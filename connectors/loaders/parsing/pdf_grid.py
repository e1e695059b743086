"""The cells that the rules of a PDF page frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.pdf_page_text import Box
from rag_engine.connectors.loaders.parsing.pdf_rules import NEAR, Rule

__all__ = ["Frame", "RuledGrid", "ruled_grids"]

_COVERED = 0.7
"""Of a cell's edge: so much of it must be drawn for the cell to end there."""
_SMALLEST_GRID = 3
"""Edges: a table has two rows and two columns at least."""
_MOST_CELLS = 5_000


class Frame(NamedTuple):
    """A cell's place: rows from the top and columns from the left, ends excluded; and its box."""

    top_row: int
    end_row: int
    first_column: int
    end_column: int
    box: Box


@dataclass(frozen=True, slots=True)
class RuledGrid:
    """A table's cells; together they cover it. ``xs`` and ``ys`` are its edges, in order.

    ``numbers`` are those of the frames by row and column.
    """

    frames: tuple[Frame, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    numbers: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.ys) - 1

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.xs) - 1

    @property
    def across(self) -> list[tuple[float, float]]:
        """The columns, from the left."""
        return list(pairwise(self.xs))

    @property
    def box(self) -> Box:
        """The box around all."""
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]

    def frame_at(self, x: float, y: float) -> int | None:
        """Return the number of the frame around a point; None outside of the grid."""
        column, row = bisect_right(self.xs, x) - 1, self.rows - bisect_right(self.ys, y)
        if 0 <= column < self.columns and 0 <= row < self.rows:
            return self.numbers[row][column]
        return None


def ruled_grids(across: Sequence[Rule], upright: Sequence[Rule]) -> list[RuledGrid]:
    """Return the grids that rules make, the uppermost first.

    What is no table is left out: a frame around all, rules that do not make rectangles.

    >>> lines = [Rule(at, 0, 100) for at in (0, 20, 40)], [Rule(at, 0, 40) for at in (0, 60, 100)]
    >>> [(frame.top_row, frame.first_column) for frame in ruled_grids(*lines)[0].frames]
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    found = [_grid(*each) for each in _components(across, upright)]
    return sorted((grid for grid in found if grid), key=lambda grid: -grid.box[3])


def _components(
    across: Sequence[Rule], upright: Sequence[Rule]
) -> list[tuple[list[Rule], list[Rule]]]:
    """Part rules into sets of those that touch each other."""
    parent = list(range(len(across) + len(upright)))
    for (a, level), (b, post) in product(enumerate(across), enumerate(upright, start=len(across))):
        if (
            level.start - NEAR <= post.at <= level.end + NEAR
            and post.start - NEAR <= level.at <= post.end + NEAR
        ):
            parent[_root(parent, a)] = _root(parent, b)
    sets: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for number, rule in enumerate((*across, *upright)):
        pair = sets.setdefault(_root(parent, number), ([], []))
        pair[number >= len(across)].append(rule)
    return list(sets.values())


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def _grid(across: Sequence[Rule], upright: Sequence[Rule]) -> RuledGrid | None:
    # A table may lack the edges at its sides: there the rules across end.
    xs = _edges([each.at for each in upright], [e for r in across for e in (r.start, r.end)])
    ys = _edges([each.at for each in across], [e for r in upright for e in (r.start, r.end)])[::-1]
    if min(len(xs), len(ys)) < _SMALLEST_GRID or len(xs) * len(ys) > _MOST_CELLS:
        return None
    frames = _frames(xs, ys, across, upright)
    rows, columns = len(ys) - 1, len(xs) - 1
    covered = sum(
        (each.end_row - each.top_row) * (each.end_column - each.first_column) for each in frames
    )
    starts = {each.first_column for each in frames}, {each.top_row for each in frames}
    if covered != rows * columns or min(map(len, starts)) < 2:
        return None
    numbers = [[0] * columns for _ in range(rows)]
    for number, each in enumerate(frames):
        for row in numbers[each.top_row : each.end_row]:
            row[each.first_column : each.end_column] = [number] * (
                each.end_column - each.first_column
            )
    return RuledGrid(tuple(frames), tuple(xs), tuple(ys[::-1]), tuple(map(tuple, numbers)))


def _edges(drawn: Sequence[float], ends: Sequence[float]) -> list[float]:
    if not drawn:
        return []
    outer = (min(ends, default=drawn[0]), max(ends, default=drawn[0]))
    edges: list[float] = []
    for place in sorted([*drawn, *outer]):
        if not edges or place - edges[-1] > NEAR:
            edges.append(place)
    return edges


def _frames(
    xs: Sequence[float], ys: Sequence[float], across: Sequence[Rule], upright: Sequence[Rule]
) -> list[Frame]:
    """Join the fields between which no rule is drawn; ``ys`` go down."""
    columns = len(xs) - 1
    parent = list(range((len(ys) - 1) * columns))
    posts = [[rule for rule in upright if abs(rule.at - x) <= NEAR] for x in xs]
    levels = [[rule for rule in across if abs(rule.at - y) <= NEAR] for y in ys]
    for row, column in product(range(len(ys) - 1), range(columns)):
        here = row * columns + column
        if column and not _drawn(posts[column], ys[row + 1], ys[row]):
            parent[_root(parent, here)] = _root(parent, here - 1)
        if row and not _drawn(levels[row], xs[column], xs[column + 1]):
            parent[_root(parent, here)] = _root(parent, here - columns)
    fields: dict[int, list[tuple[int, int]]] = {}
    for number in range(len(parent)):
        fields.setdefault(_root(parent, number), []).append(divmod(number, columns))
    return [_frame(each, xs, ys) for each in fields.values()]


def _frame(fields: Sequence[tuple[int, int]], xs: Sequence[float], ys: Sequence[float]) -> Frame:
    top, first = end, last = fields[0]
    if len(fields) > 1:
        rows, columns = zip(*fields, strict=True)
        top, end, first, last = min(rows), max(rows), min(columns), max(columns)
    box = xs[first], ys[end + 1], xs[last + 1], ys[top]
    return Frame(top, end + 1, first, last + 1, box)


def _drawn(rules: Sequence[Rule], start: float, end: float) -> bool:
    """Tell whether enough of an edge is drawn by rules that are near it."""
    covered = 0.0
    for _, first, last in rules:
        shared = (last if last < end else end) - (first if first > start else start)
        if shared > 0:
            covered += shared
    return covered >= _COVERED * (end - start)
