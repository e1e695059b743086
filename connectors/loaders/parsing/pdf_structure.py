"""What a tagged PDF says of a page: its headings, tables and languages, what its pictures show."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.cleaning import one_line

__all__ = ["Figure", "Heading", "PageStructure", "TaggedCell", "TaggedRow", "read_structure"]

_MOST_ELEMENTS = 20_000
_DEEPEST = 64
_LONGEST = 100_000
"""Bytes of a name or an alternative text."""
_PASSED_OVER = frozenset({"TOC", "Index", "Artifact"})
"""Elements in which nothing is looked for."""
_CELLS = frozenset({"TH", "TD"})
_SHOWN = frozenset({"Figure", "Formula"})
_LONGEST_NAME = 64
_ROW_DEPTH = 4
"""Of what stands in a cell: below a table are its parts, rows and cells."""
_MOST_OF_CELL = 32
"""Attributes of a cell."""
_LEVEL = re.compile(r"H([1-9]\d?)")
_PARTS = frozenset({"Part", "Art", "Sect", "Div"})


class Heading(NamedTuple):
    """A heading's level, 1 the outermost, and a number that tells it from others of its page."""

    level: int
    number: int


class Figure(NamedTuple):
    """A picture's alternative text, and the number of its content; -1 if it has none."""

    mark: int
    text: str


class TaggedCell(NamedTuple):
    """A cell of a table: the numbers of its content, and how many rows and columns it spans.

    ``header`` marks one that names a row or a column, ``scope`` which of them.
    """

    marks: frozenset[int]
    header: bool
    scope: str
    rows: int
    columns: int


class TaggedRow(NamedTuple):
    """A row of a table; ``in_head`` says that it stands in the table's head."""

    cells: tuple[TaggedCell, ...]
    in_head: bool


@dataclass(frozen=True, slots=True)
class PageStructure:
    """What is told of a page's content, by its numbers; pictures and tables in their order."""

    headings: dict[int, Heading] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tables: list[list[TaggedRow]] = field(default_factory=list)


def read_structure(page: Any) -> PageStructure:
    """Read the structure of a pypdfium2 page; that of a file without tags is empty."""
    tree = pdfium.FPDF_StructTree_GetForPage(page)
    structure = PageStructure()
    if not tree:
        return structure
    try:
        room = iter(range(_MOST_ELEMENTS))
        for number in range(pdfium.FPDF_StructTree_CountChildren(tree)):
            child = pdfium.FPDF_StructTree_GetChildAtIndex(tree, number)
            if child:
                _read(child, structure, room)
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    return structure


def _read(
    element: Any,
    structure: PageStructure,
    room: Iterator[int],
    *,
    depth: int = 0,
    parts: int = 0,
    language: str = "",
) -> None:
    number = next(room, None)
    if number is None or depth > _DEEPEST:
        return
    kind = _text(pdfium.FPDF_StructElement_GetType, element)
    if kind in _PASSED_OVER:
        return
    if kind in _SHOWN:
        text = one_line(_text(pdfium.FPDF_StructElement_GetAltText, element), limit=_LONGEST)
        if text and not names_a_picture(text):
            structure.figures.append(Figure(min(_marks(element), default=-1), text))
            return
    own = _text(pdfium.FPDF_StructElement_GetLang, element) or language
    if own:
        structure.languages.update(dict.fromkeys(_own_marks(element), own))
    level = _level(kind, parts)
    if level:
        heading = Heading(level, number)
        structure.headings.update(dict.fromkeys(_marks(element), heading))
    if kind == "Table" and not _lays_out(element):
        structure.languages.update(dict.fromkeys(_marks(element), own) if own else ())
        structure.tables.append(list(_rows(element, room)))
        return
    inner = parts + (kind in _PARTS)
    for child in _children(element):
        _read(child, structure, room, depth=depth + 1, parts=inner, language=own)


def _lays_out(element: Any, depth: int = 0) -> bool:
    """Tell whether a table holds another one."""
    return depth < _ROW_DEPTH and any(
        _text(pdfium.FPDF_StructElement_GetType, child) == "Table" or _lays_out(child, depth + 1)
        for child in _children(element)
    )


def _rows(
    element: Any, room: Iterator[int], *, in_head: bool = False, depth: int = 0
) -> Iterator[TaggedRow]:
    """Yield the rows of a table, or of a part of it."""
    for child in _children(element) if depth <= _DEEPEST else ():
        if next(room, None) is None:
            return
        kind = _text(pdfium.FPDF_StructElement_GetType, child)
        if kind == "TR":
            cells = (_cell(each) for each in _children(child))
            yield TaggedRow(tuple(each for each in cells if each is not None), in_head)
        elif kind not in {"Caption", "Table"}:
            yield from _rows(child, room, in_head=in_head or kind == "THead", depth=depth + 1)


def _cell(element: Any) -> TaggedCell | None:
    kind = _text(pdfium.FPDF_StructElement_GetType, element)
    if kind not in _CELLS:
        return None
    told: dict[bytes, Any] = {}
    for number in range(min(pdfium.FPDF_StructElement_GetAttributeCount(element), _MOST_OF_CELL)):
        given = pdfium.FPDF_StructElement_GetAttributeAtIndex(element, number)
        for name in (b"RowSpan", b"ColSpan", b"Scope"):
            value = pdfium.FPDF_StructElement_Attr_GetValue(given, name) if given else None
            if value:
                told.setdefault(name, value)
    return TaggedCell(
        marks=frozenset(_marks(element)),
        header=kind == "TH",
        scope=_name(told.get(b"Scope")).lower(),
        rows=_span(told.get(b"RowSpan")),
        columns=_span(told.get(b"ColSpan")),
    )


def _span(value: Any) -> int:
    number = ctypes.c_float()
    told = value and pdfium.FPDF_StructElement_Attr_GetNumberValue(value, number)
    return max(1, int(number.value)) if told and number.value < _MOST_ELEMENTS else 1


def _name(value: Any) -> str:
    size = ctypes.c_ulong()
    buffer = ctypes.create_string_buffer(_LONGEST_NAME)
    if not value or not pdfium.FPDF_StructElement_Attr_GetStringValue(
        value, buffer, _LONGEST_NAME, size
    ):
        return ""
    return buffer.raw[: min(size.value, _LONGEST_NAME)].decode("utf-16-le", "replace").rstrip("\0")


def _level(kind: str, parts: int) -> int:
    """Return the level of a heading, 0 of anything else; one without a number is as deep as it is.

    >>> _level("H3", 1), _level("H", 2), _level("Title", 0), _level("P", 1)
    (3, 2, 1, 0)
    """
    if kind in {"H", "Title"}:
        return max(parts, 1)
    named = _LEVEL.fullmatch(kind)
    return int(named[1]) if named else 0


def _children(element: Any) -> Iterator[Any]:
    for number in range(pdfium.FPDF_StructElement_CountChildren(element)):
        child = pdfium.FPDF_StructElement_GetChildAtIndex(element, number)
        if child:
            yield child


def _own_marks(element: Any) -> Iterator[int]:
    """Yield the numbers of an element's content but for that of the elements in it."""
    for number in range(min(pdfium.FPDF_StructElement_CountChildren(element), _MOST_ELEMENTS)):
        mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, number)
        if mark >= 0:
            yield int(mark)


def _marks(element: Any, depth: int = 0) -> Iterator[int]:
    """Yield the numbers of an element's content, and of that of the elements in it."""
    for number in range(min(pdfium.FPDF_StructElement_CountChildren(element), _MOST_ELEMENTS)):
        mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, number)
        if mark >= 0:
            yield int(mark)
        elif depth < _DEEPEST:
            child = pdfium.FPDF_StructElement_GetChildAtIndex(element, number)
            if child:
                yield from _marks(child, depth + 1)


def _text(get: Callable[[Any, Any, int], int], element: Any) -> str:
    """Return a text that PDFium writes into a buffer, as UTF-16 with a zero at its end."""
    size = get(element, None, 0)
    if not 2 < size <= _LONGEST:
        return ""
    buffer = ctypes.create_string_buffer(size)
    get(element, buffer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
