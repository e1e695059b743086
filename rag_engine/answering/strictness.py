"""How probable it has to be that the knowledge base holds an answer before one is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from rag_engine.errors import InvalidInput

__all__ = ["LEAST_PROBABILITY", "Strictness", "checked_strictness"]

Strictness = Literal["strict", "careful", "balanced", "eager"]

LEAST_PROBABILITY: Mapping[Strictness, float] = MappingProxyType(
    {"strict": 0.73, "careful": 0.29, "balanced": 0.2, "eager": 0.0}
)
"""The least probability that anything answers (``answerable``) at which an answer is given.

False answers to near misses (the passages are about what is asked, and lack the answer), and to
questions about something else, of 100: ``strict`` 5 to 10 and none, ``careful`` 53 to 66 and 8,
``balanced`` 74 to 86 and 28, ``eager`` all. Of 100 questions that have an answer ``strict`` answers
19 to 82 (most of ten passages), ``careful`` 83 to 100 and ``balanced`` 93 to 100. Measured:
``pipelines/bench/RESULTS.md``.
"""


def checked_strictness(strictness: object) -> Strictness:
    """Return a strictness.

    Raises:
        InvalidInput: it is none.

    >>> checked_strictness("careful")
    'careful'
    """
    for known in LEAST_PROBABILITY:
        if strictness == known:
            return known
    raise InvalidInput(
        f"strictness is one of {', '.join(map(repr, get_args(Strictness)))}, got {strictness!r:.80}"
    )
