"""The JSON form of filters, one object a node of the engine's typed tree.

``filter()`` makes the engine's filter of a node, or raises ``InvalidFilter``: a key or value that
no filter may have, or too many levels.

>>> from pydantic import TypeAdapter
>>> where = {"op": "and", "parts": [
...     {"op": "in", "key": "language", "values": ["de", "fr"]},
...     {"op": "not", "part": {"op": "equals", "key": "format", "value": "pdf"}},
... ]}
>>> TypeAdapter(FilterIn).validate_python(where).filter()
And(parts=(In(key='language', values=('de', 'fr')), Not(part=Equals(key='format', value='pdf'))))
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.filters import MOST_IN_LIST, And, Equals, Filter, In, Not, Or, Range
from rag_engine.records import MetadataValue

__all__ = ["FilterIn"]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EqualsIn(_Node):
    """The field is exactly this value."""

    op: Literal["equals"]
    key: str
    value: MetadataValue

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return Equals(self.key, self.value)


class InIn(_Node):
    """The field is one of these values."""

    op: Literal["in"]
    key: str
    values: list[MetadataValue] = Field(max_length=MOST_IN_LIST)

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return In(self.key, tuple(self.values))


class RangeIn(_Node):
    """The field is a number within these bounds; null: no bound."""

    op: Literal["range"]
    key: str
    # An integer is not read as a float: 2**53 + 1 would become another number.
    minimum: int | float | None = None
    maximum: int | float | None = None

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return Range(key=self.key, minimum=self.minimum, maximum=self.maximum)


class AndIn(_Node):
    """Every part matches."""

    op: Literal["and"]
    parts: list[FilterIn] = Field(max_length=MOST_IN_LIST)

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return And(*(part.filter() for part in self.parts))


class OrIn(_Node):
    """At least one part matches."""

    op: Literal["or"]
    parts: list[FilterIn] = Field(max_length=MOST_IN_LIST)

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return Or(*(part.filter() for part in self.parts))


class NotIn(_Node):
    """The part does not match."""

    op: Literal["not"]
    part: FilterIn

    def filter(self) -> Filter:
        """Return the engine's filter."""
        return Not(self.part.filter())


FilterIn = Annotated[EqualsIn | InIn | RangeIn | AndIn | OrIn | NotIn, Field(discriminator="op")]
"""Any node."""

for _branch in (AndIn, OrIn, NotIn):
    _branch.model_rebuild()
