"""Tables of HTML: cells as they stream by, and which of their rows are headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, holds_a_piece
from rag_engine.connectors.loaders.parsing.spoken import Spoken
from rag_engine.connectors.loaders.parsing.table_headers import header_rows, marked_headers
from rag_engine.connectors.loaders.parsing.tables import (
    Cell,
    Grid,
    Placed,
    Row,
    has_digit,
    header_depth,
    row_lines,
)

__all__ = ["HtmlTable"]

_LAYOUT_ROLES = frozenset({"none", "presentation"})
_GROUPS = frozenset({"tbody", "tfoot", "thead"})
_PLAIN = re.compile(r"(?:transparent|none|inherit|initial|#fff|#ffffff|white)\b", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;]+)", re.IGNORECASE)
_LONGEST_VALUE, _LONGEST_OF_A_TABLE = 40, 120
"""Characters of a number, and of any cell."""


@dataclass(slots=True)
class _OpenCell:
    header: bool
    scope: str
    columns: int
    rows: int
    background: str = ""
    weights: set[bool] = field(default_factory=set)  # whether its words are bold
    blocks: list[Block] = field(default_factory=list)


class HtmlTable:
    """Gathers one table; it is asked for ``lines`` or, where it only lays a page out, ``blocks``.

    ``marker`` is the number of the list item that the table stands in, if nothing stood before.
    """

    def __init__(self, attributes: Mapping[str, str], marker: str = "") -> None:
        self.marker = marker
        self._layout = attributes.get("role", "").strip().lower() in _LAYOUT_ROLES
        self._rows: list[tuple[str, int, list[_OpenCell]]] = []  # group's tag and number, cells
        self._group, self._groups = "", 0
        self._row: list[_OpenCell] | None = None
        self._row_background = ""
        self._cell: _OpenCell | None = None
        self.spoken = Spoken()
        self._caption: list[Block] = []
        self._in_caption = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take an opening tag inside of the table, but outside of an inner one."""
        if tag in {"td", "th"}:
            if self._row is None:
                self._open_row()
            self._cell = _OpenCell(
                header=tag == "th",
                scope=attributes.get("scope", "").strip().lower(),
                columns=_number(attributes.get("colspan"), least=1),
                rows=_number(attributes.get("rowspan"), least=0),
                background=_background(attributes) or self._row_background,
            )
        elif tag == "tr":
            self._open_row()
            self._row_background = _background(attributes)
        elif tag in _GROUPS:
            self._group = tag
            self._groups += 1
        elif tag == "caption":
            self._in_caption = True

    def _open_row(self) -> None:
        self._row = []
        self._rows.append((self._group, self._groups, self._row))

    def take(self, block: Block) -> bool:
        """Take a block of text, if a cell or the caption is open."""
        self.spoken.add(block.language, len(block.text))
        if self._cell is not None:
            self._cell.blocks.append(block)
        elif self._in_caption:
            self._caption.append(block)
        return self._cell is not None or self._in_caption

    def words(self, *, bold: bool) -> None:
        """Learn how words in the open cell are set."""
        if self._cell is not None:
            self._cell.weights.add(bold)

    def end(self, tag: str) -> None:
        """Take a closing tag."""
        if tag in {"td", "th"} and self._cell is not None:
            if self._row is not None:
                self._row.append(self._cell)
            self._cell = None
        elif tag == "tr":
            self._row = None
            self._row_background = ""
        elif tag in _GROUPS:
            self._group = ""
            self._groups += 1
        elif tag == "caption":
            self._in_caption = False

    def lines(self) -> list[str]:
        """Return the caption, then each row with the names of its columns."""
        grid, is_header = self._placed()
        caption = " ".join(" ".join(block.text.split()) for block in self._caption)
        lines = row_lines(grid.rows, is_header, places=True)
        return [*([caption] if caption else []), *lines]

    def blocks(self) -> list[Block]:
        """Return the blocks of a table that only lays a page out, and nothing for any other.

        Such a table says so, or has no header and whole pieces of a page in its cells.
        """
        cells = [cell for _, _, row in self._rows for cell in row]
        if not self._layout:
            if any(cell.header for cell in cells) or any(g == "thead" for g, _, _ in self._rows):
                return []
            if not any(holds_a_piece(cell.blocks) for cell in cells):
                return []
        return [*self._caption, *(block for cell in cells for block in cell.blocks)]

    def _placed(self) -> tuple[Grid, list[bool]]:
        grid = Grid()
        looks: dict[int, str] = {}  # of each cell, what sets it apart
        group = 0
        for _, number, cells in self._rows:
            if number != group:
                grid.end_group()
                group = number
            placed = []
            for cell in cells:
                made = Cell(flattened(cell.blocks), cell.header, cell.scope)
                looks[id(made)] = "bold" if cell.weights == {True} else cell.background
                placed.append((made, cell.columns, cell.rows))
            grid.add_row(placed)
        groups = [tag for tag, _, _ in self._rows]
        if "thead" in groups or any(cell.header for _, _, row in self._rows for cell in row):
            return grid, marked_headers(grid.rows, [group == "thead" for group in groups])
        every = (cell for _, _, row in self._rows for cell in row)
        if any(block.kind == "table" for cell in every for block in cell.blocks):
            return grid, [False] * len(grid.rows)
        return grid, _unmarked_headers(grid.rows, looks)


def _unmarked_headers(rows: Sequence[Row], looks: Mapping[int, str]) -> list[bool]:
    """Tell which rows name columns in a table that marks none: the first that is set apart.

    It is bold or has a background that the row below lacks, or stands over numbers. Rows without
    text, and titles, may come before it.
    """
    shown = [tuple(placed for placed in row if placed.cell.text.strip()) for row in rows]
    first = next((i for i, row in enumerate(shown) if len(row) > 1), len(rows))
    top, rest = shown[first : first + 1], shown[first + 1 :]
    levels = header_depth(rows[first:])  # of which only the last stands over values
    if not any(rest):
        return [False] * len(rows)
    apart, *others = ({looks.get(id(cell), "") for _, _, cell in row} for row in [*top, *rest])
    stands_out = "" not in apart and apart.isdisjoint(next(filter(None, others)))
    if apart != {"bold"} and any(look and look <= apart for look in others):
        stands_out = False  # rows of two colours by turns
    if not (stands_out or _numbers_stand(rest[levels - 1 :])):
        return [False] * len(rows)

    def is_apart(number: int) -> bool:
        cells = [cell for _, _, cell in shown[first + number]]
        return (
            stands_out and bool(cells) and all(looks.get(id(each), "") in apart for each in cells)
        )

    return [False] * first + header_rows(rows[first:], bold=is_apart)


def _numbers_stand(rows: Sequence[Sequence[Placed]]) -> bool:
    """Tell whether a column but the first holds short values with digits, and nothing else.

    Where a cell holds prose, the table may as well lay out a page, and none does.
    """
    columns: dict[int, bool] = {}
    for row in rows:
        for start, _, cell in row:
            number = has_digit(cell.text) and len(cell.text) <= _LONGEST_VALUE
            columns[start] = columns.get(start, True) and number
    if any(len(cell.text) > _LONGEST_OF_A_TABLE for row in rows for _, _, cell in row):
        return False
    return any(start > 0 and numbers for start, numbers in columns.items())


def _background(attributes: Mapping[str, str]) -> str:
    """Return a cell's or a row's background, nothing where it is the page's."""
    styled = _BACKGROUND.search(attributes.get("style", ""))
    value = (styled.group(1) if styled else attributes.get("bgcolor", "")).strip().lower()
    return "" if _PLAIN.match(value) else value


def _number(value: str | None, *, least: int) -> int:
    """Read a span as a browser does: digits at the beginning, 1 where there are none."""
    digits = ""
    for sign in (value or "").strip()[:9]:
        if not ("0" <= sign <= "9"):
            break
        digits += sign
    return max(int(digits), least) if digits and int(digits) >= least else 1
