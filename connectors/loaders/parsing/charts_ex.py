"""The newer charts of Office: waterfall, treemap, sunburst, funnel, histogram, box plot, map.

They keep their data apart from their series (MS-ODRAWXML, 2.24, ``chartex``).
"""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.loaders.parsing.chart_values import joined_levels, place_of, shown_number
from rag_engine.connectors.loaders.parsing.drawing_text import paragraphs

__all__ = ["CHART_EX", "chart_ex_lines"]

_CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
CHART_EX = f"{_CX}chart"
"""What refers to such a chart in a drawing."""

_YES = frozenset({"1", "true"})


def chart_ex_lines(root: Any) -> list[str]:
    """Return a chart as its titles, then a line for each category with the names of its series."""
    data = {each.get("id", ""): each for each in root.iter(f"{_CX}data")}
    values: dict[str, list[str]] = {}
    for series in root.iter(f"{_CX}series"):
        link = series.find(f"{_CX}dataId")
        held = None if link is None else data.get(link.get("val", ""))
        if held is None or series.get("hidden") in _YES:
            continue
        name = (series.findtext(f"{_CX}tx/{_CX}txData/{_CX}v") or "").strip()
        texts = [_points(level) for level in held.iterfind(f"{_CX}strDim/{_CX}lvl")]
        categories = joined_levels(texts) if texts else {}
        for level in held.iterfind(f"{_CX}numDim/{_CX}lvl"):
            code = level.get("formatCode", "")
            for place, value in _points(level).items():
                shown = shown_number(value, code)
                category = categories.get(place, str(place + 1))
                values.setdefault(category, []).append(f"{name}: {shown}" if name else shown)
    lines = (f"{category}: {' | '.join(each)}" for category, each in values.items())
    return [*_titles(root), *lines]


def _titles(root: Any) -> list[str]:
    titles: list[str] = []
    for title in root.iter(f"{_CX}title"):
        written = [block.text for body in title.iter(f"{_CX}rich") for block in paragraphs(body)]
        stored = (title.findtext(f"{_CX}tx/{_CX}txData/{_CX}v") or "").strip()
        titles += written or filter(None, [stored])
    return titles


def _points(level: Any) -> dict[int, str]:
    return {
        place_of(point): (point.text or "").strip()
        for point in level.iterfind(f"{_CX}pt")
        if (point.text or "").strip()
    }
