"""The JSON form of filters, one object a node of the engine's typed tree.

>>> from pydantic import TypeAdapter
>>> given = {"op": "and", "parts": [
...     {"op": "in", "key": "language", "values": ["de", "fr"]},
...     {"op": "not", "part": {"op": "equals", "key": "format", "value": "pdf"}},
... ]}
>>> to_filter(TypeAdapter(FilterIn).validate_python(given))
And(parts=(In(key='language', values=('de', 'fr')), Not(part=Equals(key='format', value='pdf'))))
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.filters import And, Equals, Filter, In, Not, Or, Range

__all__ = ["FilterIn", "to_filter"]

Value = str | int | float | bool


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EqualsIn(_Node):
    """The field is exactly this value."""

    op: Literal["equals"]
    key: str
    value: Value


class InIn(_Node):
    """The field is one of these values."""

    op: Literal["in"]
    key: str
    values: list[Value] = Field(max_length=1_000)


class RangeIn(_Node):
    """The field is a number within these bounds; null: no bound."""

    op: Literal["range"]
    key: str
    minimum: float | None = None
    maximum: float | None = None


class AndIn(_Node):
    """Every part matches."""

    op: Literal["and"]
    parts: list[FilterIn] = Field(max_length=1_000)


class OrIn(_Node):
    """At least one part matches."""

    op: Literal["or"]
    parts: list[FilterIn] = Field(max_length=1_000)


class NotIn(_Node):
    """The part does not match."""

    op: Literal["not"]
    part: FilterIn


FilterIn = Annotated[EqualsIn | InIn | RangeIn | AndIn | OrIn | NotIn, Field(discriminator="op")]
"""Any node."""

for _branch in (AndIn, OrIn, NotIn):
    _branch.model_rebuild()


def to_filter(node: EqualsIn | InIn | RangeIn | AndIn | OrIn | NotIn) -> Filter:
    """Return the engine's filter.

    Raises:
        InvalidFilter: a key or value that no filter may have, or too many levels.
    """
    if isinstance(node, EqualsIn):
        return Equals(node.key, node.value)
    if isinstance(node, InIn):
        return In(node.key, tuple(node.values))
    if isinstance(node, RangeIn):
        return Range(key=node.key, minimum=node.minimum, maximum=node.maximum)
    if isinstance(node, NotIn):
        return Not(to_filter(node.part))
    parts = [to_filter(part) for part in node.parts]
    return And(*parts) if isinstance(node, AndIn) else Or(*parts)
