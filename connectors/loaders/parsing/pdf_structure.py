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
from rag_engine.connectors.loaders.parsing.pdf_calls import (
    address_of,
    alternative_of,
    attribute_at,
    child_at,
    count_attributes,
    count_children,
    kind_of_element,
    language_of,
    mark_of_child,
    name_of,
    number_of,
    value_of,
)

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
                _read(address_of(child), structure, room)
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    return structure


def _read(
    element: int,
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
    kind = _text(kind_of_element, element)
    if kind in _PASSED_OVER:
        return
    if kind in _SHOWN:
        text = one_line(_text(alternative_of, element), limit=_LONGEST)
        if text and not names_a_picture(text):
            structure.figures.append(Figure(min(_marks(element), default=-1), text))
            return
    own = _text(language_of, element) or language
    if own:
        structure.languages.update(dict.fromkeys(_own_marks(element), own))
    level = _level(kind, parts)
    if level:
        heading = Heading(level, number)
        structure.headings.update(dict.fromkeys(_marks(element), heading))
    if kind == "Table":
        table = _node(element, kind)
        if not _lays_out(table):
            structure.languages.update(dict.fromkeys(_marks_in(table), own) if own else ())
            structure.tables.append(list(_rows(table, room)))
            return
    inner = parts + (kind in _PARTS)
    for child in _children(element):
        _read(child, structure, room, depth=depth + 1, parts=inner, language=own)


class _Node(NamedTuple):
    """An element of a table: its address and kind, the numbers of its content, what is in it."""

    element: int
    kind: str
    inner: list[int | _Node]

    @property
    def children(self) -> Iterator[_Node]:
        """The elements in it."""
        return (each for each in self.inner if isinstance(each, _Node))


def _node(element: int, kind: str, depth: int = 0) -> _Node:
    """Read an element and what is in it, once for all that is asked of it."""
    inner: list[int | _Node] = []
    for number in range(min(count_children(element), _MOST_ELEMENTS)):
        mark = mark_of_child(element, number)
        if mark >= 0:
            inner.append(mark)
        elif depth < _DEEPEST:
            child = child_at(element, number)
            if child:
                inner.append(_node(child, _text(kind_of_element, child), depth + 1))
    return _Node(element, kind, inner)


def _marks_in(node: _Node) -> Iterator[int]:
    """Yield the numbers of an element's content, and of that of the elements in it."""
    for each in node.inner:
        if isinstance(each, _Node):
            yield from _marks_in(each)
        else:
            yield each


def _lays_out(node: _Node, depth: int = 0) -> bool:
    """Tell whether a table holds another one."""
    return depth < _ROW_DEPTH and any(
        child.kind == "Table" or _lays_out(child, depth + 1) for child in node.children
    )


def _rows(node: _Node, room: Iterator[int], *, in_head: bool = False) -> Iterator[TaggedRow]:
    """Yield the rows of a table, or of a part of it."""
    for child in node.children:
        if next(room, None) is None:
            return
        if child.kind == "TR":
            cells = tuple(_cell(each) for each in child.children if each.kind in _CELLS)
            yield TaggedRow(cells, in_head)
        elif child.kind not in {"Caption", "Table"}:
            yield from _rows(child, room, in_head=in_head or child.kind == "THead")


def _cell(node: _Node) -> TaggedCell:
    told: dict[bytes, int] = {}
    element = node.element
    for number in range(min(count_attributes(element), _MOST_OF_CELL)):
        given = attribute_at(element, number)
        for name in (b"RowSpan", b"ColSpan", b"Scope"):
            value = value_of(given, name) if given else None
            if value:
                told.setdefault(name, value)
    return TaggedCell(
        marks=frozenset(_marks_in(node)),
        header=node.kind == "TH",
        scope=_name(told[b"Scope"]).lower() if b"Scope" in told else "",
        rows=_span(told[b"RowSpan"]) if b"RowSpan" in told else 1,
        columns=_span(told[b"ColSpan"]) if b"ColSpan" in told else 1,
    )


def _span(value: int) -> int:
    number = ctypes.c_float()
    told = number_of(value, ctypes.addressof(number))
    return max(1, int(number.value)) if told and number.value < _MOST_ELEMENTS else 1


def _name(value: int) -> str:
    size = ctypes.c_ulong()
    buffer = ctypes.create_string_buffer(_LONGEST_NAME)
    if not name_of(value, ctypes.addressof(buffer), _LONGEST_NAME, ctypes.addressof(size)):
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


def _children(element: int) -> Iterator[int]:
    for number in range(count_children(element)):
        child = child_at(element, number)
        if child:
            yield child


def _own_marks(element: int) -> Iterator[int]:
    """Yield the numbers of an element's content but for that of the elements in it."""
    for number in range(min(count_children(element), _MOST_ELEMENTS)):
        mark = mark_of_child(element, number)
        if mark >= 0:
            yield mark


def _marks(element: int, depth: int = 0) -> Iterator[int]:
    """Yield the numbers of an element's content, and of that of the elements in it."""
    for number in range(min(count_children(element), _MOST_ELEMENTS)):
        mark = mark_of_child(element, number)
        if mark >= 0:
            yield mark
        elif depth < _DEEPEST:
            child = child_at(element, number)
            if child:
                yield from _marks(child, depth + 1)


_ROOM = ctypes.create_string_buffer(_LONGEST_NAME)
"""Where PDFium writes short texts; most are kinds of elements."""
_TO_ROOM = ctypes.addressof(_ROOM)


def _text(get: Callable[[Any, Any, int], int], element: int) -> str:
    """Return a text that PDFium writes into a buffer, as UTF-16 with a zero at its end."""
    size = get(element, _TO_ROOM, _LONGEST_NAME)
    if not 2 < size <= _LONGEST:
        return ""
    if size <= _LONGEST_NAME:
        return ctypes.string_at(_TO_ROOM, size - 2).decode("utf-16-le", "replace")
    buffer = ctypes.create_string_buffer(size)
    get(element, ctypes.addressof(buffer), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
