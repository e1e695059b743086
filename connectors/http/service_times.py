"""How long work of each kind takes: measured, so that a wait can be foreseen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["ServiceTimes"]

_KEPT = 512
"""Works whose seconds are kept, of all kinds and of each: a minute or so under load."""
_ENOUGH = 8
"""From how many works on their slowest are told."""
_FORGOTTEN = 0.05
"""What share of what is known a new work takes the place of."""
_UNKNOWN_S = 0.1


@dataclass(slots=True)
class _Kind:
    seconds: float = 0.0
    units: float = 0.0
    last: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))


class ServiceTimes:
    """Seconds of work that was done, by its kind and size. One thread at a time.

    >>> times = ServiceTimes()
    >>> times.expected("search")  # nothing is known yet
    0.1
    >>> for _ in range(8):
    ...     times.observe("add", units=4.0, seconds=2.0)
    >>> times.expected("add", units=10.0), times.slowest("add")
    (5.0, 2.0)
    """

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._last: deque[float] = deque(maxlen=_KEPT)

    def observe(self, kind: str, *, units: float, seconds: float) -> None:
        """Take notice of one work of so many units that took so many seconds."""
        known = self._kinds.setdefault(kind, _Kind())
        known.seconds += seconds - _FORGOTTEN * known.seconds
        known.units += units - _FORGOTTEN * known.units
        known.last.append(seconds)
        self._last.append(seconds)

    def expected(self, kind: str, units: float = 1.0) -> float:
        """Return the seconds that work is expected to take: its kind's mean a unit, lately."""
        known = self._kinds.get(kind)
        return _UNKNOWN_S if known is None else units * known.seconds / known.units

    def slowest(self, kind: str) -> float | None:
        """Return the 99th percentile of a kind's seconds, or of all work's, whichever is more.

        That of all work too, since whoever waits does so behind all of it. None: too little is
        known.
        """
        known = self._kinds.get(kind)
        samples = [self._last, known.last if known else ()]
        told = [_percentile_99(sorted(each)) for each in samples if len(each) >= _ENOUGH]
        return max(told, default=None)


def _percentile_99(ascending: list[float]) -> float:
    """Return the 99th percentile by nearest rank (Hyndman and Fan 1996, type 1).

    >>> _percentile_99(list(range(1, 201))), _percentile_99([1.0, 2.0])
    (198, 2.0)
    """
    return ascending[-(-99 * len(ascending) // 100) - 1]
