"""Stopping work of a worker thread from outside: it can not be killed, so it has to ask.

Work that is slow asks between two steps (``check_cancelled``); work that waits for something, such
as a server's next word, says how it can be woken (``Cancellation.on_cancel``). Which cancellation
is that of the work under way is a context variable, so that no part between has to pass it on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TypeVar

__all__ = ["Cancellation", "Cancelled", "check_cancelled", "current_cancellation"]

T = TypeVar("T")


class Cancelled(BaseException):
    """Nobody waits for the work any more; no ``Exception``, so that nothing goes on after it."""


class Cancellation:
    """Whether one piece of work is to stop. Safe to share between threads.

    >>> stop = Cancellation()
    >>> stop.on_cancel(lambda: print("woken"))
    >>> stop.cancel()
    woken
    >>> stop.cancelled
    True
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._wake: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the work is to stop."""
        return self._asked.is_set()

    def cancel(self) -> None:
        """Ask the work to stop, and wake it where it waits. A second time does nothing."""
        with self._lock:
            self._asked.set()
            wake, self._wake = self._wake, []
        for each in wake:
            each()

    def on_cancel(self, wake: Callable[[], object]) -> None:
        """Have ``wake`` called by who cancels; at once where that was done.

        It returns soon, does no harm once the work is over, and raises nothing.
        """
        with self._lock:
            if not self._asked.is_set():
                self._wake.append(wake)
                return
        wake()

    def check(self) -> None:
        """Stop here, if the work is to.

        Raises:
            Cancelled: it is.
        """
        if self._asked.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait, but not for longer than the work is wanted.

        Raises:
            Cancelled: it is not.
        """
        if self._asked.wait(seconds):
            raise Cancelled

    def bound(self, do: Callable[[], T]) -> Callable[[], T]:
        """Return work that sees this as its cancellation, and its caller's context variables.

        >>> stop = Cancellation()
        >>> stop.bound(current_cancellation)() is stop, current_cancellation()
        (True, None)
        """
        context = copy_context()
        context.run(_current.set, self)
        return partial(context.run, do)


_current: ContextVar[Cancellation | None] = ContextVar("rag_engine.cancellation", default=None)


def current_cancellation() -> Cancellation | None:
    """Return the cancellation of the work under way; None where nobody can cancel it."""
    return _current.get()


def check_cancelled() -> None:
    """Stop here, if the work under way is to.

    Raises:
        Cancelled: it is.
    """
    cancellation = _current.get()
    if cancellation is not None:
        cancellation.check()
