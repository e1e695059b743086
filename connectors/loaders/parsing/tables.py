"""One model of tables for every format: cells on a grid, headers, and rows that name their columns.

A parser places cells (``Grid`` knows the rules of spans), says which rows are headers, and gets
lines: a row's text is understood without its table, and no value stands under a wrong column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line

__all__ = [
    "Cell",
    "Grid",
    "Placed",
    "Row",
    "could_be_header",
    "has_digit",
    "header_depth",
    "reads_like_header",
    "row_lines",
    "table_lines",
]

MAX_COLUMN_SPAN = 1_000
MAX_ROW_SPAN = 65_534
"""HTML's own bounds; a cell that claims more is taken for one that claims these."""
_MAX_COLUMNS = 2_000
_MOST_REPEATED = 5_000_000
"""Characters that cells which span rows add to a table."""
_LONGEST_LABEL = 300
_LONGEST_HEADER_CELL = 60
_JOINT, _BETWEEN = " > ", " | "


@dataclass(slots=True, eq=False)  # a frozen one takes twice as long to make
class Cell:
    """A cell; ``header`` marks one that names a row or a column, ``scope`` which of them.

    Two cells are never equal: it matters which one covers a place, not what it says.
    """

    text: str
    header: bool = False
    scope: str = ""


class Placed(NamedTuple):
    """A cell in one row, over the columns from ``start`` up to ``end``."""

    start: int
    end: int
    cell: Cell


_NOTHING = Cell("")

Row = tuple[Placed, ...]
"""What stands in one row, by column, with the cells that reach down into it."""


class Grid:
    """Places cells that span rows and columns, by the rules of HTML.

    >>> grid = Grid()
    >>> hall = Cell("Hall")
    >>> grid.add_row([(hall, 1, 2), (Cell("Mon"), 1, 1)])
    >>> grid.add_row([(Cell("Tue"), 1, 1)])
    >>> [[(placed.start, placed.cell.text) for placed in row] for row in grid.rows]
    [[(0, 'Hall'), (1, 'Mon')], [(0, 'Hall'), (1, 'Tue')]]
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._room = _MOST_REPEATED
        self._above: list[tuple[int, int, Cell, int]] = []  # what reaches down: start, end, rows

    def add_row(self, cells: Iterable[tuple[Cell, int, int]]) -> None:
        """Place a row's cells, each with the columns and the rows that it spans.

        No rows (0) means all that follow in its group. A cell takes the next free column; of its
        further columns it loses those that a cell from above holds.
        """
        own = list(cells)
        if not own:  # what reaches into a row without a cell of its own was said before
            self._above = [(a, b, cell, rows - 1) for a, b, cell, rows in self._above if rows > 1]
            self.rows.append(())
            return
        placed = [Placed(start, end, self._again(cell)) for start, end, cell, _ in self._above]
        reaching = [
            (start, end, cell, rows - 1) for start, end, cell, rows in self._above if rows > 1
        ]
        held = iter(self._above)
        barrier = next(held, None)
        column = 0
        for cell, columns, rows in own:
            while barrier is not None and column >= barrier[0]:
                column = max(column, barrier[1])
                barrier = next(held, None)
            if column >= _MAX_COLUMNS:
                break
            end = min(column + min(max(columns, 1), MAX_COLUMN_SPAN), _MAX_COLUMNS)
            if barrier is not None:
                end = min(end, barrier[0])
            placed.append(Placed(column, end, cell))
            down = MAX_ROW_SPAN if rows == 0 else min(rows, MAX_ROW_SPAN)
            if down > 1:
                reaching.append((column, end, cell, down - 1))
            column = end
        self._above = sorted(reaching, key=lambda each: each[0])
        self.rows.append(tuple(sorted(placed, key=lambda each: each.start)))

    def _again(self, cell: Cell) -> Cell:
        """Repeat a cell in a further row, unless a table repeats more than any reader wants."""
        self._room -= len(cell.text) + 1
        return cell if self._room > 0 else _NOTHING

    def end_group(self) -> None:
        """End a group of rows, such as a ``<tbody>``: no cell reaches out of it."""
        self._above = []


def row_lines(rows: Sequence[Row], is_header: Sequence[bool], *, places: bool = False) -> list[str]:
    """Write each row as a line of ``name: value``; the header rows above it give the names.

    Several header rows in a row are one header of many levels (``2025 > Sales``). One that is a
    single cell over the whole width is a title, a line of its own. A header further down names
    the rows below itself. With ``places``, an empty cell keeps its place where no name says in
    which column the next one stands; a column without any text has none.

    >>> rows = [("Bolt", "", "0.20"), ("Nut", "7", "0.10")]
    >>> placed = [tuple(Placed(i, i + 1, Cell(t)) for i, t in enumerate(row)) for row in rows]
    >>> row_lines(placed, [False, False], places=True)
    ['Bolt | | 0.20', 'Nut | 7 | 0.10']
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    lines: list[str] = []
    names: _Names | None = None
    pending: list[Row] = []  # header rows that have named nothing yet
    used = _used(rows, width) if places else frozenset()
    for row, header in zip(rows, is_header, strict=True):
        shown = _shown(row)
        if not shown:
            continue
        if width > 1 and len(shown) == 1 and shown[0].end - shown[0].start == width:
            if not lines or lines[-1] != _flat(shown[0].cell.text):
                lines.append(_flat(shown[0].cell.text))
        elif header:
            pending.append(row)
        else:
            if pending:
                names, pending = _Names(pending, width), []
            empty = names is None and len(shown) > 1
            lines.append(_line(_with_places(row, used) if empty else shown, names))
    lines.extend(_line(_shown(row), None) for row in pending)
    return lines


def _shown(row: Row) -> list[Placed]:
    return [placed for placed in row if placed.cell.text.strip()]


def _used(rows: Sequence[Row], width: int) -> frozenset[int]:
    """Return the columns that a cell of their own has text in; none of two columns."""
    if width < 3:
        return frozenset()
    return frozenset(a for row in rows for a, b, cell in row if b == a + 1 and cell.text.strip())


def _with_places(row: Row, used: frozenset[int]) -> list[Placed]:
    """Return a row's cells without the empty ones at its end, or in columns that are not used."""
    kept = [each for each in row if each.cell.text.strip() or each.start in used]
    while kept and not kept[-1].cell.text.strip():
        kept.pop()
    return kept


class _Names:
    """The names of columns, the outermost first where a header has several levels."""

    def __init__(self, header: Sequence[Row], width: int) -> None:
        self._paths: list[tuple[str, ...]] = [() for _ in range(width)]
        self._labels: dict[tuple[int, int], str] = {}
        last: list[Cell | None] = [None] * width
        for row in header:
            for start, end, cell in row:
                text = _as_name(cell.text)
                for column in range(start, end):
                    path = self._paths[column]
                    if text and last[column] is not cell and path[-1:] != (text,):
                        self._paths[column] = (*path, text)
                    last[column] = cell

    def label(self, start: int, end: int) -> str:
        """Name the columns of a cell; one that spans several stands under each of them."""
        if (start, end) not in self._labels:
            paths = dict.fromkeys(path for path in self._paths[start:end] if path)
            label = ", ".join(map(_JOINT.join, paths))
            if len(label) > _LONGEST_LABEL:
                label = f"{label[: _LONGEST_LABEL // 2].rstrip()} … {_JOINT.join([*paths][-1])}"
            self._labels[start, end] = label
        return self._labels[start, end]


def _line(row: Sequence[Placed], names: _Names | None) -> str:
    if names is not None:
        return _BETWEEN.join(
            f"{label}: {_flat(cell.text)}" if label else _flat(cell.text)
            for label, cell in ((names.label(start, end), cell) for start, end, cell in row)
        )
    values = [_flat(placed.cell.text) for placed in row]
    # Without names of columns, a header cell at the beginning names the row.
    if len(row) > 1 and row[0].cell.header and not row[1].cell.header:
        return f"{_as_name(row[0].cell.text)}: {_joined(values[1:])}"
    return _joined(values)


def _joined(values: Sequence[str]) -> str:
    return " ".join(_BETWEEN.join(values).split())


def _as_name(text: str) -> str:
    return one_line(text).replace(_BETWEEN, "|").rstrip(":： ")


def _flat(text: str) -> str:
    """Write a cell on one line; a bar in it does not look like the end of the cell.

    >>> _flat("pike | large")
    'pike|large'
    """
    return " ".join(clean(text).split()).replace(_BETWEEN, "|")


def table_lines(rows: Sequence[Sequence[str]], header: Sequence[str] | None) -> list[str]:
    """Write each row of a table without spans as one line.

    >>> table_lines([["P-300", "12 kg"], ["P-500", ""]], ["Model", "Weight"])
    ['Model: P-300 | Weight: 12 kg', 'Model: P-500']
    >>> table_lines([["Voltage", "230 V"]], None)
    ['Voltage | 230 V']
    """
    if header is not None and not rows:
        rows, header = [header], None
    every = [*([] if header is None else [header]), *rows]
    placed = [
        tuple(Placed(column, column + 1, Cell(text)) for column, text in enumerate(row))
        for row in every
    ]
    return row_lines(placed, [header is not None, *[False] * (len(every) - 1)] if every else [])


def reads_like_header(rows: Sequence[Row]) -> bool:
    """Tell whether the first row of an unmarked table reads like the names of its columns.

    A table of two columns may as well pair each name with a value, so there the rows below must
    hold numbers where the first holds none.
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    head = [placed.cell.text for placed in rows[0] if placed.cell.text]
    if not could_be_header(rows, width) or any(map(has_digit, head)):
        return False
    if width > 2:
        return True
    below = [row[-1].cell.text if row else "" for row in rows[1:]]
    return len(below) > 1 and all(map(has_digit, below))


def could_be_header(rows: Sequence[Row], width: int) -> bool:
    """Tell whether the first row has a short name of its own for all columns but one at most."""
    head = [placed for placed in rows[0] if placed.cell.text]
    covered = sum(placed.end - placed.start for placed in head)
    texts = {placed.cell.text for placed in head}
    short = all(len(text) <= _LONGEST_HEADER_CELL for text in texts)
    enough = len(head) >= 2 and covered >= width - 1
    return len(rows) > 1 and enough and len(texts) == len(head) and short


def header_depth(rows: Sequence[Row]) -> int:
    """Return how many rows a header has that begins with the first: cells tell that reach down."""
    depth = 1
    while depth < len(rows):
        upper = {id(placed.cell) for placed in rows[depth - 1]}
        if not any(id(placed.cell) in upper and placed.cell.text for placed in rows[depth]):
            break
        depth += 1
    return depth if depth < len(rows) else 1


def has_digit(text: str) -> bool:
    """Tell whether a digit of any script is in a text."""
    return any(map(str.isdigit, text))
