"""Which requests are let in, and until when one waits.

That is until its answer, its deadline, its client's end or the service's, whichever comes first.

A request is looked at twice. Before a byte of its body is read it is refused if it would have to
wait for too long: what costs nothing can be refused in any number. When its work is known it takes
its place in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from starlette.types import Scope

from rag_engine.connectors.http.errors import ApiError, api_error
from rag_engine.connectors.http.kinds import Kind, kind_of
from rag_engine.connectors.http.middleware import RefusingLayer
from rag_engine.connectors.http.pool import Busy, Work
from rag_engine.connectors.http.service import Caller, Service
from rag_engine.connectors.http.stopping import ServiceStopping
from rag_engine.connectors.http.streams import ClientGone

__all__ = ["Admission", "admit", "answered", "outcome"]

_T = TypeVar("_T")
_WRITES = frozenset({Kind.ADD, Kind.UPLOAD, Kind.DELETE, Kind.BUILD})


class Admission(RefusingLayer):
    """A layer that refuses, by a request's first lines alone, what can not be taken on."""

    def refusal(self, scope: Scope) -> ApiError | None:
        """Return why a request is not taken on."""
        kind = kind_of(scope["method"], scope["path"])
        caller = scope["state"].get("caller")
        if self._service.stop.asked and scope["path"].startswith("/v1/"):
            return api_error(ServiceStopping())
        if kind is None or not isinstance(caller, Caller) or caller.tenant is None:
            return None
        try:
            self._service.pool_of(kind).check(caller.tenant.name, kind)
        except Busy as busy:
            return api_error(busy)
        return None


def admit(
    service: Service, tenant: str, kind: Kind, do: Callable[[], _T], *, units: float = 1.0
) -> Work[_T]:
    """Give work its place in the queue, from which it is dropped at its deadline.

    Raises:
        Busy: it would have to wait for too long.
        ServiceStopping: there is no time left for it.
    """
    if service.stop.writes_end():
        raise ServiceStopping
    pool = service.pool_of(kind)
    work = pool.submit(tenant, do, kind=kind, units=units)
    loop = asyncio.get_running_loop()
    timer = loop.call_later(work.deadline - time.monotonic(), pool.give_up, work)
    work.add_done_callback(lambda _: _cancel(loop, timer))
    return work


def _cancel(loop: asyncio.AbstractEventLoop, timer: asyncio.TimerHandle) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and its timers with it
        loop.call_soon_threadsafe(timer.cancel)


async def answered(
    service: Service,
    request: Request,
    tenant: str,
    kind: Kind,
    do: Callable[[], _T],
    *,
    units: float = 1.0,
) -> _T:
    """Return what work gives, done when it is its turn.

    Raises:
        Busy: it would have to wait for too long, or did.
        ClientGone: the client hung up; a write that was begun goes on.
        ServiceStopping: the service stops, and nothing of it was done.
    """
    work = admit(service, tenant, kind, do, units=units)
    # A write tells by itself what of it is kept; nobody may answer in its place.
    return await outcome(
        asyncio.wrap_future(work), work, request, service, to_its_end=kind in _WRITES
    )


async def outcome(
    awaited: asyncio.Future[_T],
    work: Work[Any],
    request: Request,
    service: Service,
    *,
    to_its_end: bool = False,
) -> _T:
    """Wait for something of a work; the work is stopped if nobody waits for it any more.

    Raises:
        Exception: what the work raised.
        ClientGone: the client hung up.
        ServiceStopping: the grace period is over.

    Work that is done ``to_its_end`` is waited for in both cases, once it was begun.
    """
    gone = asyncio.create_task(_gone(request))
    over = asyncio.create_task(service.stop.over.wait())
    pending: set[asyncio.Future[object]] = {awaited, gone, over}  # type: ignore[arg-type]
    try:
        while not awaited.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if awaited in done:
                break
            if gone in done and _given_up(work, to_its_end):
                raise ClientGone
            if over in done and _given_up(work, to_its_end):
                raise ServiceStopping
        return awaited.result()
    finally:
        for each in (awaited, gone, over):
            each.cancel()


def _given_up(work: Work[Any], to_its_end: bool) -> bool:
    """Stop work that may be; False: it has begun, and has to come to its end."""
    if to_its_end:
        return work.cancel()
    work.stop()
    return True


async def _gone(request: Request) -> None:
    """Wait until the client hangs up; what of its body nobody has read is not looked at."""
    with contextlib.suppress(ApiError):
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return
    await asyncio.Event().wait()
