"""A run of paragraphs and tables of an RTF file: its body, a note, a text box."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, holds_a_piece
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.raised import raised
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row, row_lines

__all__ = ["RowForm", "Story"]

_MOST_CELLS = 2_000


@dataclass(slots=True)
class _CellForm:
    edge: int
    across: bool
    down: bool


@dataclass(slots=True)
class RowForm:
    """How the cells of a row lie: their right edges, and which go on from others."""

    cells: list[_CellForm] = field(default_factory=list)
    header: bool = False
    across: bool = False
    down: bool = False

    def cell(self, edge: int) -> None:
        """Take the right edge of the next cell, whose flags came before it."""
        if len(self.cells) < _MOST_CELLS:
            self.cells.append(_CellForm(edge, self.across, self.down))
        self.across = self.down = False


class Story:
    """Gathers blocks; rows of a table wait until a paragraph outside of it comes."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.label = ""
        self.boxes: list[Block] = []
        self._pieces: list[str] = []
        self._raised: list[str] = []
        self._cell: list[Block] = []
        self._row: list[list[Block]] = []
        self._rows: list[tuple[RowForm, list[list[Block]]]] = []

    def put(self, text: str, *, is_raised: bool = False) -> None:
        """Add text to the paragraph; what is raised may come in several pieces."""
        if is_raised:
            self._raised.append(text)
        elif text:
            self._lower()
            self._pieces.append(text)

    def _lower(self) -> None:
        if self._raised:
            self._pieces.append(raised("".join(self._raised)))
            self._raised = []

    def paragraph(self, level: int | None, *, in_table: bool) -> None:
        """End a paragraph."""
        self._lower()
        text = "".join(self._pieces)
        text = text if text.strip() else ""
        label = " ".join(self.label.split())
        label = f"{label} " if any(map(str.isalnum, label)) else ""
        found = (
            [
                Block(
                    f"{label}{text.lstrip() if label else text}", level=level, item=bool(self.label)
                )
            ]
            if text
            else []
        )
        found += self.boxes
        self._pieces, self.label, self.boxes = [], "", []
        if in_table:
            self._cell += found
            return
        if found or not self._row:
            self.end_table()
        self.blocks += found

    def end_cell(self) -> None:
        """End a cell of a table."""
        self.paragraph(None, in_table=True)
        if len(self._row) < _MOST_CELLS:
            self._row.append(self._cell)
        self._cell = []

    def end_row(self, form: RowForm) -> None:
        """End a row of a table."""
        if self._row:
            self._rows.append((form, self._row))
        self._row = []

    def end(self) -> list[Block]:
        """End the story, whatever is still open, and return its blocks."""
        self.paragraph(None, in_table=bool(self._row or self._cell))
        if self._cell:
            self._row.append(self._cell)
            self._cell = []
        self.end_row(RowForm())
        self.end_table()
        return self.blocks

    def end_table(self) -> None:
        """Write down the rows that wait."""
        if not self._rows:
            return
        forms = [form for form, _ in self._rows]
        rows = _placed(self._rows)
        cells = [blocks for _, row in self._rows for blocks in row if blocks]
        self._rows = []
        is_header = header_rows(rows, [form.header for form in forms])
        if not any(is_header) and (len(cells) == 1 or any(map(holds_a_piece, cells))):
            self.blocks += [block for blocks in cells for block in blocks]
            return
        lines = row_lines(rows, is_header)
        if lines:
            self.blocks.append(Block("\n".join(lines), kind="table"))


def _placed(rows: list[tuple[RowForm, list[list[Block]]]]) -> list[Row]:
    """Place cells on the columns that the edges of all rows make."""
    edges = sorted({cell.edge for form, _ in rows for cell in form.cells})
    placed_rows: list[Row] = []
    above: dict[int, Cell] = {}
    for form, contents in rows:
        placed: list[Placed] = []
        start = 0
        for index, blocks in enumerate(contents):
            known = form.cells[index] if index < len(form.cells) else None
            end = max(start + 1, bisect_left(edges, known.edge) + 1 if known else 0)
            text = one_line(flattened(blocks), limit=1_000_000)
            if known is not None and known.across and placed and not text:
                placed[-1] = placed[-1]._replace(end=end)
            elif known is not None and known.down and start in above and not text:
                placed.append(Placed(start, end, above[start]))
            else:
                placed.append(Placed(start, end, Cell(text)))
            start = end
        above = {each.start: each.cell for each in placed}
        placed_rows.append(tuple(placed))
    return placed_rows
