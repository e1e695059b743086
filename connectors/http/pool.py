"""A bounded pool of workers: what does not fit is refused at once, not kept waiting."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Busy", "WorkPool"]

_T = TypeVar("_T")
_LONGEST_WAIT_S = 60


class Busy(Exception):
    """Every worker is busy and the queue is full; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class WorkPool:
    """``workers`` threads and ``queue`` places to wait for one.

    Of several tenants none holds more than half of all places, so that one alone can not keep
    the others out.
    """

    def __init__(self, name: str, *, workers: int, queue: int, shared: bool = False) -> None:
        self.name = name
        self.workers = workers
        self._places = workers + queue
        self._places_of_one = max(1, self._places // 2) if shared else self._places
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._mean_s = 0.1

    @property
    def under_way(self) -> int:
        """How many jobs run or wait."""
        with self._lock:
            return self._held.total()

    def submit(self, tenant: str, work: Callable[[], _T]) -> Future[_T]:
        """Start ``work`` when a worker is free.

        Raises:
            Busy: no place is left.
        """
        with self._lock:
            held = self._held.total()
            if held >= self._places or self._held[tenant] >= self._places_of_one:
                wait = math.ceil(self._mean_s * held / self.workers)
                raise Busy(min(_LONGEST_WAIT_S, max(1, wait)))
            self._held[tenant] += 1
        try:
            future = self._threads.submit(self._timed, work)
        except BaseException:
            self._leave(tenant)
            raise
        future.add_done_callback(lambda _: self._leave(tenant))
        return future

    async def run(self, tenant: str, work: Callable[[], _T]) -> _T:
        """Return what ``work`` returns.

        Raises:
            Busy: no place is left.
        """
        return await asyncio.wrap_future(self.submit(tenant, work))

    def close(self) -> None:
        """Wait for what is running; what only waits is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _timed(self, work: Callable[[], _T]) -> _T:
        started = time.monotonic()
        try:
            return work()
        finally:
            taken = time.monotonic() - started
            with self._lock:
                self._mean_s += 0.1 * (taken - self._mean_s)

    def _leave(self, tenant: str) -> None:
        with self._lock:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
