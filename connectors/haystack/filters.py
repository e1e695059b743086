"""Filters as Haystack's callers give them, as the engine's typed tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_engine.connectors.comparisons import Comparison, compared
from rag_engine.errors import InvalidFilter
from rag_engine.filters import And, Filter, Not, Or

__all__ = ["as_filter"]

_COMPARISONS: Mapping[str, Comparison] = {
    "==": "==",
    "!=": "!=",
    ">": ">",
    ">=": ">=",
    "<": "<",
    "<=": "<=",
    "in": "in",
    "not in": "not in",
}
_LOGICAL = ("AND", "OR", "NOT")
_META = "meta."
_NOT_META = frozenset({"id", "content", "blob", "score", "embedding", "sparse_embedding"})
"""Fields of a Haystack document that no filter of the engine looks at."""
_DEEPEST = 32


def as_filter(condition: Mapping[str, Any] | None) -> Filter | None:
    """Return the typed filter that one of Haystack's stands for; None, and an empty one, are none.

    The operators are Haystack's: ``==``, ``!=``, ``>``, ``>=``, ``<``, ``<=``, ``in`` and ``not
    in`` of a field ``meta.NAME``, ``AND``, ``OR`` and ``NOT`` (not all) over conditions. Bounds are
    numbers. A passage without the field fits ``!=`` and ``not in``.

    Raises:
        InvalidFilter: it is none, or has another operator, or a field that is not of ``meta``.

    >>> as_filter({"field": "meta.year", "operator": ">=", "value": 2024})
    Range(key='year', minimum=2024, maximum=None)
    """
    return _condition(condition, 0) if condition else None


def _condition(condition: object, depth: int) -> Filter:
    """Return the filter of one condition, ``depth`` levels down."""
    if not isinstance(condition, Mapping):
        raise InvalidFilter(
            "a filter is a mapping with 'field', 'operator' and 'value', or with 'operator' and "
            f"'conditions', got {type(condition).__name__}"
        )
    if depth > _DEEPEST:
        raise InvalidFilter(f"a filter is at most {_DEEPEST} levels deep")
    wanted = {"field", "operator", "value"} if "field" in condition else {"operator", "conditions"}
    if set(condition) != wanted:
        raise InvalidFilter(
            f"a filter has {', '.join(sorted(wanted))}, got "
            f"{', '.join(sorted(map(str, condition)))}"
        )
    operator = condition["operator"]
    if "field" in condition:
        return _comparison(condition["field"], operator, condition["value"])
    if operator not in _LOGICAL:
        raise _unknown(operator, _LOGICAL)
    if not isinstance(condition["conditions"], list | tuple):
        raise InvalidFilter(
            f"{operator}: 'conditions' is a list, got {type(condition['conditions']).__name__}"
        )
    parts = [_condition(part, depth + 1) for part in condition["conditions"]]
    if operator == "OR":
        return Or(*parts)
    return And(*parts) if operator == "AND" else Not(And(*parts))


def _comparison(field: object, operator: object, value: Any) -> Filter:
    if not isinstance(operator, str) or operator not in _COMPARISONS:
        raise _unknown(operator, tuple(_COMPARISONS))
    if not isinstance(field, str) or field in _NOT_META:
        raise InvalidFilter(f"a filter's field is 'meta.NAME', got {field!r:.80}")
    return compared(field.removeprefix(_META), _COMPARISONS[operator], value)


def _unknown(operator: object, known: tuple[str, ...]) -> InvalidFilter:
    return InvalidFilter(
        f"the filter's operator {operator!r:.80} is not known; there are {', '.join(known)}"
    )
