"""Spreadsheets of OpenDocument, which keep every value as it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.number_formats import general
from rag_engine.connectors.loaders.parsing.odf_names import (
    DRAW,
    OFFICE,
    TABLE,
    TEXT,
    attribute,
    whole,
)
from rag_engine.connectors.loaders.parsing.odf_text import TextReader
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.sheets import (
    Merged,
    Sheet,
    hidden_sheets,
    sheet_blocks,
)

__all__ = ["read_sheets"]

_MOST_REPEATED = 1_000
"""A cell that says something is repeated so often at most."""
_MOST_CELLS = 100_000
"""Cells that a repeated row may come to."""

_LAST_COLUMN = 16_384
_KIND = f"{OFFICE}value-type"
_VALUES = [f"{OFFICE}{kind}value" for kind in ("string-", "date-", "time-", "boolean-", "")]
_UNSEEN = frozenset({"collapse", "filter"})
_GROUPS = frozenset(
    f"{TABLE}{name}"
    for name in (
        *("table-column-group", "table-columns", "table-header-columns"),
        *("table-header-rows", "table-row-group", "table-rows"),
    )
)


def read_sheets(body: Any, reader: TextReader, outline: Outline) -> dict[str, str | int]:
    """Write the sheets down; return how many are seen, and which others there are."""
    hidden = []
    count = 0
    for table in body.iterchildren(f"{TABLE}table"):
        title = one_line(attribute(table, f"{TABLE}name"))
        if reader.styles.hides_table(attribute(table, f"{TABLE}style-name")):
            hidden.append(title)
            continue
        count += 1
        shapes: list[Any] = []
        blocks = sheet_blocks(_sheet(table, reader, title, shapes))
        for others in table.iterchildren(f"{TABLE}shapes"):
            shapes += others
        blocks += reader.blocks(shapes)
        blocks += map(Block, reader.comments)
        reader.comments.clear()
        if blocks:
            write([Block(title, level=1), *blocks], outline)
    return {"sheets": count, **hidden_sheets(hidden)}


def _elements(table: Any, tag: str) -> Iterator[Any]:
    """Yield a table's rows or columns, out of their groups."""
    for child in table:
        if child.tag == tag:
            yield child
        elif child.tag in _GROUPS:
            yield from _elements(child, tag)


def _sheet(table: Any, reader: TextReader, title: str, shapes: list[Any]) -> Sheet:
    """Return the cells of a sheet; what only hangs on one of them is added to ``shapes``."""
    sheet = Sheet(title)
    hidden_columns: set[int] = set()
    styles: dict[int, str] = {}
    column = 0
    for element in _elements(table, f"{TABLE}table-column"):
        end = column + whole(element, f"{TABLE}number-columns-repeated", 1)
        covered = range(column, min(end, _LAST_COLUMN))
        if attribute(element, f"{TABLE}visibility") in _UNSEEN:
            hidden_columns.update(covered)
        styles.update(dict.fromkeys(covered, attribute(element, f"{TABLE}default-cell-style-name")))
        column = end
    heads = {id(row) for head in table.iter(f"{TABLE}table-header-rows") for row in head}
    number = 0
    for row in _elements(table, f"{TABLE}table-row"):
        again = whole(row, f"{TABLE}number-rows-repeated", 1)
        if attribute(row, f"{TABLE}visibility") in _UNSEEN:
            sheet.hidden.update(islice(range(number, number + again), 10 * _LAST_COLUMN))
        else:
            shapes += _read_row(sheet, number, row, reader, hidden_columns, styles)
            if number in sheet.rows:
                most = _MOST_CELLS // len(sheet.rows[number])
                for copy in range(number + 1, number + min(again, most)):
                    sheet.rows[copy] = sheet.rows[number]
            sheet.headers.update({number} if id(row) in heads else ())
        number += again
    return sheet


def _read_row(
    sheet: Sheet,
    number: int,
    row: Any,
    reader: TextReader,
    hidden: set[int],
    styles: dict[int, str],
) -> list[Any]:
    shapes: list[Any] = []
    column = 0
    for cell in row:
        again = whole(cell, f"{TABLE}number-columns-repeated", 1)
        if cell.tag == f"{TABLE}table-cell" and (len(cell) or cell.get(_KIND)):
            drawn = [child for child in cell if str(child.tag).startswith(DRAW)]
            shapes += drawn
            own = [child for child in cell if child not in drawn] if drawn else cell
            text = flattened(reader.blocks(own)) or _value(cell)
            style = attribute(cell, f"{TABLE}style-name") or styles.get(column, "")
            bold = reader.styles.is_bold(style)
            for place in range(column, min(column + min(again, _MOST_REPEATED), _LAST_COLUMN)):
                if place not in hidden:
                    sheet.put(number, place, text, bold=bold)
            down = whole(cell, f"{TABLE}number-rows-spanned", 1)
            across = whole(cell, f"{TABLE}number-columns-spanned", 1)
            if down > 1 or across > 1:
                sheet.merged.append(Merged(number, column, number + down, column + across))
        column += again
    return shapes


def _value(cell: Any) -> str:
    """Return a cell's value, which some programs write without the text that is shown."""
    if any(str(child.tag).startswith(TEXT) for child in cell):
        return ""  # it is shown as nothing
    value = next((cell.get(name) for name in _VALUES if cell.get(name)), "")
    try:
        number = float(value)
    except ValueError:
        return value
    if cell.get(_KIND) == "percentage":
        return f"{general(number * 100)}%"
    currency = cell.get(f"{OFFICE}currency", "")
    return f"{general(number)} {currency}".rstrip()
