"""A queue that is fair to tenants: each gets its turn, however much another has put in.

Start-time fair queuing (Goyal, Vin and Cheng 1996), by the seconds that work is expected to take:
what a tenant puts in starts when the tenant's work before it would have ended, had every tenant a
share of its own; what starts first is taken first. A tenant that comes anew starts now, not where
one that floods the queue has got to.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["FairQueue", "Place"]

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Place(Generic[T]):
    """A place in the queue; ``seconds`` are what its item is expected to take."""

    tenant: str
    seconds: float
    item: T
    start: float
    number: int


class FairQueue(Generic[T]):
    """Places in the order in which they are taken. One thread at a time.

    >>> queue = FairQueue[str]()
    >>> for name in ("a1", "a2", "a3", "b1"):
    ...     place = queue.put(name[0], 1.0, name)
    >>> queue.ahead("b"), queue.ahead("c")
    (3.0, 2.0)
    >>> [queue.take().item for _ in range(4)]
    ['a1', 'b1', 'a2', 'a3']
    """

    def __init__(self) -> None:
        self._places: list[Place[T]] = []
        self._now = 0.0
        self._ends: dict[str, float] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._places)

    def ahead(self, tenant: str) -> float:
        """Return the seconds of all that would be taken before what a tenant puts in now."""
        start = self._start(tenant)
        return sum(place.seconds for place in self._places if place.start <= start)

    def put(self, tenant: str, seconds: float, item: T) -> Place[T]:
        """Put an item in, behind what of its tenant is there, and return its place."""
        self._number += 1
        place = Place(tenant, seconds, item, self._start(tenant), self._number)
        self._ends[tenant] = place.start + seconds
        insort(self._places, place, key=lambda each: (each.start, each.number))
        return place

    def take(self) -> Place[T] | None:
        """Take the place whose turn it is; None: there is none."""
        if not self._places:
            return None
        place = self._places.pop(0)
        self._now = max(self._now, place.start)
        return place

    def drop(self, place: Place[T]) -> bool:
        """Take a place out of turn, at no cost to its tenant; False: it is not there any more."""
        if place not in self._places:
            return False
        self._places.remove(place)
        self._charge(place.tenant, -place.seconds)
        return True

    def correct(self, place: Place[T], seconds: float) -> None:
        """Charge a tenant what its item took, in place of what was expected."""
        self._charge(place.tenant, seconds - place.seconds)

    def rest(self) -> None:
        """Forget who had how much: nothing waits and nothing runs."""
        self._ends.clear()
        self._now = 0.0

    def _start(self, tenant: str) -> float:
        return max(self._now, self._ends.get(tenant, 0.0))

    def _charge(self, tenant: str, seconds: float) -> None:
        if tenant in self._ends:
            self._ends[tenant] += seconds
