"""What a tagged PDF says of a page: which of its text is a heading, and what its pictures show."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.cleaning import one_line

__all__ = ["Figure", "Heading", "PageStructure", "read_structure"]

_MOST_ELEMENTS = 20_000
_DEEPEST = 64
_LONGEST = 100_000
"""Bytes of a name or an alternative text."""
_PASSED_OVER = frozenset({"Table", "TOC", "Index", "Artifact"})
"""Elements in which nothing is looked for: cells are read where they stand."""
_SHOWN = frozenset({"Figure", "Formula"})
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


@dataclass(frozen=True, slots=True)
class PageStructure:
    """Headings by the numbers of their content, and pictures in their order."""

    headings: dict[int, Heading] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)


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
                _read(child, structure, room, depth=0, parts=0)
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    return structure


def _read(
    element: Any, structure: PageStructure, room: Iterator[int], *, depth: int, parts: int
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
    level = _level(kind, parts)
    if level:
        heading = Heading(level, number)
        structure.headings.update(dict.fromkeys(_marks(element), heading))
    for child in _children(element):
        _read(child, structure, room, depth=depth + 1, parts=parts + (kind in _PARTS))


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
