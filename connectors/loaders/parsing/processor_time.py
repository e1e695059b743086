"""Giving up a piece of work that takes too long, where what was done before is to be kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["OutOfTimeError", "at_most"]


class OutOfTimeError(BaseException):
    """The work took too long; no ``except Exception`` of a library is to swallow it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Break the block off once the process has had a processor for so long, after it began.

    Native code is broken off when it returns. Nothing is broken off beside the main thread, which
    alone gets signals, nor in a block of this kind within another, whose time counts.

    >>> with at_most(5):
    ...     print("done")
    done

    Raises:
        OutOfTimeError: it took longer.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getitimer(signal.ITIMER_PROF)[0] > 0:
        yield
        return
    before = signal.signal(signal.SIGPROF, _give_up)
    try:
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.001))
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise OutOfTimeError
