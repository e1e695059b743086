"""Tables of AsciiDoc: cells on a grid, by PSV rules and those of CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from rag_engine.connectors.loaders.parsing.asciidoc_inline import shown
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, row_lines, table_lines

__all__ = ["table_text"]

_CELL = re.compile(
    r"(?:(?<=\s)|^)(?:(?P<repeat>\d{1,3})\*|(?P<columns>\d{1,3})?(?:\.(?P<rows>\d{1,3}))?\+)?"
    r"(?:\.?[<^>]){0,2}(?P<style>[adehlmsv])?(?<!\\)\|",
    re.MULTILINE,
)
_COLUMNS = re.compile(r"cols\s*=\s*(?:\"([^\"]{1,500})\"|'([^']{1,500})'|(\d{1,3}))")
_TIMES = re.compile(r"\s*(\d{1,3})\*")
_HEADER = re.compile(r"%[\w%]*header|options\s*=\s*[\"']?[^\"'\]]*header|(?:^|[\[,])\s*header")


def table_text(lines: Sequence[str], attributes: str, delimiter: str) -> str:
    """Return a line for each row of a table; ``delimiter`` is the first sign of its fence.

    >>> table_text(["|Model |Weight", "", "|P-300 |12 kg"], "", "|")
    'Model: P-300 | Weight: 12 kg'
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    after_first = lines[first + 1 : first + 2]
    header = bool(_HEADER.search(attributes))
    if "%noheader" not in attributes:
        header = header or (first == 0 and len(lines) > 2 and after_first == [""])
    if delimiter in {",", ":"}:
        rows = list(csv.reader([line for line in lines if line.strip()], delimiter=delimiter))
        texts = [[shown(field.strip()) for field in row] for row in rows]
        named = header and len(texts) > 0
        return "\n".join(table_lines(texts[named:], texts[0] if named else None))
    if not _CELL.search("\n".join(lines)):
        return "\n".join(lines).strip()  # a table of which the cells are damaged
    return _psv(lines, _width(attributes, lines[first:]), header=header)


def _width(attributes: str, lines: Sequence[str]) -> int:
    """Return the number of columns: as stated, or as many as the first line has cells."""
    stated = _COLUMNS.search(attributes)
    if stated is not None:
        listed = stated.group(1) or stated.group(2)
        if listed is None:
            return int(stated.group(3))
        columns = [
            column for column in re.split(r"[,;]", listed) if column.strip() or "," in listed
        ]
        return sum(int(m.group(1)) if (m := _TIMES.match(column)) else 1 for column in columns)
    if not lines:
        return 1
    return max(1, sum(int(m["repeat"] or m["columns"] or 1) for m in _CELL.finditer(lines[0])))


def _psv(lines: Sequence[str], width: int, *, header: bool) -> str:
    grid, row, headers = Grid(), list[tuple[Cell, int, int]](), list[bool]()
    down = [0] * width  # rows that cells from above still take, by column
    for cell, columns, rows in _cells("\n".join(lines)):
        row.append((cell, columns, rows))
        taken = sum(left > 0 for left in down)
        if sum(each[1] for each in row) + taken >= width:
            grid.add_row(row)
            headers.append(header and not headers)
            down = _left(down, row)
            row = []
    if row:
        grid.add_row(row)
        headers.append(False)
    return "\n".join(row_lines(grid.rows, headers))


def _left(down: Sequence[int], row: Sequence[tuple[Cell, int, int]]) -> list[int]:
    """Return how many rows each column is still taken for after a row."""
    after = [max(0, left - 1) for left in down]
    free = iter([column for column, left in enumerate(down) if left == 0])
    for _, columns, rows in row:
        for _ in range(columns):
            column = next(free, None)
            if column is not None:
                after[column] = rows - 1
    return after


def _cells(text: str) -> list[tuple[Cell, int, int]]:
    marks = list(_CELL.finditer(text))
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        inner = text[mark.end() : following.start() if following else len(text)]
        words = " ".join(shown(inner.strip().replace("\\|", "|")).split())
        cell = Cell(words, header=mark["style"] == "h")
        times = min(int(mark["repeat"] or 1), 100)
        found += [(cell, max(1, int(mark["columns"] or 1)), max(1, int(mark["rows"] or 1)))] * times
    return found
