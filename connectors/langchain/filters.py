"""Filters as LangChain's callers give them, as the engine's typed tree."""

from __future__ import annotations

from collections.abc import Mapping

from rag_engine.errors import InvalidFilter
from rag_engine.filters import Filter, matching
from rag_engine.records import MetadataValue

__all__ = ["Condition", "as_filter"]

Condition = Filter | Mapping[str, MetadataValue]
"""A typed filter, or the values that some fields must have."""


def as_filter(condition: Condition | None) -> Filter | None:
    """Return the typed filter that a condition stands for; None stays None.

    Raises:
        InvalidFilter: it is neither a filter nor a mapping of fields to plain values.

    >>> as_filter({"year": 2024})
    And(parts=(Equals(key='year', value=2024),))
    """
    if condition is None or isinstance(condition, Filter):
        return condition
    if not isinstance(condition, Mapping):
        raise InvalidFilter(
            "a filter is a tree of Equals, In, Range, And, Or and Not, or a mapping of fields to "
            f"values, got {type(condition).__name__}"
        )
    return matching(condition)
