"""The rules of a PDF page: straight lines and the edges of boxes, as they frame cells of tables.

Programs draw them as strokes, as thin filled boxes, or as a box around each cell.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

__all__ = ["NEAR", "Rule", "read_rules"]

NEAR = 4.0
"""Points: rules that are no further apart are one, as the edges of two cells side by side."""
_THIN = 3.0
_MOST_OBJECTS = 5_000
_MOST_SEGMENTS = 2_000
_MOST_RULES = 400
_BOX_SEGMENTS = range(2, 7)


class Rule(NamedTuple):
    """A horizontal line at a height, or a vertical one at a place across, from start to end."""

    at: float
    start: float
    end: float


def read_rules(page: Any) -> tuple[list[Rule], list[Rule]]:
    """Return a pypdfium2 page's horizontal and its vertical rules, in points, each set in order.

    Pieces of one rule are put together. A page with so many that it must be a drawing has none.
    """
    across: list[Rule] = []
    upright: list[Rule] = []
    raw = page.raw
    count = pdfium.FPDFPage_CountObjects(raw)
    if count > _MOST_OBJECTS:
        return [], []
    edges = [ctypes.c_float() for _ in range(4)]
    for number in range(count):
        drawn = pdfium.FPDFPage_GetObject(raw, number)
        if pdfium.FPDFPageObj_GetType(drawn) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        for left, bottom, right, top in _boxes(drawn, edges):
            wide, high = right - left, top - bottom
            if high <= _THIN < wide:
                across.append(Rule((bottom + top) / 2, left, right))
            elif wide <= _THIN < high:
                upright.append(Rule((left + right) / 2, bottom, top))
            elif wide > _THIN and high > _THIN:
                across += [Rule(bottom, left, right), Rule(top, left, right)]
                upright += [Rule(left, bottom, top), Rule(right, bottom, top)]
    whole = _put_together(across), _put_together(upright)
    return ([], []) if sum(map(len, whole)) > _MOST_RULES else whole


def _boxes(drawn: Any, edges: Sequence[Any]) -> Iterable[tuple[float, float, float, float]]:
    """Return the boxes that a path is made up of; its curves and slanted lines make none.

    What is thin as a whole is a rule, whatever its ends; most paths are. ``edges`` are four places
    for PDFium's answers.
    """
    segments = pdfium.FPDFPath_CountSegments(drawn)
    if segments in _BOX_SEGMENTS:
        pdfium.FPDFPageObj_GetBounds(drawn, *edges)
        left, bottom, right, top = (edge.value for edge in edges)
        if min(right - left, top - bottom) <= _THIN or _is_straight(drawn, segments):
            return ((left, bottom, right, top),)
    return _steps(drawn, segments) if segments <= _MOST_SEGMENTS else ()


def _is_straight(drawn: Any, segments: int) -> bool:
    """Tell whether all lines of a path run along the page's edges."""
    return sum(1 for _ in _steps(drawn, segments)) >= min(segments - 1, 3)


def _steps(drawn: Any, segments: int) -> Iterator[tuple[float, float, float, float]]:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(drawn, matrix)
    a, b, c, d, e, f = matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[bool, float, float]] = []
    for number in range(segments):
        segment = pdfium.FPDFPath_GetPathSegment(drawn, number)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            return
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        across, up = x.value, y.value
        moved = kind == pdfium.FPDF_SEGMENT_MOVETO
        points.append((moved, a * across + c * up + e, b * across + d * up + f))
    for (_, left, low), (moved, right, high) in pairwise(points):
        if not moved and (abs(left - right) <= 1 or abs(low - high) <= 1):
            yield min(left, right), min(low, high), max(left, right), max(low, high)


def _put_together(rules: Iterable[Rule]) -> list[Rule]:
    """Join rules at one place that overlap or follow each other closely.

    >>> _put_together([Rule(10, 0, 50), Rule(11, 51, 90), Rule(10, 200, 210)])
    [Rule(at=10.5, start=0, end=90), Rule(at=10, start=200, end=210)]
    """
    lanes: list[list[Rule]] = []
    for rule in sorted(set(rules)):
        if lanes and rule.at - lanes[-1][0].at <= NEAR:
            lanes[-1].append(rule)
        else:
            lanes.append([rule])
    joined: list[Rule] = []
    for lane in lanes:
        group: list[Rule] = []
        end = float("-inf")
        for rule in sorted(lane, key=lambda each: each.start):
            if group and rule.start > end + NEAR:
                joined.append(_one(group))
                group = []
            end = max(end, rule.end) if group else rule.end
            group.append(rule)
        joined.append(_one(group))
    return joined


def _one(group: list[Rule]) -> Rule:
    places = [rule.at for rule in group]
    middle = (min(places) + max(places)) / 2 if len(group) > 1 else places[0]
    return Rule(middle, min(r.start for r in group), max(r.end for r in group))
