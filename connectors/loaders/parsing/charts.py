"""Charts of Office: their titles, and their values as the axes show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag_engine.connectors.loaders.parsing.chart_values import joined_levels, place_of, shown_number
from rag_engine.connectors.loaders.parsing.charts_ex import CHART_EX, chart_ex_lines
from rag_engine.connectors.loaders.parsing.drawing_text import paragraphs

__all__ = ["CHARTS", "C", "chart_lines"]

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
"""The namespace of charts, as lxml writes it."""
CHARTS = (f"{C}chart", CHART_EX)
"""What refers to a chart in a drawing."""

_YES = frozenset({"1", "true"})
_CATEGORIES, _VALUES = ("cat", "xVal"), ("val", "yVal")


def chart_lines(root: Any) -> list[str]:
    """Return a chart as its titles, then a line for each category with the names of its series."""
    if not root.tag.startswith(C):
        return chart_ex_lines(root)
    switch = root.find(f"{C}date1904")
    from_1904 = switch is not None and switch.get("val", "1") in _YES
    values: dict[str, list[str]] = {}
    for series in root.iter(f"{C}ser"):
        name = " ".join(_points(series.find(f"{C}tx"), from_1904=from_1904).values())
        name = name or (series.findtext(f"{C}tx/{C}v") or "").strip()
        categories = _points(_either(series, _CATEGORIES), from_1904=from_1904)
        for index, value in _points(_either(series, _VALUES), from_1904=from_1904).items():
            category = categories.get(index, str(index + 1))
            values.setdefault(category, []).append(f"{name}: {value}" if name else value)
    lines = (f"{category}: {' | '.join(each)}" for category, each in values.items())
    return [*_titles(root), *lines]


def _titles(root: Any) -> Iterator[str]:
    """Yield the title of the chart, then those of its axes."""
    for title in root.iter(f"{C}title"):
        written = [block.text for block in paragraphs(title)]
        yield from written or _points(title, from_1904=False).values()


def _either(series: Any, names: tuple[str, ...]) -> Any | None:
    return next((found for name in names for found in series.iterfind(C + name)), None)


def _points(element: Any | None, *, from_1904: bool) -> dict[int, str]:
    """Return the values that a chart keeps of its source, by their places."""
    if element is None:
        return {}
    levels = [
        {place_of(point): point.findtext(f"{C}v") or "" for point in level.iter(f"{C}pt")}
        for level in element.iter(f"{C}lvl")
    ]
    if levels:
        return joined_levels(levels)
    points = {}
    code = next((each.text or "" for each in element.iter(f"{C}formatCode")), "")
    for point in element.iter(f"{C}pt"):
        value = (point.findtext(f"{C}v") or "").strip()
        if value and element.find(f".//{C}numCache") is not None:
            code_of_it = point.get("formatCode") or code
            value = shown_number(value, code_of_it, from_1904=from_1904)
        if value:
            points[place_of(point)] = value
    return points
