"""Tables of a PDF page, by where their cells stand: in a grid of rules, or in columns.

A PDF knows no tables. What looks like one is looked at closely: pages without a grid on which no
line has a wide gap or stands beside another are left alone. Where it is not sure which cell is
under which column, the lines stay lines, with their pieces set apart.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.pdf_aligned import (
    MARKER,
    AlignedTable,
    aligned_tables,
    rest_of_table,
)
from rag_engine.connectors.loaders.parsing.pdf_cells import MOST_LINES_OF_A_CELL, CellReader, Draft
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds
from rag_engine.connectors.loaders.parsing.pdf_grid import Frame, RuledGrid, ruled_grids
from rag_engine.connectors.loaders.parsing.pdf_page_text import Box, PageText, Run
from rag_engine.connectors.loaders.parsing.pdf_pieces import (
    Piece,
    around,
    cut,
    in_rows,
    least_gap,
    pieces_of,
)
from rag_engine.connectors.loaders.parsing.pdf_row_groups import Columns, group_rows
from rag_engine.connectors.loaders.parsing.pdf_rules import read_rules
from rag_engine.connectors.loaders.parsing.pdf_structure import TaggedRow
from rag_engine.connectors.loaders.parsing.pdf_styles import StyleReader
from rag_engine.connectors.loaders.parsing.pdf_table_rows import TableRows, rows_of_cells
from rag_engine.connectors.loaders.parsing.pdf_tagged_tables import tagged_tables
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row

__all__ = ["set_tables_apart"]

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff01-\uff60]")
"""Characters that take the room of two."""
_WIDE_ADVANCE = 0.54
"""Of the height of a line: what a character takes on average where a line has gaps."""
_ODD_ADVANCE = 1.3
_LEVEL = 0.3
_BESIDE = 0.45
_FEWEST_ODD = 2
_NEIGHBOURS = 12
_WIDE_GAP = 2.0
_MOST_PIECES = 3_000
"""A page with more is a drawing."""
_MOST_ROWS_OF_A_FRAME = 2
_FEWEST_LINES_OF_A_BODY = 3


def set_tables_apart(
    page: Any,
    text_page: Any,
    written: PageText,
    runs: Sequence[Run],
    *,
    backwards: bool,
    above: TableRows | None = None,
    tagged: Sequence[Sequence[TaggedRow]] = (),
    mark: Callable[[int], int] = lambda place: -1,
) -> list[Run | TableRows]:
    """Return a page's runs with tables in the place of those that they are made of.

    ``above`` is the last table of the page before, which may go on here. ``tagged`` are the tables
    that the file tells of, ``mark`` gives the number by which it knows what stands at a place.
    """
    ends = LineEnds([run.text for run in runs])
    reader = CellReader(text_page, written, ends, backwards=backwards)
    odd = _odd_runs(written, runs, StyleReader(text_page).em)
    told, free_runs = tagged_tables(written, runs, tagged, mark, reader)
    whole = 0 < len(told) == len(tagged)  # what is left to find has no rules
    grids = [] if whole else ruled_grids(*read_rules(page))
    if (
        len(odd) < (1 if above else _FEWEST_ODD) and not grids
    ):  # cells of narrow columns stand as near as words
        return _in_order(free_runs, told)
    near = _beside(odd, len(runs)) | _framed(written, runs, grids)
    passed = {id(run) for number, run in enumerate(runs) if number not in near}
    pieces = pieces_of(written, [run for run in free_runs if id(run) not in passed])
    if len(pieces) > _MOST_PIECES:
        return _in_order(free_runs, told)
    found: list[tuple[TableRows, list[Piece]]] = []
    for grid in grids:
        table, inside, pieces = _ruled(written, grid, pieces, reader)
        if table is not None:
            found.append((table, inside))
    free = _without(pieces, found)
    for aligned in aligned_tables(free, least_gap(written), backwards=backwards):
        found.append((_rows_of(aligned, reader), aligned.pieces))
    left = _without(pieces, found)
    rest = rest_of_table(left, above.columns) if above and above.columns and not whole else None
    if rest:
        found.append((_rows_of(rest, reader), rest.pieces))
        left = _without(left, found)
    others = [run for run in free_runs if id(run) in passed]
    return _in_order([*others, *_together(left)], [*told, *(table for table, _ in found)])


def _without(
    pieces: Iterable[Piece], found: Iterable[tuple[TableRows, list[Piece]]]
) -> list[Piece]:
    taken = {id(piece) for _, inside in found for piece in inside}
    return [piece for piece in pieces if id(piece) not in taken]


def _rows_of(table: AlignedTable, reader: CellReader) -> TableRows:
    """Write a table's rows; where its columns are not sure, each piece for itself, without names.

    So no value stands under the name of another column.
    """
    box, start = around(piece.box for piece in table.pieces), _start(table.pieces)
    if not table.sure:
        apart = [[Draft([p]) for _, _, draft in row for p in draft.pieces] for row in table.rows]
        lines = (" | ".join(reader.read(draft).text for draft in row) for row in apart)
        return TableRows(lines=tuple(lines), box=box, start=start)
    rows = [tuple(Placed(a, b, reader.read(draft)) for a, b, draft in row) for row in table.rows]
    bold = [all(reader.is_bold(draft) for _, _, draft in row) for row in table.rows]
    return rows_of_cells(
        rows, bold.__getitem__, box=box, start=start, columns=table.columns, ruled=False
    )


def _start(pieces: Iterable[Piece]) -> int:
    """Return the place of the first character of some pieces."""
    return min(piece.run.start for piece in pieces)


def _odd_runs(written: PageText, runs: Sequence[Run], em_at: Callable[[int], float]) -> list[int]:
    """Return cheaply which runs have gaps, or stand apart beside, or above, the one before.

    ``em_at`` tells the size of type at a place.
    """
    advances: list[tuple[int, float]] = []
    odd: list[int] = []
    before: Box | None = None
    for number, run in enumerate(runs):
        text = run.text.strip()
        if not text:
            continue
        first, last = written.end_boxes(run)
        height = max(first[3] - first[1], 1.0)
        if before is not None:
            risen = (first[1] - before[1]) / height
            across = max(first[0] - before[2], before[0] - first[2])
            if risen > _LEVEL or (risen > -_LEVEL and across > _BESIDE * height):
                odd.append(number)
        before = last
        units = len(text) if text.isascii() else len(text) + len(_WIDE.findall(text))
        advances.append((number, abs(last[2] - first[0]) / height / units))
    if not advances:
        return []
    middle = statistics.median(each for _, each in advances)
    if middle > _WIDE_ADVANCE:  # gaps are in most lines, or the font tells less than its height
        advances = [(n, each * _height_to_em(written, runs[n], em_at)) for n, each in advances]
        middle = statistics.median(each for _, each in advances)
    usual = min(_WIDE_ADVANCE, _ODD_ADVANCE * middle)
    return sorted({*odd, *(number for number, advance in advances if advance > usual)})


def _height_to_em(written: PageText, run: Run, em_at: Callable[[int], float]) -> float:
    """Return the height of a run's first character of the size of its type, 1 at most."""
    box = written.end_boxes(run)[0]
    return min(1.0, max(box[3] - box[1], 1.0) / max(em_at(written.source(run.ends[0])), 1.0))


def _beside(odd: Sequence[int], count: int) -> set[int]:
    """Return the runs that are odd or near to one that is."""
    near = (range(number - _NEIGHBOURS, number + _NEIGHBOURS + 1) for number in odd)
    return {each for numbers in near for each in numbers if 0 <= each < count}


def _framed(written: PageText, runs: Sequence[Run], grids: Sequence[RuledGrid]) -> set[int]:
    """Return the runs at whose height a grid of rules is."""
    if not grids:
        return set()
    boxes = ((n, written.end_boxes(run)[0]) for n, run in enumerate(runs) if run.text.strip())
    heights = [(grid.ys[0], grid.ys[-1]) for grid in grids]
    return {n for n, box in boxes if any(low < box[3] and box[1] < top for low, top in heights)}


def _ruled(
    written: PageText, grid: RuledGrid, pieces: Sequence[Piece], reader: CellReader
) -> tuple[TableRows | None, list[Piece], list[Piece]]:
    """Return the rows of a table, the pieces in it, and all pieces, cut at its frames."""
    drafts = [Draft() for _ in grid.frames]
    box = grid.box
    every: list[Piece] = []
    inside: list[Piece] = []
    for piece in pieces:
        if _outside(piece.box, box):
            every.append(piece)
            continue
        for number, part in cut(written, piece, grid):
            every.append(part)
            if number is not None:
                drafts[number].pieces.append(part)
                inside.append(part)
    filled = [f for f, draft in zip(grid.frames, drafts, strict=True) if draft.pieces]
    several = min(len({f.first_column for f in filled}), len({f.top_row for f in filled}))
    if several < 2 or any(map(_has_many_lines, drafts)):
        return None, [], list(pieces)
    rows, bold = _rows(grid, drafts, reader)
    table = rows_of_cells(
        rows,
        bold.__getitem__,
        box=box,
        start=_start(inside),
        columns=grid.across[::-1] if reader.backwards else grid.across,
        ruled=True,
    )
    return table, inside, every


def _has_many_lines(draft: Draft) -> bool:
    """Tell whether a draft has more lines than a cell has."""
    many = len(draft.pieces) > MOST_LINES_OF_A_CELL
    return many and len(draft.lines) > MOST_LINES_OF_A_CELL


def _rows(
    grid: RuledGrid, drafts: Sequence[Draft], reader: CellReader
) -> tuple[list[Row], list[bool]]:
    """Return a grid's rows, and whether all that stands in a row is in bold type."""
    rows: list[Row] = []
    bold: list[bool] = []
    cells = [reader.read(draft) for draft in drafts]
    for number in range(grid.rows):
        within = sorted(set(grid.numbers[number]))
        parted = _parted(grid, [(grid.frames[n], drafts[n]) for n in within])
        for row in parted or [[(grid.frames[n], drafts[n], cells[n]) for n in within]]:
            placed = (
                Placed(*_columns(grid, frame, backwards=reader.backwards), cell or reader.read(own))
                for frame, own, cell in row
            )
            rows.append(tuple(sorted(placed, key=lambda each: each.start)))
            begun = [own for frame, own, _ in row if frame.top_row == number and own.pieces]
            bold.append(all(map(reader.is_bold, begun)))
    return rows, bold


def _columns(grid: RuledGrid, frame: Frame, *, backwards: bool) -> tuple[int, int]:
    """Return the columns of a frame as they are read."""
    if backwards:
        return grid.columns - frame.end_column, grid.columns - frame.first_column
    return frame.first_column, frame.end_column


def _parted(
    grid: RuledGrid, row: Sequence[tuple[Frame, Draft]]
) -> list[list[tuple[Frame, Draft, Cell | None]]]:
    """Return the rows of a body between whose rows no rule is drawn; none where all is one row."""
    if grid.rows > _MOST_ROWS_OF_A_FRAME:
        return []
    if sum(len(draft.lines) >= _FEWEST_LINES_OF_A_BODY for _, draft in row) < 2:
        return []
    if any(frame.end_row - frame.top_row > 1 for frame, _ in row):
        return []
    columns = Columns((frame.box[0], frame.box[2]) for frame, _ in row)
    pieces = [piece for _, draft in row for piece in draft.pieces]
    groups = group_rows(in_rows(pieces), columns)
    if len(groups) < _FEWEST_LINES_OF_A_BODY:
        return []
    return [
        [
            (frame, Draft([piece for piece in draft.pieces if piece in group]), None)
            for frame, draft in row
        ]
        for group in groups
    ]


def _outside(box: Box, frame: Box) -> bool:
    return box[2] < frame[0] or box[0] > frame[2] or box[3] < frame[1] or box[1] > frame[3]


def _in_order(runs: Iterable[Run], found: Iterable[TableRows]) -> list[Run | TableRows]:
    """Put tables where their first piece stood."""
    return sorted([*found, *runs], key=lambda each: each.start)


def _together(pieces: Iterable[Piece]) -> list[Run]:
    """Put pieces of one run together again, but for what has become part of a table."""
    runs: list[Run] = []
    group: list[Piece] = []
    for piece in sorted(pieces, key=lambda each: each.run.start):
        if group and piece.source is not group[-1].source:
            runs += _whole(group)
            group = []
        group.append(piece)
    return runs + _whole(group)


def _whole(group: Sequence[Piece]) -> list[Run]:
    if not group:
        return []
    source = group[0].source
    texts = [group[0].run.text.strip()]
    # Where every blank is wide, they are those of a justified line.
    justified = not any(len(piece.run.text.split()) > 1 for piece in group)
    wide = False
    for before, after in pairwise(group):
        height = max(before.height, after.height)
        gap = after.box[0] - before.box[2]
        level = abs(after.box[1] - before.box[1]) < _LEVEL * height
        apart = (
            gap > _WIDE_GAP * height and level and not (justified or is_right_to_left(source.text))
        )
        leads = texts[-1].endswith((":", "：")) or MARKER.fullmatch(texts[-1]) is not None
        wide = wide or (apart and not leads)
        texts += [" | " if apart and not leads else " ", after.run.text.strip()]
    first, last = group[0].run, group[-1].run
    whole = source.part(first.start, last.start + last.units)
    return [whole._replace(alone=True, shown="".join(texts)) if wide else whole]
