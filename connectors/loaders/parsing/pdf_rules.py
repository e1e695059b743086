"""The rules of a PDF page: straight lines and the edges of boxes, as they frame cells of tables.

Programs draw them as strokes, as thin filled boxes, or as a box around each cell.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.pdf_calls import (
    address_of,
    bounds_of,
    count_segments,
    kind_of_segment,
    matrix_of,
    object_at,
    point_of,
    segment_at,
)
from rag_engine.connectors.loaders.parsing.pdf_spans import Box

__all__ = ["NEAR", "Rule", "read_rules"]

NEAR = 4.0
"""Points: rules that are no further apart are one, as the edges of two cells side by side."""
_THIN = 3.0
_MOST_OBJECTS = 5_000
_MOST_SEGMENTS = 2_000
_MOST_RULES = 400
_BOX_SEGMENTS = range(2, 7)

_Place = tuple[float, float, float]
"""What a rule holds."""


class Rule(NamedTuple):
    """A horizontal line at a height, or a vertical one at a place across, from start to end."""

    at: float
    start: float
    end: float


def read_rules(page: Any) -> tuple[list[Rule], list[Rule]]:
    """Return a pypdfium2 page's horizontal and its vertical rules, in points, each set in order.

    Pieces of one rule are put together. A page with so many that it must be a drawing has none.
    """
    across: list[_Place] = []
    upright: list[_Place] = []
    count = pdfium.FPDFPage_CountObjects(page.raw)
    if count > _MOST_OBJECTS:
        return [], []
    reader = _PathReader()
    objects = list(map(object_at, repeat(address_of(page.raw), count), range(count)))
    for drawn, segments in zip(objects, map(count_segments, objects), strict=True):
        if segments < 0:  # it is no path
            continue
        for left, bottom, right, top in reader.boxes(drawn, segments):
            wide, high = right - left, top - bottom
            if high <= _THIN < wide:
                across.append(((bottom + top) / 2, left, right))
            elif wide <= _THIN < high:
                upright.append(((left + right) / 2, bottom, top))
            elif wide > _THIN and high > _THIN:
                across += [(bottom, left, right), (top, left, right)]
                upright += [(left, bottom, top), (right, bottom, top)]
    whole = _put_together(across), _put_together(upright)
    return ([], []) if sum(map(len, whole)) > _MOST_RULES else whole


class _PathReader:
    """Reads the paths of a page, given by their addresses, with places for PDFium's answers."""

    def __init__(self) -> None:
        self._edges = (ctypes.c_float * 4)()
        self._matrix = (ctypes.c_float * 6)()
        self._point = (ctypes.c_float * 2)()
        self._to_edges = _addresses(self._edges)
        self._to_matrix = ctypes.addressof(self._matrix)
        self._to_point = _addresses(self._point)

    def boxes(self, path: int, segments: int) -> Iterable[Box]:
        """Return the boxes that a path is made up of; its curves and slanted lines make none.

        What is thin as a whole is a rule, whatever its ends; most paths are.
        """
        if segments not in _BOX_SEGMENTS:
            return self._steps(path, segments) if segments <= _MOST_SEGMENTS else ()
        bounds_of(path, *self._to_edges)
        left, bottom, right, top = self._edges[:]
        if min(right - left, top - bottom) <= _THIN:
            return ((left, bottom, right, top),)
        enough = min(segments - 1, 3)
        steps = self._steps(path, segments, enough)
        # All its lines run along the page's edges.
        return ((left, bottom, right, top),) if len(steps) >= enough else steps

    def _steps(self, path: int, segments: int, enough: int = _MOST_SEGMENTS) -> list[Box]:
        """Return boxes of lines that run along the page's edges; a path with curves has none.

        A short path is read until it has ``enough`` of them; a curve in it, having three segments,
        has the fourth of the path.
        """
        matrix_of(path, self._to_matrix)
        a, b, c, d, e, f = self._matrix[:]
        place, to_point = self._point, self._to_point
        lines: list[Box] = []
        left = low = 0.0
        for number in range(segments):
            segment = segment_at(path, number)
            kind = kind_of_segment(segment) if number else pdfium.FPDF_SEGMENT_MOVETO
            if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
                return []
            point_of(segment, *to_point)
            x, y = place[:]
            right, high = a * x + c * y + e, b * x + d * y + f
            drawn = kind != pdfium.FPDF_SEGMENT_MOVETO
            if drawn and (abs(left - right) <= 1 or abs(low - high) <= 1):
                lines.append((left, low, right, high))
                if number >= 3 and len(lines) >= enough:
                    break
            left, low = right, high
        return [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in lines]


def _addresses(floats: Any) -> list[int]:
    start = ctypes.addressof(floats)
    return [start + number * ctypes.sizeof(ctypes.c_float) for number in range(len(floats))]


def _put_together(rules: Iterable[_Place]) -> list[Rule]:
    """Join rules at one place that overlap or follow each other closely.

    >>> _put_together([(10, 0, 50), (11, 51, 90), (10, 200, 210)])
    [Rule(at=10.5, start=0, end=90), Rule(at=10.0, start=200, end=210)]
    """
    lanes: list[list[_Place]] = []
    for rule in sorted(set(rules)):
        if lanes and rule[0] - lanes[-1][0][0] <= NEAR:
            lanes[-1].append(rule)
        else:
            lanes.append([rule])
    return [joined for lane in lanes for joined in _in_lane(lane)]


def _in_lane(lane: list[_Place]) -> Iterator[Rule]:
    """Yield the rules of one lane, each the middle of what it is put together from."""
    lane.sort(key=itemgetter(1))
    low, start, end = lane[0]
    high = low
    for at, left, right in lane[1:]:
        if left > end + NEAR:
            yield Rule((low + high) / 2, start, end)
            low, high, start, end = at, at, left, right
            continue
        low, high, end = min(low, at), max(high, at), max(end, right)
    yield Rule((low + high) / 2, start, end)
