"""XLSX by lxml: the sheets that are seen, with numbers and dates as they are shown.

openpyxl reads the same; but its quick mode knows no merged cells, hidden rows or comments, and its
other one holds some 50 times the size of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Any

from lxml import etree

from rag_engine.connectors.loaders.parsing.archive import check_declarations, unpacked
from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.number_formats import general, shown, shown_text
from rag_engine.connectors.loaders.parsing.opc import Package, R
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.sheets import (
    Merged,
    Sheet,
    hidden_sheets,
    sheet_blocks,
)
from rag_engine.connectors.loaders.parsing.xlsx_parts import (
    S,
    Styles,
    beside,
    shared_strings,
    unescaped,
)

__all__ = ["parse"]

_UNREAD = (
    *("xl/media/", "xl/embeddings/", "xl/theme/", "xl/printersettings/", "xl/vbaproject"),
    *("xl/macrosheets/", "docprops/thumbnail"),
)
_CELL, _VALUE = f"{S}c", f"{S}v"
_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_YES = frozenset({"1", "true"})
_LAST_COLUMN, _LAST_ROW = 16_384, 1_048_576


def parse(data: bytes, name: str) -> Parsed:
    """Read a workbook: each sheet that is not hidden is a section.

    Formulas are read as the values that were stored with them. Hidden rows, columns and sheets
    are left out; of hidden sheets the metadata tells.

    Raises:
        Refused: it is no XLSX, is encrypted or damaged, or holds a DTD.
        RefusedByLimit: it unpacks to too much.
    """
    package = Package(unpacked(data, kind="XLSX", old=".xls", unread=_UNREAD))
    main = package.main_part("XLSX")
    root = package.root(main)
    if root.tag != f"{S}workbook":
        raise Refused("it is no XLSX: its main part is no workbook")
    book = _Book(package, main, root)
    outline = Outline()
    hidden = []
    count = 0
    for element in root.iterfind(f"{S}sheets/{S}sheet"):
        title = one_line(unescaped(element.get("name", "")))
        if element.get("state", "visible") != "visible":
            hidden.append(title)
            continue
        count += 1
        blocks = list(book.sheet_blocks(element.get(f"{R}id", ""), title))
        if blocks:
            write([Block(title, level=1), *blocks], outline)
    problems = [*package.problems, *book.problems()]
    if package.problems and not outline.text:
        raise Refused(f"none of its sheets can be read: {package.problems[0]}")
    return Parsed(
        text=outline.text,
        title=package.title(),
        stretches=outline.stretches(),
        metadata={"sheets": count, **hidden_sheets(hidden)},
        problems=tuple(dict.fromkeys(problems)),
    )


class _Book:
    """What the sheets of a workbook share."""

    def __init__(self, package: Package, main: str, root: Any) -> None:
        self._package = package
        self._relations = package.relations(main)
        self._parts = {relation.kind: relation.target for relation in self._relations.values()}
        self._strings = shared_strings(self._root("sharedStrings"))
        self._styles = Styles(self._root("styles"))
        self._people = self._root("person")
        properties = root.find(f"{S}workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in _YES
        self._unknown = 0

    def _root(self, kind: str) -> Any | None:
        return self._package.optional(self._parts[kind]) if kind in self._parts else None

    def problems(self) -> list[str]:
        """Return what is told of the whole workbook."""
        if not self._unknown:
            return []
        return [
            f"{self._unknown:,} formulas have no stored result; open the file in a spreadsheet "
            "program and save it there"
        ]

    def sheet_blocks(self, identifier: str, title: str) -> Iterator[Block]:
        """Yield what a sheet shows, then its text boxes, charts and comments."""
        relation = self._relations.get(identifier)
        if relation is None:
            return
        relations = self._package.relations(relation.target)
        if relation.kind == "worksheet":
            try:
                sheet = self._read(relation.target, title)
            except Refused as error:
                self._package.problems.append(str(error).removeprefix("it is damaged: "))
                return
            if sheet is None:
                return
            for other in relations.values():
                if other.kind == "table":
                    table = self._package.optional(other.target)
                    if table is not None and table.get("headerRowCount", "1") != "0":
                        _mark_header(sheet, table.get("ref", ""))
            yield from sheet_blocks(sheet)
        yield from beside(self._package, relations, self._people)

    def _read(self, name: str, title: str) -> Sheet | None:
        part = self._package.taken(name)
        if part is None:
            return None
        sheet = Sheet(title)
        hidden_columns: set[int] = set()
        number = -1
        wanted = [f"{S}{tag}" for tag in ("autoFilter", "col", "mergeCell", "pane", "row")]
        for element in _elements(part, name, wanted):
            if element.tag == f"{S}row":
                number = _whole(element.get("r"), number + 2, _LAST_ROW) - 1
                if element.get("hidden") in _YES:
                    sheet.hidden.add(number)
                else:
                    self._read_row(sheet, number, element, hidden_columns)
            elif element.tag == f"{S}col" and _is_unseen(element):
                last = _whole(element.get("max"), 0, _LAST_COLUMN)
                hidden_columns.update(range(_whole(element.get("min"), 1, _LAST_COLUMN) - 1, last))
            elif element.tag == f"{S}mergeCell":
                area = _area(element.get("ref", ""))
                if area is not None:
                    sheet.merged.append(area)
            elif element.tag == f"{S}autoFilter":
                _mark_header(sheet, element.get("ref", ""))
            elif element.tag == f"{S}pane" and element.get("state", "").startswith("frozen"):
                rows = _whole(element.get("ySplit"), 0, _LAST_ROW)
                sheet.headers.update({rows - 1} if rows else ())
        return sheet

    def _read_row(self, sheet: Sheet, number: int, row: Any, hidden: set[int]) -> None:
        column = -1
        for cell in row.iterchildren(_CELL):
            place = _PLACE.fullmatch(cell.get("r", ""))
            column = _column(place[1]) if place else column + 1
            if column not in hidden and column < _LAST_COLUMN:
                bold, code = self._styles.of(cell.get("s", "0"))
                sheet.put(number, column, self._text(cell, code), bold=bold)

    def _text(self, cell: Any, code: str) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return shown_text("".join(shared_strings(cell)), code)
        value: str = next((child.text or "" for child in cell if child.tag == _VALUE), "")
        if not value:
            self._unknown += kind != "str" and cell.find(f"{S}f") is not None
            return ""
        if kind == "s":
            index = _whole(value, -1, 10**9)
            text = self._strings[index] if 0 <= index < len(self._strings) else ""
            return shown_text(text, code)
        if kind == "b":
            return "TRUE" if value.strip() in _YES else "FALSE"
        if kind != "n":
            return shown_text(unescaped(value), code)
        try:
            return self._number(float(value), code)
        except (ValueError, OverflowError):
            return value

    def _number(self, number: float, code: str) -> str:
        if code == "General":
            return general(number)
        return shown(number, code, from_1904=self._from_1904)


def _elements(part: bytes, name: str, tags: list[str]) -> Iterator[Any]:
    """Yield elements as they are read, each gone when the next one comes."""
    check_declarations(part, name)
    try:
        for _, element in etree.iterparse(
            BytesIO(part), tag=tags, resolve_entities=False, no_network=True, load_dtd=False
        ):
            yield element
            element.clear()
            while element.getprevious() is not None and element.tag == f"{S}row":
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise Refused(f"it is damaged: its part {name} is no sound XML ({error!s:.150})") from error


def _is_unseen(column: Any) -> bool:
    return column.get("hidden") in _YES or column.get("width") == "0"


def _mark_header(sheet: Sheet, reference: str) -> None:
    area = _area(reference)
    if area is not None:
        sheet.headers.add(area.top)


def _area(reference: str) -> Merged | None:
    """Return the cells that a reference such as A1:B3 names."""
    ends = [_PLACE.fullmatch(end) for end in reference.split(":")]
    first, last = ends[0], ends[-1]
    if first is None or last is None:
        return None
    top, left = int(first[2]) - 1, _column(first[1])
    return Merged(top, left, int(last[2]), _column(last[1]) + 1)


@lru_cache(maxsize=2_000)
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _whole(value: str | None, default: int, most: int) -> int:
    value = (value or "").strip()
    return min(int(value), most) if value.isdecimal() and len(value) < 10 else default
