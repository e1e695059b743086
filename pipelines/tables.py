"""Tables for people, as lines of plain text: aligned, never wrapped or cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag_engine.text.steering import on_one_line

__all__ = ["table"]

_GAP = "  "


def table(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return rows, which have the same keys, as lines with aligned columns.

    >>> table([{"what": "a", "ms": 1.5}, {"what": "longer", "ms": None}])
    ['what     ms', 'a       1.5', 'longer    -']
    """
    from rich.cells import cell_len  # how many columns a text takes on a terminal

    if not rows:
        return []
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        padded = [first + " " * (widths[0] - cell_len(first))]
        for text, width in zip(others, widths[1:], strict=True):
            padded.append(" " * (width - cell_len(text)) + text)
        lines.append(_GAP.join(padded).rstrip())
    return lines


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return on_one_line(str(value))
