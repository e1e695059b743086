"""Tables for people, as lines of plain text: aligned by rich, never wrapped or cut."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

__all__ = ["table"]

_WIDE = 10_000
"""Columns that are enough for any row."""


def table(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return rows, which have the same keys, as lines with aligned columns.

    >>> table([{"what": "a", "ms": 1.5}, {"what": "longer", "ms": None}])
    ['what     ms', 'a       1.5', 'longer    -']
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return []
    first, *others = rows[0]
    aligned = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    aligned.add_column(Text(first), no_wrap=True)
    for name in others:
        aligned.add_column(Text(name), justify="right", no_wrap=True)
    for row in rows:
        aligned.add_row(*(Text(_cell(row[name])) for name in (first, *others)))
    written = io.StringIO()
    Console(file=written, width=_WIDE, color_system=None, force_terminal=False).print(aligned)
    return [line.rstrip() for line in written.getvalue().splitlines()]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
