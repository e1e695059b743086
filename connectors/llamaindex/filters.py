"""Filters as LlamaIndex's callers give them, as the engine's typed tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from llama_index.core.vector_stores import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from rag_engine.connectors.comparisons import Comparison, compared
from rag_engine.errors import InvalidFilter
from rag_engine.filters import And, Filter, Not, Or

__all__ = ["Condition", "as_filter"]

Condition: TypeAlias = Filter | MetadataFilters
"""A typed filter of the engine, or LlamaIndex's own."""

_COMPARISONS: Mapping[FilterOperator, Comparison] = {
    FilterOperator.EQ: "==",
    FilterOperator.NE: "!=",
    FilterOperator.GT: ">",
    FilterOperator.GTE: ">=",
    FilterOperator.LT: "<",
    FilterOperator.LTE: "<=",
    FilterOperator.IN: "in",
    FilterOperator.NIN: "not in",
}


def as_filter(condition: Condition | None) -> Filter | None:
    """Return the typed filter that a condition stands for; None stays None.

    ``==``, ``!=``, ``>``, ``>=``, ``<``, ``<=``, ``in`` and ``nin`` are understood, joined by
    ``and``, ``or`` and ``not`` (none of them); filters may hold filters. Bounds are numbers. A
    passage without the field fits ``!=`` and ``nin``.

    Raises:
        InvalidFilter: it is neither, or has another operator.

    >>> as_filter(MetadataFilters(filters=[MetadataFilter(key="year", value=2024, operator=">=")]))
    And(parts=(Range(key='year', minimum=2024, maximum=None),))
    """
    if condition is None or isinstance(condition, Filter):
        return condition
    if not isinstance(condition, MetadataFilters):
        raise InvalidFilter(
            "a filter is a tree of rag_engine's Equals, In, Range, And, Or and Not, or "
            f"LlamaIndex's MetadataFilters, got {type(condition).__name__}"
        )
    parts = [_part(part) for part in condition.filters]
    if condition.condition is FilterCondition.OR:
        return Or(*parts)
    if condition.condition is FilterCondition.NOT:
        return Not(Or(*parts))
    return And(*parts)


def _part(part: MetadataFilter | MetadataFilters) -> Filter:
    if isinstance(part, MetadataFilters):
        inner = as_filter(part)
        assert inner is not None
        return inner
    if part.operator not in _COMPARISONS:
        raise InvalidFilter(
            f"filter {part.key!r:.80}: the operator {part.operator.value!r} is not known; there "
            f"are {', '.join(operator.value for operator in _COMPARISONS)}"
        )
    return compared(part.key, _COMPARISONS[part.operator], part.value)
