"""Marked content of a PDF page that says which characters its glyphs stand for."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pypdfium2.raw as pdfium

__all__ = ["JOINERS", "Box", "Span", "spans_of", "unseen_of"]

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points; they grow to the right and upwards."""

_KEY = b"ActualText"
JOINERS = frozenset("\u200c\u200d")
"""Zero width non-joiner, zero width joiner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Glyphs that stand for ``text``, from ``left`` to ``right``, the pen's places among them.

    ``mark`` tells one from another, ``base`` is the line on which it stands.
    """

    mark: int
    text: str
    left: float
    right: float
    base: float


def unseen_of(page: Any) -> list[Span]:
    """Return the spans of a pypdfium2 page that stand for a joiner or a non-joiner alone.

    With them come, as spans of a blank, the objects that draw nothing else.
    """
    joiners: dict[int, Span] = {}
    blanks: list[Span] = []
    for drawn, told in _drawn(page):
        if told is None:
            span = _span(drawn, (0, " "))
            blanks += [span] if span.left == span.right else []
        elif told[1] in JOINERS:
            joiners[told[0]] = _span(drawn, told)
    return [*joiners.values(), *blanks]


def spans_of(page: Any) -> tuple[dict[int, Span], list[tuple[float, float]]]:
    """Return the spans of a pypdfium2 page by the addresses of the objects that draw them.

    With them come the places of the pen, across and up, where an object draws blanks alone.
    """
    spans: dict[int, Span] = {}
    marks: dict[int, int] = {}  # of each object's address
    blanks: list[tuple[float, float]] = []
    for drawn, told in _drawn(page):
        span = _span(drawn, told or (0, ""))
        if told is None:
            if span.left == span.right:
                blanks.append((span.left, span.base))
            continue
        known = spans.get(span.mark, span)
        left, right = min(span.left, known.left), max(span.right, known.right)
        spans[span.mark] = replace(known, left=left, right=right)
        marks[ctypes.addressof(drawn.contents)] = span.mark
    return {address: spans[mark] for address, mark in marks.items()}, blanks


def _drawn(page: Any) -> Iterator[tuple[Any, tuple[int, str] | None]]:
    """Yield the objects of a page that draw text, with what is told of each."""
    for number in range(pdfium.FPDFPage_CountObjects(page.raw)):
        drawn = pdfium.FPDFPage_GetObject(page.raw, number)
        if pdfium.FPDFPageObj_GetType(drawn) == pdfium.FPDF_PAGEOBJ_TEXT:
            yield drawn, _told_of(drawn)


def _span(drawn: Any, told: tuple[int, str]) -> Span:
    edges = [ctypes.c_float() for _ in range(4)]
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(drawn, matrix)
    left = right = matrix.e
    if pdfium.FPDFPageObj_GetBounds(drawn, *edges):
        left, right = min(left, edges[0].value), max(right, edges[2].value)
    return Span(mark=told[0], text=told[1], left=left, right=right, base=matrix.f)


def _told_of(drawn: Any) -> tuple[int, str] | None:
    """Return the address of an object's mark that tells a text, and the text."""
    for number in range(pdfium.FPDFPageObj_CountMarks(drawn)):
        mark = pdfium.FPDFPageObj_GetMark(drawn, number)
        size = ctypes.c_ulong()
        # As bytes: the function for strings loses those beyond ASCII.
        if not pdfium.FPDFPageObjMark_GetParamBlobValue(mark, _KEY, None, 0, size):
            continue
        buffer = (ctypes.c_ubyte * max(size.value, 1))()
        pdfium.FPDFPageObjMark_GetParamBlobValue(mark, _KEY, buffer, size.value, size)
        return ctypes.addressof(mark.contents), _decoded(bytes(buffer)[: size.value])
    return None


def _decoded(told: bytes) -> str:
    r"""Return a text string of PDF (PDF Reference, 7.9.2.2); one without a mark as Latin-1.

    >>> _decoded(b"\xfe\xff\x20\x0c") == "\u200c", _decoded(b"fi")
    (True, 'fi')
    """
    if told.startswith(b"\xfe\xff"):
        return told[2:].decode("utf-16-be", "replace")
    if told.startswith(b"\xef\xbb\xbf"):
        return told[3:].decode("utf-8", "replace")
    return told.decode("latin-1")
