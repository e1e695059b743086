"""Tables of a tagged PDF page: the file says what their cells are, and which of them are headers.

Places on the page are asked only whether they bear that out: of a table that goes on overleaf,
a page may not tell which columns its first rows stand in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.pdf_cells import MOST_LINES_OF_A_CELL, CellReader, Draft
from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run
from rag_engine.connectors.loaders.parsing.pdf_pieces import Piece, around, marked_pieces
from rag_engine.connectors.loaders.parsing.pdf_structure import TaggedCell, TaggedRow
from rag_engine.connectors.loaders.parsing.pdf_table_rows import TableRows, rows_of_cells
from rag_engine.connectors.loaders.parsing.table_headers import marked_headers
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, Row

__all__ = ["tagged_tables"]

_FEWEST_COLUMNS = 2
_OVERLAP = 1.0
"""Points: so far a cell may reach into the column beside its own, and a row into the one above."""

_Drafts = dict[TaggedCell, Draft]


def tagged_tables(
    written: PageText,
    runs: Sequence[Run],
    tables: Sequence[Sequence[TaggedRow]],
    mark: Callable[[int], int],
    reader: CellReader,
) -> tuple[list[TableRows], list[Run]]:
    """Return the tables that a page's structure tells of, and the runs that are left.

    ``mark`` gives the number by which the structure knows what stands at a place.
    """
    told = [cell for table in tables for row in table for cell in row.cells]
    cells = {number: cell for cell in told for number in cell.marks}
    if not cells:
        return [], list(runs)
    inside = [
        run for run in runs if run.text.strip() and not cells.keys().isdisjoint(map(mark, run.ends))
    ]
    pieces = list(marked_pieces(written, inside, mark))
    drafts: _Drafts = {}
    for number, piece in pieces:
        if number in cells:
            drafts.setdefault(cells[number], Draft()).pieces.append(piece)
    found: list[TableRows] = []
    taken: set[Piece] = set()
    for table in tables:
        rows = _read(table, drafts, reader)
        if rows is not None:
            found.append(rows)
            taken.update(_pieces(table, drafts))
    if not found:
        return [], list(runs)
    cut = {id(piece.source) for piece in taken}
    left = [run for run in runs if id(run) not in cut]
    left += [piece.run for _, piece in pieces if id(piece.source) in cut and piece not in taken]
    return found, sorted(left, key=lambda run: run.start)


def _pieces(table: Sequence[TaggedRow], drafts: _Drafts) -> list[Piece]:
    told = (drafts[cell].pieces for row in table for cell in row.cells if cell in drafts)
    return [piece for pieces in told for piece in pieces]


def _read(table: Sequence[TaggedRow], drafts: _Drafts, reader: CellReader) -> TableRows | None:
    """Return the rows of a table; None where it only lays out, or its cells stand otherwise."""
    grid = Grid()
    boxes: dict[int, Box] = {}
    for row in table:
        cells = []
        for told in row.cells:
            draft = drafts.get(told, Draft())
            cell = Cell(reader.read(draft).text, header=told.header, scope=told.scope)
            if draft.pieces:
                boxes[id(cell)] = around(piece.box for piece in draft.pieces)
            if len(draft.lines) > MOST_LINES_OF_A_CELL:
                return None
            cells.append((cell, told.columns, told.rows))
        grid.add_row(cells)
    columns = _columns(grid.rows, boxes, backwards=reader.backwards)
    if columns is None or not _go_down(grid.rows, boxes):
        return None
    inside = _pieces(table, drafts)
    bold = [
        all(reader.is_bold(drafts[cell]) for cell in row.cells if cell in drafts) for row in table
    ]
    names = _headers(grid.rows, table)
    return rows_of_cells(
        grid.rows,
        (names or bold).__getitem__,
        names=names,
        box=around(piece.box for piece in inside),
        start=min(piece.run.start for piece in inside),
        columns=columns,
        ruled=False,
    )


def _headers(rows: Sequence[Row], table: Sequence[TaggedRow]) -> list[bool] | None:
    """Tell which rows name columns; None where no cell is marked as a header."""
    if not any(row.in_head or any(cell.header for cell in row.cells) for row in table):
        return None
    return marked_headers(rows, [row.in_head for row in table])


def _columns(
    rows: Sequence[Row], boxes: Mapping[int, Box], *, backwards: bool
) -> list[tuple[float, float]] | None:
    """Return where columns stand, as they are read; None if not beside each other, or too few."""
    stretches: dict[int, tuple[float, float]] = {}
    for row in rows:
        for start, end, cell in row:
            if end - start == 1 and id(cell) in boxes:
                left, _, right, _ = boxes[id(cell)]
                known = stretches.get(start, (left, right))
                stretches[start] = min(known[0], left), max(known[1], right)
    across = [stretch for _, stretch in sorted(stretches.items(), reverse=backwards)]
    beside = all(one[1] <= other[0] + _OVERLAP for one, other in pairwise(across))
    if not beside or len(across) < _FEWEST_COLUMNS:
        return None
    return across[::-1] if backwards else across


def _go_down(rows: Sequence[Row], boxes: Mapping[int, Box]) -> bool:
    """Tell whether rows, of which there are several, stand one below the other."""
    count = Counter(id(cell) for row in rows for _, _, cell in row)
    own = [
        [boxes[id(c)][3] for _, _, c in row if count[id(c)] == 1 and id(c) in boxes] for row in rows
    ]
    tops = [max(each) for each in own if each]
    return len(tops) > 1 and all(b < a + _OVERLAP for a, b in pairwise(tops))
