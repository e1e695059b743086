"""Tables of DOCX on the common grid: merged cells, marked headers, and headers that stand out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from docx.oxml.ns import qn

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, holds_a_piece
from rag_engine.connectors.loaders.parsing.docx_text import elements_of, is_off
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row, row_lines

__all__ = ["read_table"]

_ROWS, _CELLS = frozenset({qn("w:tr")}), frozenset({qn("w:tc")})
_VAL, _RUN, _TEXT, _TBL = qn("w:val"), qn("w:r"), qn("w:t"), qn("w:tbl")
_MOST_COLUMNS = 2_000
_WIDEST = 100


class _XmlRow(NamedTuple):
    element: Any
    placed: Row


def read_table(table: Any, read_cell: Callable[[Any], list[Block]]) -> list[Block]:
    """Return a table as one block of lines, or as the blocks of its cells if it only lays out.

    ``read_cell`` returns the blocks of a cell; it is called once for each, in reading order.
    """
    rows: list[_XmlRow] = []
    cells: list[list[Block]] = []
    for element in elements_of(table, _ROWS):
        properties = element.find(qn("w:trPr"))
        if properties is not None and properties.find(qn("w:del")) is not None:
            continue
        placed = _place(element, rows[-1].placed if rows else (), read_cell, cells)
        if any(cell.text.strip() for _, _, cell in placed):
            rows.append(_XmlRow(element, placed))
    is_header = _headers(rows)
    if not any(is_header) and (len(cells) == 1 or any(map(holds_a_piece, cells))):
        return [block for blocks in cells for block in blocks]
    lines = row_lines([row.placed for row in rows], is_header)
    return [Block("\n".join(lines), kind="table")] if lines else []


def _place(
    row: Any, above: Row, read_cell: Callable[[Any], list[Block]], cells: list[list[Block]]
) -> Row:
    """Return a row's cells by column; a cell merged downwards is there in each of its rows."""
    by_start = {placed.start: placed.cell for placed in above}
    placed: list[Placed] = []
    column = _skipped(row)
    for element in elements_of(row, _CELLS):
        if column >= _MOST_COLUMNS:
            break
        properties = element.find(qn("w:tcPr"))
        merge = None if properties is None else properties.find(qn("w:vMerge"))
        across = None if properties is None else properties.find(qn("w:hMerge"))
        span = None if properties is None else properties.find(qn("w:gridSpan"))
        end = column + _whole(span, 1)
        if across is not None and across.get(_VAL, "continue") == "continue" and placed:
            placed[-1] = placed[-1]._replace(end=end)
        elif merge is not None and merge.get(_VAL, "continue") == "continue":
            placed.append(Placed(column, end, by_start.get(column) or Cell("")))
        else:
            blocks = read_cell(element)
            if blocks:
                cells.append(blocks)
            placed.append(Placed(column, end, Cell(flattened(blocks))))
        column = end
    return tuple(placed)


def _skipped(row: Any) -> int:
    before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
    return _whole(before, 0)


def _whole(element: Any | None, default: int) -> int:
    value = "" if element is None else element.get(_VAL, "")
    return (
        min(max(int(value), default), _WIDEST) if value.isdecimal() and len(value) < 9 else default
    )


def _headers(rows: Sequence[_XmlRow]) -> list[bool]:
    """Tell which rows name the columns: those marked so, else a first one that stands out."""
    return header_rows(
        [row.placed for row in rows],
        [_is_marked(row.element) for row in rows],
        bold=lambda number: _bold(rows[number].element),
    )


def _is_marked(row: Any) -> bool:
    return not is_off(row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}"))


def _bold(row: Any) -> bool:
    runs = [run for run in row.iter(_RUN) if any(text.text for text in run.iter(_TEXT))]
    return bool(runs) and all(not is_off(run.find(f"{qn('w:rPr')}/{qn('w:b')}")) for run in runs)
