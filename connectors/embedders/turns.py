"""The order in which threads take turns at something that a lock keeps for one at a time.

A ``threading.Lock`` goes to whoever happens to ask when it is free: a thread with many batches,
which asks again at once, would overtake those that wait. So threads stand in line before it. The
line is for the order alone: Ctrl-C can come between any two steps, and who has left the line
without a word holds up those behind for a moment, and nobody for good.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Turns"]

_LOST_S = 5.0
"""After so long those in front are taken to have left, or to be so slow that order matters less."""


class Turns:
    """A line of threads.

    >>> turns, lock = Turns(), threading.Lock()
    >>> with turns.turn(), lock:
    ...     print("mine alone")
    mine alone
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()  # never held while anybody waits or works
        self._line: deque[threading.Lock] = deque()
        """One for each thread, released when it is the first; the first one has its turn."""
        self._own = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Stand in line, and keep the first place until the end of the block.

        A thread that has its turn already goes on with it.
        """
        if getattr(self._own, "has_turn", False):
            yield
            return
        place = threading.Lock()
        place.acquire()
        with self._guard:
            self._line.append(place)
            is_first = self._line[0] is place
        try:
            if not is_first and not place.acquire(timeout=_LOST_S):
                self._pass_all_before(place)
            self._own.has_turn = True
            yield
        finally:
            self._own.has_turn = False
            self._leave(place)

    def _pass_all_before(self, place: threading.Lock) -> None:
        with self._guard:
            while place in self._line and self._line[0] is not place:
                self._line.popleft()

    def _leave(self, place: threading.Lock) -> None:
        with self._guard:
            if place not in self._line:  # somebody has passed it
                return
            was_first = self._line[0] is place
            self._line.remove(place)
            if was_first and self._line:
                self._line[0].release()
