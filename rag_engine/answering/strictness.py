"""How probable it has to be that the knowledge base holds an answer before one is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from rag_engine.errors import InvalidInput

__all__ = ["LEAST_PROBABILITY", "Strictness", "checked_strictness"]

Strictness = Literal["careful", "balanced", "eager", "off"]

LEAST_PROBABILITY: Mapping[Strictness, float] = MappingProxyType(
    {"careful": 0.03, "balanced": 0.02, "eager": 0.01, "off": 0.0}
)
"""The least ``answerable`` at which something is answered."""


def checked_strictness(strictness: object) -> Strictness:
    """Return a strictness.

    Raises:
        InvalidInput: it is none.

    >>> checked_strictness("careful")
    'careful'
    """
    for known in get_args(Strictness):
        if strictness == known:
            found: Strictness = known
            return found
    raise InvalidInput(
        f"strictness is one of {', '.join(map(repr, get_args(Strictness)))}, got {strictness!r:.80}"
    )
