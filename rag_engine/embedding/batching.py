"""Which texts go through a model together.

A model computes whole rectangles: a short text beside a long one costs as much as the long one.
So texts are sorted by length, and a batch is full when its rectangle holds so many tokens, not so
many texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Batch", "padded_length", "same_length_batches", "token_batches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The places of its texts in the caller's order, and the length they are padded to.

    A place may be there more than once: it is computed as often, with the same result.
    """

    rows: tuple[int, ...]
    length: int


def token_batches(lengths: Sequence[int], *, budget: int) -> list[Batch]:
    """Put texts of these ``lengths`` (tokens) into batches of at most ``budget`` tokens.

    Padding counts. The longest texts come first (equal ones in the caller's order), so that a lack
    of memory shows at once. A text longer than the budget is a batch of its own.

    Runtimes keep a plan of some megabytes for every shape that they have seen. So there are few:
    lengths are rounded up (see ``padded_length``), and a batch holds 1, 2, 3, 4, 6, 8, 12, 16, ...
    texts; what is left over is the next one. Of up to 512 tokens, with a budget of 2,048, these are
    some 250 shapes instead of 1,200.

    >>> token_batches([3, 16, 9], budget=32)
    [Batch(rows=(1, 2), length=16), Batch(rows=(0,), length=8)]
    >>> [len(batch.rows) for batch in token_batches([5] * 23, budget=2_048)]
    [16, 6, 1]
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    batches = []
    start = 0
    while start < len(order):
        length = padded_length(lengths[order[start]])
        end = start + _usual_count(min(max(1, budget // length), len(order) - start))
        batches.append(Batch(rows=tuple(order[start:end]), length=length))
        start = end
    return batches


def same_length_batches(lengths: Sequence[int], *, budget: int) -> list[Batch]:
    """Put texts into batches of one padded length each, so that none is padded for another's sake.

    What is computed of a text depends, in its last bits, on the length that it is padded to, but
    not on how many stand beside it. So a text gets here what it gets alone, bit for bit. A batch is
    filled up to 1, 2, 3, 4, 6, 8, 12, 16, ... texts with its last one: a few rows more cost less
    than one more batch, or a plan for one more shape. Of few texts, padding is little: their
    lengths are much alike.

    >>> same_length_batches([3, 16, 9], budget=32)
    [Batch(rows=(1, 2), length=16), Batch(rows=(0,), length=8)]
    >>> [batch.rows for batch in same_length_batches([5] * 7, budget=2_048)]
    [(0, 1, 2, 3, 4, 5, 6, 6)]
    """
    together: defaultdict[int, list[int]] = defaultdict(list)
    for row, own_length in enumerate(lengths):
        together[padded_length(own_length)].append(row)
    batches = []
    for length, rows in sorted(together.items(), reverse=True):
        most = _usual_count(max(1, budget // length))
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            filled = part + part[-1:] * (_enough(len(part)) - len(part))
            batches.append(Batch(rows=tuple(filled), length=length))
    return batches


def padded_length(length: int) -> int:
    """Return what a text of ``length`` tokens is padded to: a multiple of 8, of 16, then of 32.

    >>> [padded_length(length) for length in (0, 8, 9, 128, 129, 256, 257)]
    [8, 8, 16, 128, 144, 256, 288]
    """
    multiple = 8 if length <= 128 else 16 if length <= 256 else 32
    return -(-max(length, 1) // multiple) * multiple


def _usual_count(most: int) -> int:
    """Return the largest power of two, or three times one, that is at most ``most``."""
    power = 1 << (most.bit_length() - 1)
    return power * 3 // 2 if power * 3 // 2 <= most else power


def _enough(count: int) -> int:
    """Return the smallest power of two, or three times one, that is at least ``count``."""
    usual = _usual_count(count)
    if usual == count:
        return count
    power = 1 << (count.bit_length() - 1)
    return 2 * power if usual > power else power * 3 // 2
