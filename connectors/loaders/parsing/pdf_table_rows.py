"""The rows of a PDF table as text; one that goes on overleaf keeps the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.pdf_rules import NEAR
from rag_engine.connectors.loaders.parsing.pdf_spans import Box
from rag_engine.connectors.loaders.parsing.tables import (
    Row,
    could_be_header,
    has_digit,
    header_depth,
    reads_like_header,
    row_lines,
)

__all__ = ["TableRows", "going_on", "rows_of_cells"]


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
) -> TableRows:
    """Write a table's rows as lines; ``bold`` tells whether all of a row is in bold type."""
    first, end = _head(rows, bold)
    return TableRows(
        lines=tuple(row_lines(rows, [first <= number < end for number in range(len(rows))])),
        box=box,
        start=start,
        columns=tuple(columns),
        ruled=ruled,
        head=tuple(rows[first:end]),
        body=tuple(rows[:first]) + tuple(rows[end:]),
        bold_head=end > first and all(map(bold, range(first, end))),
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


def _head(rows: Sequence[Row], bold: Callable[[int], bool]) -> tuple[int, int]:
    """Return which rows name the columns: the first below a title, if it stands out from the next.

    It does by bold type, by cells that reach over others, or by names over numbers.
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    first = 0
    while first < len(rows) and _is_title(rows[first], width):
        first += 1
    end = first + (_depth(rows[first:], width, lambda n: bold(first + n)) if width > 1 else 0)
    return (0, 0) if end >= len(rows) else (first, end)


def _is_title(row: Row, width: int) -> bool:
    shown = [placed for placed in row if placed.cell.text]
    return not shown or (len(shown) == 1 and shown[0].end - shown[0].start == width)


def _depth(rows: Sequence[Row], width: int, bold: Callable[[int], bool]) -> int:
    if len(rows) < 2:
        return 0
    levels = max(header_depth(rows), 1 + any(end - start > 1 for start, end, _ in rows[0]))
    if 1 < levels < len(rows):
        own = [cell.text for _, _, cell in rows[levels - 1] if cell.text]
        below = [cell.text for _, _, cell in rows[levels] if cell.text]
        covered = sum(end - start for start, end, _ in rows[levels - 1])
        stands_out = all(map(bold, range(levels))) and not bold(levels)
        if covered >= width and (
            stands_out or (not any(map(has_digit, own)) and any(map(has_digit, below)))
        ):
            return levels
    if not could_be_header(rows, width):
        return 0
    return int((bold(0) and not bold(1)) or reads_like_header(rows))
