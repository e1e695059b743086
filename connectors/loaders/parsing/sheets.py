"""Sheets of a workbook as text: the tables that stand on them, each row with its columns' names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from rag_engine.connectors.loaders.parsing.blocks import Block
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row, has_digit, row_lines

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
    above: dict[tuple[int, ...], list[Row]] = {}
    """The header of each table in the run before, by its columns."""
    for numbers in _runs(sorted(sheet.rows), sheet.hidden):
        here: dict[tuple[int, ...], list[Row]] = {}
        tables = _tables(sheet, numbers, covering)
        for columns in tables:
            last = columns is tables[-1]
            placed = zip(numbers, _placed(sheet, numbers, columns, covering, last), strict=True)
            own_rows = [(number, row) for number, row in placed if row]
            rows = [row for _, row in own_rows]
            marked = [number in sheet.headers for number, _ in own_rows]
            first = next(
                (index for index, row in enumerate(rows) if not _is_title(row, columns)), 0
            )
            is_header = [False] * first + header_rows(rows[first:], marked[first:])
            own = [row for row, header in zip(rows, is_header, strict=True) if header]
            names = here[tuple(columns)] = own or above.get(tuple(columns), [])
            if names and not own:
                rows, is_header = [*names, *rows], [True] * len(names) + is_header
            blocks.append(Block("\n".join(row_lines(rows, is_header)), kind="table"))
        above = here
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


def _tables(
    sheet: Sheet, numbers: Sequence[int], covering: dict[int, list[tuple[Merged, Cell]]]
) -> list[list[int]]:
    """Return the columns of each table in a run of rows.

    A blank column parts two tables where both have a column of the same name, and begin with one
    of texts; else it may as well be there for its looks, and parting the rows would lose what they
    say together.
    """
    columns = sorted({column for number in numbers for column in sheet.rows.get(number, ())})
    parts: list[list[int]] = []
    for column in columns:
        if parts and column == parts[-1][-1] + 1:
            parts[-1].append(column)
        else:
            parts.append([column])
    spanned = any(
        merged.left <= part[-1] < merged.right - 1
        for number in numbers
        for merged, _ in covering.get(number, ())
        for part in parts[:-1]
    )
    if len(parts) < 2 or spanned or min(map(len, parts)) < 2:
        return [columns] if columns else []
    for index, number in enumerate(numbers):
        row = sheet.rows.get(number, {})
        names = [{row[column].text for column in part if column in row} for part in parts]
        if min(map(len, names)) < 2:
            continue
        below = [sheet.rows.get(each, {}) for each in numbers[index + 1 :]]
        firsts = [row[part[0]].text for part in parts for row in below if part[0] in row]
        if set.intersection(*names) and firsts and not any(map(has_digit, firsts)):
            return parts
        break
    return [columns]


def _placed(
    sheet: Sheet,
    numbers: Sequence[int],
    columns: Sequence[int],
    covering: dict[int, list[tuple[Merged, Cell]]],
    last: bool,
) -> list[Row]:
    """Return a run of rows over some columns alone; after the ``last`` the sheet forgets them."""
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
        own = sheet.rows.pop(number, {}) if last else sheet.rows.get(number, {})
        for column, cell in own.items():
            at = place.get(column)
            if at is not None and at not in taken:
                placed.append(Placed(at, at + 1, cell))
        placed.sort(key=itemgetter(0))
        rows.append(tuple(placed))
    first = next((index for index, row in enumerate(rows) if len(row) > 1), len(rows))
    for index, row in enumerate(rows[:first]):
        rows[index] = tuple(Placed(0, len(columns), each.cell) for each in row)
    return rows


def _is_title(row: Row, columns: Sequence[int]) -> bool:
    return len(row) == 1 and row[0].end - row[0].start == len(columns) > 1
