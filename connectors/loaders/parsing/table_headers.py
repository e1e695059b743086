"""Which rows of a table are headers, where its format says little or nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag_engine.connectors.loaders.parsing.tables import (
    Row,
    could_be_header,
    has_digit,
    header_depth,
    reads_like_header,
)

__all__ = ["header_rows", "marked_headers"]

_ROW_SCOPES = frozenset({"row", "rowgroup"})


def header_rows(
    rows: Sequence[Row],
    marked: Sequence[bool] = (),
    *,
    bold: Callable[[int], bool] | None = None,
) -> list[bool]:
    """Tell for each row whether it names columns: those marked so, else first ones that stand out.

    ``bold`` tells of a row whether all of it is set apart by its type; without it, a row is whose
    cells are headers in their format. Titles over the whole width may stand above. A header of
    several levels is told by cells that span.

    >>> from rag_engine.connectors.loaders.parsing.tables import Cell, Placed
    >>> table = [("Hall", "Open"), ("North", "9:00"), ("South", "10:00")]
    >>> rows = [tuple(Placed(i, i + 1, Cell(t)) for i, t in enumerate(row)) for row in table]
    >>> header_rows(rows)
    [True, False, False]
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    first = 0
    while first < len(rows) and _is_title(rows[first], width):
        first += 1
    end = first
    while end < min(len(rows), len(marked)) and marked[end]:
        end += 1
    if end - first <= 1:
        apart = bold or (lambda number: _is_marked(rows[number]))
        found = _found(rows[first:], width, lambda n: apart(first + n), marked=end > first)
        end = first + max(end - first, found)
    if end >= len(rows):
        return [False] * len(rows)
    return [first <= index < end for index in range(len(rows))]


def marked_headers(rows: Sequence[Row], in_head: Sequence[bool]) -> list[bool]:
    """Tell for each row of a table that marks headers whether it names columns.

    Such a row stands in a head, or is all header cells. Header cells that reach down make the rows
    that they reach into headers, at the table's top.
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    marked = [_names_columns(row, width) for row in rows]
    if any(in_head) and not all(in_head):
        marked = [head or names for head, names in zip(in_head, marked, strict=True)]
    elif any(marked):
        one = [len(row) == 1 and row[0].end - row[0].start == width > 1 for row in rows]
        first = next(number for number, row in enumerate(rows) if row and not one[number])
        if marked[first]:
            end = first + header_depth(rows[first:])
            marked[first:end] = [True] * (end - first)
    return [False] * len(rows) if all(marked) else marked


def _is_title(row: Row, width: int) -> bool:
    shown = [placed for placed in row if placed.cell.text]
    return not shown or (len(shown) == 1 and shown[0].end - shown[0].start == width > 1)


def _found(rows: Sequence[Row], width: int, bold: Callable[[int], bool], *, marked: bool) -> int:
    """Return how many rows are a header that nothing marks, or of which only the first is."""
    if len(rows) < 2 or width < 2:
        return 0
    levels = max(header_depth(rows), 1 + any(end - start > 1 for start, end, _ in rows[0]))
    if 1 < levels < len(rows) and _is_deep(rows, levels, width, bold):
        return levels
    if marked or not could_be_header(rows, width):
        return 0
    return int((bold(0) and not bold(1)) or reads_like_header(rows))


def _is_deep(rows: Sequence[Row], levels: int, width: int, bold: Callable[[int], bool]) -> bool:
    """Tell whether the last of several levels reads like names, and the row below like values."""
    last, below = rows[levels - 1], rows[levels]
    if sum(end - start for start, end, _ in last) < width - 1:
        return False
    if all(map(bold, range(levels))) and not bold(levels):
        return True
    own = [cell.text for _, _, cell in last if cell.text]
    return not any(map(has_digit, own)) and any(has_digit(cell.text) for _, _, cell in below)


def _is_marked(row: Row) -> bool:
    shown = [cell for _, _, cell in row if cell.text]
    return bool(shown) and all(cell.header for cell in shown)


def _names_columns(row: Row, width: int) -> bool:
    """Tell whether a row is all header cells, but for a corner that may be another one.

    >>> from rag_engine.connectors.loaders.parsing.tables import Cell, Placed
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
