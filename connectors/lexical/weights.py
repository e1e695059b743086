"""Weights of query terms, made so that their sums are exact."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rag_engine.errors import InvalidInput

__all__ = ["exact_weights"]

_SMALLEST, _GREATEST = 1e-30, 1e30
_BITS = 23


def exact_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Round weights so that float32 sums of them are exact, whatever the order of adding.

    Each becomes a multiple of one power of two, some 2^-23 of their total, which is as exact as
    a float32 sum can be. So passages that hold the same terms tie, in every index.

    Raises:
        InvalidInput: a weight is not a number between 1e-30 and 1e30.

    >>> exact_weights({"en:pump": 0.75, "en:start": 0.25})
    {'en:pump': 0.75, 'en:start': 0.25}
    """
    for term, weight in weights.items():
        if not _SMALLEST <= weight <= _GREATEST:
            raise InvalidInput(
                f"the weight of a term is positive, from {_SMALLEST:g} to {_GREATEST:g}, got "
                f"{weight!r} for {term!r}; leave out terms that do not count"
            )
    _, exponent = math.frexp(math.fsum(weights.values()))
    unit = math.ldexp(1.0, exponent - _BITS)
    return {term: max(1, round(weight / unit)) * unit for term, weight in weights.items()}
