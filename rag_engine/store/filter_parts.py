"""A filter that is too large for one statement of SQLite is asked in parts, joined by their ids.

SQLite refuses an expression that is more than 1,000 operators high, and a chain of parts is as high
as it is long; its parser refuses one that is nested too deeply (31 levels of And and Or in one
build, more in others). A filter within the limits of ``filters`` is answered all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from rag_engine.errors import InvalidFilter
from rag_engine.file_names import any_spelling
from rag_engine.filters import And, Filter, In, Not, Or
from rag_engine.ports import Int64Array

__all__ = ["matching_ids"]

_MOST_CONDITIONS = 400
_DEEPEST = 10
_MOST_VALUES = 30_000
"""Of a whole filter as it is given, and of one statement; SQLite takes 32,766."""


def matching_ids(node: Filter, ask: Callable[[Filter], Int64Array]) -> Int64Array:
    """Return the ids that a filter lets through, ascending; ``ask`` tells them of one statement.

    Raises:
        InvalidFilter: the filter holds more values than it may.

    >>> even, small = np.array([0, 2, 4]), np.array([0, 1, 2])
    >>> matching_ids(Or(And(), And()), lambda node: even).tolist()
    [0, 2, 4]
    """
    values = _values(node)
    if values > _MOST_VALUES:
        raise InvalidFilter(
            f"a filter holds at most {_MOST_VALUES:,} conditions and values, got {values:,}; "
            "In(key, values) takes many values of one key"
        )
    return _ids(any_spelling(node), ask)


def _ids(node: Filter, ask: Callable[[Filter], Int64Array]) -> Int64Array:
    if _fits(node):
        return ask(node)
    if isinstance(node, Not):
        return np.setdiff1d(ask(And()), _ids(node.part, ask), assume_unique=True)
    assert isinstance(node, And | Or)
    join = np.intersect1d if isinstance(node, And) else np.union1d
    return reduce(join, (_ids(part, ask) for part in _groups(node)))


def _groups(node: And | Or) -> Iterator[Filter]:
    """Yield the parts of a branch, as many together as one statement takes."""
    together: list[Filter] = []
    room, values = _MOST_CONDITIONS, _MOST_VALUES
    for part in node.parts:
        wanted, held = _conditions(part), _values(part)
        if wanted > _MOST_CONDITIONS or held > _MOST_VALUES or _depth(part) >= _DEEPEST:
            yield part
            continue
        if together and (wanted > room or held > values):
            yield type(node)(*together)
            together, room, values = [], _MOST_CONDITIONS, _MOST_VALUES
        together.append(part)
        room, values = room - wanted, values - held
    if together:
        yield type(node)(*together)


def _fits(node: Filter) -> bool:
    return (
        _conditions(node) <= _MOST_CONDITIONS
        and _values(node) <= _MOST_VALUES
        and _depth(node) <= _DEEPEST
    )


def _conditions(node: Filter) -> int:
    # Without parts, a branch is still a condition of the statement: "everything", "nothing".
    if isinstance(node, And | Or):
        return sum(map(_conditions, node.parts)) or 1
    return _conditions(node.part) if isinstance(node, Not) else 1


def _depth(node: Filter) -> int:
    if isinstance(node, And | Or):
        return 1 + max(map(_depth, node.parts), default=0)
    return 1 + _depth(node.part) if isinstance(node, Not) else 0


def _values(node: Filter) -> int:
    if isinstance(node, And | Or):
        return sum(map(_values, node.parts)) or 1
    if isinstance(node, Not):
        return _values(node.part)
    return 2 + (len(node.values) if isinstance(node, In) else 1)
