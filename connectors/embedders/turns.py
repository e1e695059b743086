"""Taking turns: one thread at a time, in the order in which they came.

A ``threading.Lock`` goes to whoever happens to ask when it is free: a thread with many batches,
which asks again at once, would overtake those that wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Turns"]


class Turns:
    """A fair lock.

    >>> turns = Turns()
    >>> with turns.turn():
    ...     print("mine alone")
    mine alone
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()  # never held while anybody waits or works
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and have it until the end of the block."""
        self._wait()
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self) -> None:
        called = threading.Lock()
        called.acquire()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(called)
        try:
            called.acquire()
        except BaseException:  # Ctrl-C: nobody may wait for one who has gone
            with self._guard:
                still_waits = called in self._waiting
                if still_waits:
                    self._waiting.remove(called)
            if not still_waits:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
