"""Which texts go through a model together.

A model computes whole rectangles: a short text beside a long one costs as much as the long one.
So texts are sorted by length, and a batch is full when its rectangle holds so many tokens, not so
many texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Batch", "token_batches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The places of its texts in the caller's order, and the length they are padded to."""

    rows: tuple[int, ...]
    length: int


def token_batches(lengths: Sequence[int], *, budget: int, multiple: int = 8) -> list[Batch]:
    """Put texts of these ``lengths`` (tokens) into batches of at most ``budget`` tokens.

    Padding counts. The longest texts come first (equal ones in the caller's order), so that a lack
    of memory shows at once. Padded lengths are multiples of ``multiple``: runtimes keep one plan
    for every shape they have seen. A text longer than the budget is a batch of its own.

    >>> token_batches([3, 16, 9], budget=32)
    [Batch(rows=(1, 2), length=16), Batch(rows=(0,), length=8)]
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    batches = []
    start = 0
    while start < len(order):
        length = -(-max(lengths[order[start]], 1) // multiple) * multiple
        end = start + max(1, budget // length)
        batches.append(Batch(rows=tuple(order[start:end]), length=length))
        start = end
    return batches
