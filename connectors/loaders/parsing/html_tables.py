"""Tables of HTML: cells as they stream by, and which of their rows are headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, holds_a_piece
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, Row, header_depth, row_lines

__all__ = ["HtmlTable"]

_LAYOUT_ROLES = frozenset({"none", "presentation"})
_GROUPS = frozenset({"tbody", "tfoot", "thead"})
_ROW_SCOPES = frozenset({"row", "rowgroup"})


@dataclass(slots=True)
class _OpenCell:
    header: bool
    scope: str
    columns: int
    rows: int
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
        self._cell: _OpenCell | None = None
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
            )
        elif tag == "tr":
            self._open_row()
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
        if self._cell is not None:
            self._cell.blocks.append(block)
        elif self._in_caption:
            self._caption.append(block)
        return self._cell is not None or self._in_caption

    def end(self, tag: str) -> None:
        """Take a closing tag."""
        if tag in {"td", "th"} and self._cell is not None:
            if self._row is not None:
                self._row.append(self._cell)
            self._cell = None
        elif tag == "tr":
            self._row = None
        elif tag in _GROUPS:
            self._group = ""
            self._groups += 1
        elif tag == "caption":
            self._in_caption = False

    def lines(self) -> list[str]:
        """Return the caption, then each row with the names of its columns."""
        grid, is_header = self._placed()
        caption = " ".join(" ".join(block.text.split()) for block in self._caption)
        return [*([caption] if caption else []), *row_lines(grid.rows, is_header)]

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
        group = 0
        for _, number, cells in self._rows:
            if number != group:
                grid.end_group()
                group = number
            grid.add_row(
                (Cell(flattened(cell.blocks), cell.header, cell.scope), cell.columns, cell.rows)
                for cell in cells
            )
        return grid, _headers(grid.rows, [tag for tag, _, _ in self._rows])


def _headers(rows: Sequence[Row], groups: Sequence[str]) -> list[bool]:
    """Tell for each row whether it names columns: it stands in a head, or is all header cells.

    Header cells that reach down make the rows that they reach into headers, at the table's top.
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    marked = [_names_columns(row, width) for row in rows]
    in_head = [group == "thead" for group in groups]
    if any(in_head) and not all(in_head):
        marked = [head or names for head, names in zip(in_head, marked, strict=True)]
    elif any(marked):
        first = next(index for index, row in enumerate(rows) if not _is_title(row, width))
        if marked[first]:
            end = first + header_depth(rows[first:])
            marked[first:end] = [True] * (end - first)
    return [False] * len(rows) if all(marked) else marked


def _is_title(row: Row, width: int) -> bool:
    return not row or (len(row) == 1 and row[0].end - row[0].start == width > 1)


def _names_columns(row: Row, width: int) -> bool:
    """Tell whether a row is all header cells, but for a corner that may be another one.

    >>> from rag_engine.connectors.loaders.parsing.tables import Placed
    >>> corner, name = Placed(0, 1, Cell("")), Placed(1, 2, Cell("2025", header=True))
    >>> _names_columns((corner, name), 2), _names_columns((name, corner), 2)
    (True, False)
    """
    if sum(end - start for start, end, _ in row) < max(width - 1, 1) or len(row) < min(width, 2):
        return False
    first, *others = row
    if any(placed.cell.scope in _ROW_SCOPES for placed in others):
        return False
    if not all(placed.cell.header for placed in others):
        return False
    return first.cell.header or len(others) > 1 or (bool(others) and not first.cell.text.strip())


def _number(value: str | None, *, least: int) -> int:
    """Read a span as a browser does: digits at the beginning, 1 where there are none."""
    digits = ""
    for sign in (value or "").strip()[:9]:
        if not ("0" <= sign <= "9"):
            break
        digits += sign
    return max(int(digits), least) if digits and int(digits) >= least else 1
