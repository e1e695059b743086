"""Sheets of a workbook as text: the tables that stand on them, each row with its columns' names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from rag_engine.connectors.loaders.parsing.blocks import Block
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row, row_lines

__all__ = ["Merged", "Sheet", "hidden_sheets", "sheet_blocks"]

_MOST_REPEATED = 200_000
"""Places that merged cells cover and still are repeated in."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A cell over the rows from ``top`` up to ``bottom`` and the columns ``left`` to ``right``."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Sheet:
    """The cells of a sheet that show something, by row and column, from 0.

    ``headers`` are the rows that the file itself says are headers, ``hidden`` those not seen.
    """

    name: str
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    merged: list[Merged] = field(default_factory=list)
    headers: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)

    def put(self, row: int, column: int, text: str, *, bold: bool = False) -> None:
        """Put a cell in its place; one without text is none."""
        if text.strip():
            self.rows.setdefault(row, {})[column] = Cell(text, header=bold)


def sheet_blocks(sheet: Sheet) -> list[Block]:
    r"""Return a block for each run of rows that no blank row parts.

    Single cells above the first full row of a run are titles. A run without a header that has the
    very columns of the one above goes on with its names.

    >>> sheet = Sheet("Fees")
    >>> for row, texts in enumerate([("Fees",), ("Hall", "Fee"), ("A", "3 €"), ("B", "4 €")]):
    ...     for column, text in enumerate(texts):
    ...         sheet.put(row, column, text)
    >>> sheet_blocks(sheet)[0].text.split("\n")
    ['Fees', 'Hall: A | Fee: 3 €', 'Hall: B | Fee: 4 €']
    """
    covering = _covering(sheet)
    blocks = []
    names: list[Row] = []
    columns_before: list[int] = []
    for numbers in _runs(sorted(sheet.rows), sheet.hidden):
        columns, rows = _placed(sheet, numbers, covering)
        if not columns:
            continue
        marked = [number in sheet.headers for number in numbers]
        first = next((index for index, row in enumerate(rows) if not _is_title(row, columns)), 0)
        is_header = [False] * first + header_rows(rows[first:], marked[first:])
        own = [row for row, header in zip(rows, is_header, strict=True) if header]
        if own or columns != columns_before:
            names, columns_before = own, columns
        elif names:
            rows, is_header = [*names, *rows], [True] * len(names) + is_header
        blocks.append(Block("\n".join(row_lines(rows, is_header)), kind="table"))
    return blocks


def hidden_sheets(names: Sequence[str]) -> dict[str, str | int]:
    """Return what a document's metadata says of sheets that are not seen, and so not read."""
    if not names:
        return {}
    return {"hidden_sheets": ", ".join(names[:10]) + (" …" if len(names) > 10 else "")}


def _covering(sheet: Sheet) -> dict[int, list[tuple[Merged, Cell]]]:
    """Return for each row the merged cells that reach down into it, with what they say."""
    found: dict[int, list[tuple[Merged, Cell]]] = {}
    numbers = sorted(sheet.rows)
    room = _MOST_REPEATED
    for merged in sheet.merged:
        cell = sheet.rows.get(merged.top, {}).get(merged.left)
        if cell is None:
            continue
        # Where nothing stands beside it, it would be repeated alone and say nothing new.
        below = bisect_left(numbers, merged.bottom)
        for row in numbers[bisect_left(numbers, merged.top) : below]:
            room -= 1
            if room < 0:
                return found
            found.setdefault(row, []).append((merged, cell))
    return found


def _runs(numbers: Sequence[int], hidden: Container[int]) -> Iterator[list[int]]:
    run: list[int] = []
    following = 0
    for number in numbers:
        while following < number and following in hidden:
            following += 1
        if run and number != following:
            yield run
            run = []
        run.append(number)
        following = number + 1
    if run:
        yield run


def _placed(
    sheet: Sheet, numbers: Sequence[int], covering: dict[int, list[tuple[Merged, Cell]]]
) -> tuple[list[int], list[Row]]:
    """Return the columns that a run of rows uses, and its rows over those alone."""
    columns = sorted({column for number in numbers for column in sheet.rows.get(number, ())})
    place = {column: index for index, column in enumerate(columns)}
    rows: list[Row] = []
    for number in numbers:
        placed = []
        taken: set[int] = set()
        for merged, cell in covering.get(number, ()):
            start, end = bisect_left(columns, merged.left), bisect_left(columns, merged.right)
            if end > start:
                placed.append(Placed(start, end, cell))
                taken.update(range(start, end))
        for column, cell in sheet.rows.get(number, {}).items():
            if place[column] not in taken:
                placed.append(Placed(place[column], place[column] + 1, cell))
        rows.append(tuple(sorted(placed, key=lambda each: each.start)))
    first = next((index for index, row in enumerate(rows) if len(row) > 1), len(rows))
    for index, row in enumerate(rows[:first]):
        rows[index] = tuple(Placed(0, len(columns), each.cell) for each in row)
    return columns, rows


def _is_title(row: Row, columns: Sequence[int]) -> bool:
    return len(row) == 1 and row[0].end - row[0].start == len(columns) > 1
