"""Waiting for what a test waits for, not for a time; and costs compared without a clock's bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

PATIENCE_S = 300.0
"""When a test gives up on what never comes: far beyond what a slow and busy machine needs."""


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it does not hold after ``PATIENCE_S``.
    """
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"still waiting {what}"
        time.sleep(0.01)


def grows_with(work: Callable[[int], object], size: int, *, times: int = 4) -> float:
    """Return by what power of its size the work's cost grows: 1 is linear, 2 is quadratic.

    The cost is this thread's processor time, which other processes take no part of; of three
    measurements the least counts. ``work(size)`` should take some milliseconds or more.

    >>> grows_with(lambda size: sum(range(size)), 200_000) < 1.5
    True
    """
    small, large = (min(_cost(work, n) for _ in range(3)) for n in (size, size * times))
    return math.log(large / small, times)


def _cost(work: Callable[[int], object], size: int) -> float:
    started = time.thread_time()
    work(size)
    return max(time.thread_time() - started, 1e-6)
