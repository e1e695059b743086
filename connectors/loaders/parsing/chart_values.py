"""The values that a chart keeps of its source: numbers as they are shown, categories of levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag_engine.connectors.loaders.parsing.number_formats import general, shown

__all__ = ["joined_levels", "place_of", "shown_number"]

_GREATEST = 10**6


def joined_levels(levels: Sequence[Mapping[int, str]]) -> dict[int, str]:
    """Return categories of several levels, the innermost first: an outer one holds up to the next.

    >>> joined_levels([{0: "May", 1: "June", 2: "May"}, {0: "2024", 2: "2025"}])
    {0: '2024 > May', 1: '2024 > June', 2: '2025 > May'}
    """
    inner, *outer = levels
    points = {}
    for place, name in inner.items():
        above = [max((at for at in level if at <= place), default=-1) for level in outer]
        names = [level.get(at, "") for level, at in zip(outer, above, strict=True)]
        points[place] = " > ".join(filter(None, [*reversed(names), name]))
    return points


def shown_number(value: str, code: str, *, from_1904: bool = False) -> str:
    """Return a stored number as a format code shows it; what is no number stays as it is.

    >>> shown_number("0.25", "0%"), shown_number("n/a", "0%")
    ('25%', 'n/a')
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if code.lower() in {"", "general"}:
        return general(number)
    return shown(number, code, from_1904=from_1904)


def place_of(point: Any) -> int:
    """Return where a value stands among the others, from 0."""
    value = point.get("idx") or ""
    return min(int(value), _GREATEST) if value.isdecimal() and len(value) < 9 else 0
