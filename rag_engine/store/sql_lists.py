"""Lists of values in SQL: ``IN (?, ?, ...)``, as many at a time as SQLite takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["batches", "marks"]

_BATCH = 500
"""Values a query; SQLite takes at most 32,766 parameters."""


def batches(values: Sequence[object]) -> Iterator[Sequence[object]]:
    """Yield some of the values at a time, in their order.

    >>> [len(batch) for batch in batches(range(1_200))]
    [500, 500, 200]
    """
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def marks(values: Sequence[object]) -> str:
    """Return a mark for each value.

    >>> marks(["a", "b", "c"])
    '?, ?, ?'
    """
    return ", ".join("?" * len(values))
