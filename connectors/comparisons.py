"""How other frameworks compare a field with a value, as the engine's filters.

Each framework has a language of filters with operators of its own; what they mean is the same. A
passage without the field is not equal to a value, and not among values; it is not greater either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from rag_engine.errors import InvalidFilter
from rag_engine.filters import And, Equals, Filter, In, Not, Range

__all__ = ["Comparison", "between", "compared"]

Comparison = Literal["==", "!=", ">", ">=", "<", "<=", "in", "not in"]
"""What a field is to be beside a value."""


def compared(key: str, comparison: Comparison, value: Any) -> Filter:
    """Return the filter for passages whose field ``key`` is so beside ``value``.

    Raises:
        InvalidFilter: a value that no such comparison takes: a bound that is no number, a list for
            one value, one value for a list.

    >>> compared("year", ">=", 2024)
    Range(key='year', minimum=2024, maximum=None)
    >>> compared("kind", "not in", ["draft"])
    Not(part=In(key='kind', values=('draft',)))
    """
    return _COMPARISONS[comparison](key, value)


def between(key: str, bounds: Any) -> Filter:
    """Return the filter for passages whose field is a number within two bounds, both included.

    >>> between("year", [2023, 2024])
    Range(key='year', minimum=2023, maximum=2024)
    """
    values = _several(key, bounds)
    if len(values) != 2:
        raise InvalidFilter(f"filter {key!r}: 'between' takes two bounds, got {len(values)}")
    return Range(key=key, minimum=_bound(key, values[0]), maximum=_bound(key, values[1]))


def _above(key: str, value: Any) -> Filter:
    least = _bound(key, value)
    return And(Range(key=key, minimum=least), Not(Range(key=key, maximum=least)))


def _below(key: str, value: Any) -> Filter:
    most = _bound(key, value)
    return And(Range(key=key, maximum=most), Not(Range(key=key, minimum=most)))


def _bound(key: str, value: Any) -> Any:
    """Refuse a bound that is missing; ``Range`` refuses what is no number."""
    if value is None:
        raise InvalidFilter(f"filter {key!r}: a bound is a number, got None")
    return value


def _several(key: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple | set | frozenset):
        raise InvalidFilter(f"filter {key!r}: expected a list of values, got {values!r:.80}")
    return tuple(values)


_COMPARISONS: Mapping[Comparison, Callable[[str, Any], Filter]] = {
    "==": Equals,
    "!=": lambda key, value: Not(Equals(key, value)),
    ">": _above,
    ">=": lambda key, value: Range(key=key, minimum=_bound(key, value)),
    "<": _below,
    "<=": lambda key, value: Range(key=key, maximum=_bound(key, value)),
    "in": lambda key, values: In(key, _several(key, values)),
    "not in": lambda key, values: Not(In(key, _several(key, values))),
}
