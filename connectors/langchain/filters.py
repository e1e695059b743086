"""Filters as LangChain's callers give them, as the engine's typed tree.

LangChain's stores share a language of filters: a mapping of fields to values, or to operators that
begin with ``$``, and ``$and``, ``$or``, ``$not`` over such mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_engine.connectors.comparisons import Comparison, between, compared
from rag_engine.errors import InvalidFilter
from rag_engine.filters import And, Filter, Not, Or

__all__ = ["Condition", "as_filter"]

Condition = Filter | Mapping[str, Any]
"""A typed filter, or a mapping of fields to the values, or the comparisons, that they must fit."""

_COMPARISONS: Mapping[str, Comparison] = {
    "$eq": "==",
    "$ne": "!=",
    "$gt": ">",
    "$gte": ">=",
    "$lt": "<",
    "$lte": "<=",
    "$in": "in",
    "$nin": "not in",
}
_OF_A_FIELD = (*_COMPARISONS, "$between", "$not")
_OVER_FILTERS = ("$and", "$or", "$not")
_DEEPEST = 32


def as_filter(condition: Condition | None) -> Filter | None:
    """Return the typed filter that a condition stands for; None stays None.

    Of a field ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``, ``$lte``, ``$in``, ``$nin``,
    ``$between`` and ``$not`` are understood, over whole filters ``$and``, ``$or`` and ``$not``.
    Bounds are numbers. A passage without a field fits ``$ne``, ``$nin`` and ``$not``.

    Raises:
        InvalidFilter: it is neither a filter nor such a mapping, or has another operator.

    >>> as_filter({"year": 2024})
    And(parts=(Equals(key='year', value=2024),))
    >>> as_filter({"$not": {"year": {"$gte": 2024}}})
    And(parts=(Not(part=And(parts=(Range(key='year', minimum=2024, maximum=None),))),))
    >>> as_filter({"title": {"$like": "A%"}})
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidFilter: filter 'title': the operator '$like' is not known; there are \
$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $between, $not
    """
    if condition is None or isinstance(condition, Filter):
        return condition
    return _every(condition, depth=0)


def _every(condition: object, depth: int) -> Filter:
    if isinstance(condition, Filter):
        return condition
    if not isinstance(condition, Mapping):
        raise InvalidFilter(
            "a filter is a tree of Equals, In, Range, And, Or and Not, or a mapping of fields to "
            f"values, got {type(condition).__name__}"
        )
    _check_depth(depth)
    return And(*(_one(key, value, depth) for key, value in condition.items()))


def _one(key: object, value: object, depth: int) -> Filter:
    if not isinstance(key, str) or not key.startswith("$"):
        return _of_field(key, value, depth)
    if key not in _OVER_FILTERS:
        raise InvalidFilter(
            f"the operator {key!r:.80} is not known; over filters there are "
            f"{', '.join(_OVER_FILTERS)}, of a field {', '.join(_OF_A_FIELD)}"
        )
    if key == "$not":
        return Not(_every(value, depth + 1))
    if not isinstance(value, list | tuple):
        raise InvalidFilter(f"{key} takes a list of filters, got {type(value).__name__}")
    parts = [_every(part, depth + 1) for part in value]
    return And(*parts) if key == "$and" else Or(*parts)


def _of_field(key: Any, value: Any, depth: int) -> Filter:
    """Return the filter for one field: a value, or all of several comparisons."""
    if not isinstance(value, Mapping):
        return compared(key, "==", value)
    _check_depth(depth)
    if not value:
        raise InvalidFilter(
            f"filter {key!r:.80}: expected a value or comparisons such as {{'$gte': 1}}, got none"
        )
    parts = [_comparison(key, operator, operand, depth) for operator, operand in value.items()]
    return parts[0] if len(parts) == 1 else And(*parts)


def _comparison(key: Any, operator: object, operand: Any, depth: int) -> Filter:
    if operator == "$not":
        return Not(_of_field(key, operand, depth + 1))
    if operator == "$between":
        return between(key, operand)
    if not isinstance(operator, str) or operator not in _COMPARISONS:
        raise InvalidFilter(
            f"filter {key!r:.80}: the operator {operator!r:.80} is not known; there are "
            f"{', '.join(_OF_A_FIELD)}"
        )
    return compared(key, _COMPARISONS[operator], operand)


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidFilter(f"a filter is at most {_DEEPEST} levels deep")
