"""The rows of a PDF table as text; one that goes on overleaf keeps the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.pdf_rules import NEAR
from rag_engine.connectors.loaders.parsing.pdf_spans import Box
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Row, row_lines

__all__ = ["TableRows", "going_on", "rows_of_cells", "unbroken"]

_LONG = 30
"""Characters: so many fill a line of most cells."""
_ENDED = re.compile(r"""[.!?:;…。．！？：；।॥؟۔]["'”’»)\]）」』】]*$""")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """A table's rows as text, and the box around it; ``start`` is the place of its first character.

    ``columns`` are the stretches across of each, as they are read; ``ruled`` tells those that rules
    part. ``head`` and ``body`` are the cells; a table whose columns are not sure has none.
    """

    lines: tuple[str, ...]
    box: Box
    start: int
    columns: tuple[tuple[float, float], ...] = ()
    ruled: bool = False
    head: tuple[Row, ...] = ()
    body: tuple[Row, ...] = ()
    bold_head: bool = False


def rows_of_cells(
    rows: Sequence[Row],
    bold: Callable[[int], bool],
    *,
    box: Box,
    start: int,
    columns: Sequence[tuple[float, float]],
    ruled: bool,
    names: Sequence[bool] | None = None,
) -> TableRows:
    """Write a table's rows as lines; ``bold`` tells whether all of a row is in bold type.

    ``names`` tells of each row whether it names columns, where the file says so.
    """
    if names is None:
        names = header_rows(rows, bold=bold)
    head = [number for number, is_name in enumerate(names) if is_name]
    return TableRows(
        lines=tuple(row_lines(rows, names)),
        box=box,
        start=start,
        columns=tuple(columns),
        ruled=ruled,
        head=tuple(rows[number] for number in head),
        body=tuple(row for row, is_name in zip(rows, names, strict=True) if not is_name),
        bold_head=bool(head) and all(map(bold, head)),
    )


def going_on(above: TableRows, below: TableRows) -> TableRows | None:
    """Return the rows at the top of a page with the names of a table that ends the page before.

    None if they are of another table, have a header of their own, or have the names already.
    """
    if not above.head or not _fit(above, below):
        return None
    own = _texts(below.head)
    if own and (own == _texts(above.head) or (below.bold_head and above.bold_head)):
        return None
    rows = [*above.head, *below.head, *below.body]
    named = [number < len(above.head) for number in range(len(rows))]
    return TableRows(
        lines=tuple(row_lines(rows, named)),
        box=below.box,
        start=below.start,
        columns=above.columns,
        ruled=above.ruled,
        head=above.head,
        body=tuple(rows[len(above.head) :]),
        bold_head=above.bold_head,
    )


def unbroken(
    above: TableRows, below: TableRows, join: Callable[[str, str], str]
) -> tuple[TableRows, TableRows] | None:
    """Return a table whose last row has what of it stands overleaf, and the rest of ``below``.

    A row goes on there that has nothing in its first column, and whose cells all go on with cells
    that end no sentence, one of them with a long one and in small letters; else None.
    """
    if not (above.body and below.body) or len(below.lines) != len(below.body):
        return None
    last = {(start, end): cell for start, end, cell in above.body[-1]}
    rest = [placed for placed in below.body[0] if placed.cell.text]
    pairs = [(last.get((start, end)), cell) for start, end, cell in rest]
    if not rest or rest[0].start == 0 or not all(_goes_on(cell) for cell, _ in pairs):
        return None
    if not any(
        cell is not None and len(cell.text) >= _LONG and after.text[0].islower()
        for cell, after in pairs
    ):
        return None
    added = {(start, end): cell.text for start, end, cell in rest}
    whole = tuple(
        each._replace(cell=Cell(join(each.cell.text, added[each[:2]])))
        if each[:2] in added
        else each
        for each in above.body[-1]
    )
    rows = [*above.head, whole]
    line = row_lines(rows, [number < len(above.head) for number in range(len(rows))])[-1]
    grown = replace(above, lines=(*above.lines[:-1], line), body=(*above.body[:-1], whole))
    return grown, replace(below, lines=below.lines[1:], body=below.body[1:])


def _goes_on(cell: Cell | None) -> bool:
    return cell is not None and bool(cell.text) and _ENDED.search(cell.text) is None


def _texts(rows: Sequence[Row]) -> list[str]:
    return [placed.cell.text for row in rows for placed in row]


def _fit(above: TableRows, below: TableRows) -> bool:
    """Tell whether the columns of two tables stand at the same places."""
    if len(above.columns) != len(below.columns):
        return False
    pairs = list(zip(above.columns, below.columns, strict=True))
    if above.ruled and below.ruled:
        return all(abs(a - b) <= NEAR for one, two in pairs for a, b in zip(one, two, strict=True))
    over = all(max(one[0], two[0]) < min(one[1], two[1]) for one, two in pairs)
    beside = (
        min(one[1], two[1]) <= max(one_next[0], two_next[0])
        for (one, two), (one_next, two_next) in pairwise(sorted(pairs))
    )
    return over and all(beside)
