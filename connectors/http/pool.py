"""A pool of workers that takes on what it can begin soon, and refuses the rest at once.

Who has to wait does so in a queue that is fair to tenants. How long is foreseen from how long work
of each kind takes, what runs, and what is ahead; whoever would wait for longer than is bearable is
refused, and who did is dropped.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from rag_engine.cancellation import Cancellation, Cancelled
from rag_engine.connectors.http.fair_queue import FairQueue, Place
from rag_engine.connectors.http.service_times import ServiceTimes
from rag_engine.connectors.http.stopping import ServiceStopping

__all__ = ["Busy", "Reason", "Work", "WorkPool"]

_T = TypeVar("_T")
_LONGEST_RETRY_S = 60
_PATIENCE, _PATIENCE_OF_FEW = 2.0, 4.0
"""How many times the 99th percentile of work's seconds a request may wait: 2, and 4 more shared
out among the workers.

Even where a service has room, at 70 % of its capacity, requests come in bursts, and the fewer
workers, the longer is the wait: its mean goes with 1 / workers (Kingman 1961; Allen 1990). In
simulations of such queues (Poisson arrivals, log-normal seconds with a coefficient of variation
from 0.3 to 1, 1 to 16 workers) this refuses at most 0.3 % there, where 2 alone refuses up to 5 %;
and at twice the capacity 99 of 100 of those who are answered are answered within about three times
of what 99 of 100 take at 70 %."""
_SURE = 0.75
"""Part of the bearable wait that may be foreseen; the rest is for work that takes longer."""
_SHORTEST_S, _LONGEST_S, _UNKNOWN_S = 0.05, 30.0, 1.0
"""Bounds of a bearable wait that is derived, and what it is before enough was measured."""
_SHORTEST_DEADLINE_S = 0.5
"""Nobody is dropped before, where the wait is derived: a busy system is late by itself at times."""

Reason = Literal["queue", "wait", "late"]
"""``queue``: no place is left; ``wait``: it would be too long; ``late``: it was."""


class Busy(Exception):
    """Work is not taken on; ``retry_after`` is in whole seconds.

    ``over_share``: its tenant has as much under way as is its share, or more.
    """

    def __init__(self, retry_after: int, *, reason: Reason, over_share: bool) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
        self.reason = reason
        self.over_share = over_share


class Work(Future[_T]):
    """What becomes of one piece of work."""

    def __init__(self, do: Callable[[], _T], kind: str, units: float, most_s: float) -> None:
        super().__init__()
        self._cancellation = Cancellation()
        self.do = self._cancellation.bound(do)
        self.kind = kind
        self.units = units
        self.since = time.monotonic()
        self.deadline = self.since + most_s
        """When it shall have begun, by ``time.monotonic``."""

    def stop(self) -> None:
        """Drop it, or where it runs end it at its next step; a model's answer ends at once."""
        self.cancel()
        self.interrupt()

    def interrupt(self) -> None:
        """End it at its next step where it runs, and let it wait for no model."""
        self._cancellation.cancel()


_Place = Place[Work[Any]]


class WorkPool:
    """``workers`` threads and ``queue`` places to wait for one.

    ``wait_s`` is how long a request may wait; None: some times what nearly all work takes (its 99th
    percentile), six times with one worker, four with two, hardly more than twice with many. Of
    several tenants none holds more than half of all places, so that one alone can
    not keep the others out.
    """

    def __init__(
        self,
        name: str,
        *,
        workers: int,
        queue: int,
        shared: bool = False,
        wait_s: float | None = None,
    ) -> None:
        self.name = name
        self.workers = workers
        self.on_begin: Callable[[float], object] = lambda seconds: None
        """Called with how long work waited when it begins."""
        self.on_refusal: Callable[[Reason], object] = lambda reason: None
        self._places = workers + queue
        self._places_of_one = max(1, self._places // 2) if shared else self._places
        self._wait_s = wait_s
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._lock = threading.Lock()  # never held while work is done
        self._held: Counter[str] = Counter()
        self._queue = FairQueue[Work[Any]]()
        self._waiting: dict[Work[Any], _Place] = {}
        self._running: dict[_Place, float] = {}
        self._times = ServiceTimes()

    @property
    def under_way(self) -> int:
        """How many works run or wait."""
        with self._lock:
            return self._held.total()

    @property
    def waiting(self) -> int:
        """How many works wait."""
        with self._lock:
            return len(self._queue)

    def patience(self, kind: str) -> float:
        """Return how many seconds work of a kind may wait."""
        with self._lock:
            return self._patience(kind)

    def expected_wait(self, tenant: str) -> float:
        """Return how many seconds a tenant's work would wait, if it came now."""
        with self._lock:
            return self._expected_wait(tenant)

    def check(self, tenant: str, kind: str) -> None:
        """Refuse work that would be refused, before anything is done for it.

        Raises:
            Busy: it would.
        """
        with self._lock:
            refusal = self._refusal(tenant, kind)
        if refusal is not None:
            self.on_refusal(refusal.reason)
            raise refusal

    def submit(
        self, tenant: str, do: Callable[[], _T], *, kind: str = "work", units: float = 1.0
    ) -> Work[_T]:
        """Do work when it is its turn; ``units`` tell how large it is beside others of its kind.

        Raises:
            Busy: it would have to wait for too long, or no place is left.
            ServiceStopping: the pool was closed.
        """
        with self._lock:
            refusal = self._refusal(tenant, kind)
            if refusal is None:
                derived = max(_SHORTEST_DEADLINE_S, self._patience(kind))
                work = Work(do, kind, units, derived if self._wait_s is None else self._wait_s)
                seconds = self._times.expected(kind, units)
                self._waiting[work] = self._queue.put(tenant, seconds, work)
                self._held[tenant] += 1
        if refusal is not None:
            self.on_refusal(refusal.reason)
            raise refusal
        work.add_done_callback(lambda _: self._leave(work, tenant))
        try:
            self._threads.submit(self._do_next)
        except RuntimeError:
            work.cancel()
            raise ServiceStopping from None
        return work

    def give_up(self, work: Work[Any]) -> None:
        """Drop work that has waited for as long as it may; what runs, runs on."""
        with self._lock:
            place = self._waiting.get(work)
            dropped = place is not None and self._queue.drop(place)
        if dropped:
            self._late(work)

    def interrupt(self) -> None:
        """End what is running at its next step; of a write that tells what is kept."""
        with self._lock:
            running = [place.item for place in self._running]
        for work in running:
            work.interrupt()

    def close(self) -> None:
        """Wait for what is running; what only waits is dropped."""
        with self._lock:
            waiting = list(self._waiting.values())
            dropped = [place.item for place in waiting if self._queue.drop(place)]
        for work in dropped:
            if work.set_running_or_notify_cancel():
                work.set_exception(ServiceStopping())
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _patience(self, kind: str) -> float:
        if self._wait_s is not None:
            return self._wait_s
        slowest = self._times.slowest(kind)
        if slowest is None:
            return _UNKNOWN_S
        times = _PATIENCE + _PATIENCE_OF_FEW / self.workers
        return min(_LONGEST_S, max(_SHORTEST_S, times * slowest))

    def _expected_wait(self, tenant: str) -> float:
        """Return the work that goes first, shared out among the workers.

        What runs for longer than was expected is expected to go on for as long again.
        """
        if len(self._running) + len(self._queue) < self.workers:
            return 0.0
        now = time.monotonic()
        running = sum(abs(place.seconds - (now - at)) for place, at in self._running.items())
        return (running + self._queue.ahead(tenant)) / self.workers

    def _refusal(self, tenant: str, kind: str) -> Busy | None:
        held, own = self._held.total(), self._held[tenant]
        wait = self._expected_wait(tenant)
        bearable = _SURE * self._patience(kind)
        reason: Reason
        if held >= self._places or own >= self._places_of_one:
            reason = "queue"
        elif wait > bearable:
            reason = "wait"
        else:
            return None
        tenants = len(self._held.keys() | {tenant})
        return Busy(
            min(_LONGEST_RETRY_S, max(1, math.ceil(wait - bearable))),
            reason=reason,
            over_share=own * tenants >= held,
        )

    def _do_next(self) -> None:
        with self._lock:
            place = self._queue.take()
            if place is None:  # it was dropped
                return
            began = self._running[place] = time.monotonic()
        work = place.item
        if began > work.deadline:
            self._end(place)
            self._late(work)
        elif work.set_running_or_notify_cancel():
            self.on_begin(began - work.since)
            try:
                result = work.do()
            except BaseException as error:
                # How long it would have taken, work that was ended does not tell.
                self._end(place, time.monotonic() - began, whole=not isinstance(error, Cancelled))
                work.set_exception(error)
            else:
                self._end(place, time.monotonic() - began)
                work.set_result(result)
        else:
            self._end(place)

    def _end(self, place: _Place, seconds: float | None = None, *, whole: bool = True) -> None:
        with self._lock:
            del self._running[place]
            self._queue.correct(place, seconds or 0.0)
            if seconds is not None and whole:
                work = place.item
                self._times.observe(work.kind, units=work.units, seconds=seconds)

    def _late(self, work: Work[Any]) -> None:
        if work.set_running_or_notify_cancel():
            self.on_refusal("late")
            work.set_exception(Busy(1, reason="late", over_share=False))

    def _leave(self, work: Work[Any], tenant: str) -> None:
        with self._lock:
            self._queue.drop(self._waiting.pop(work))
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
            if not self._held:
                self._queue.rest()
