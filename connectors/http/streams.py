"""Streams: a worker writes events, the client reads them as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from rag_engine.connectors.http.pool import WorkPool

__all__ = ["ClientGone", "EventStream", "sse", "stream_response"]


class ClientGone(Exception):
    """Nobody reads any more: the worker may stop."""


_END = object()


class EventStream:
    """Events from one worker to one client."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = threading.Event()
        self._future: Future[None] | None = None

    def start(self, pool: WorkPool, tenant: str, work: Callable[[], None]) -> None:
        """Let a worker of ``pool`` run ``work``, which calls ``put``.

        Raises:
            Busy: no place is left.
        """
        self._future = pool.submit(tenant, work)
        self._future.add_done_callback(lambda _: self._send(_END))

    def put(self, event: object) -> None:
        """Hand an event over; called by the worker.

        Raises:
            ClientGone: the client has hung up.
        """
        if self._gone.is_set():
            raise ClientGone
        self._send(event)

    def _send(self, event: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to tell
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def next(self, pause_s: float | None = None) -> Any:
        """Return the next event; None: there was none for ``pause_s`` seconds.

        Raises:
            StopAsyncIteration: that was all.
            Exception: what the worker raised.
        """
        try:
            event = await asyncio.wait_for(self._events.get(), pause_s)
        except TimeoutError:
            return None
        if event is not _END:
            return event
        assert self._future is not None
        if self._future.cancelled():
            raise ClientGone
        error = self._future.exception()
        if error is not None:
            raise error
        raise StopAsyncIteration

    def leave(self) -> None:
        """Say that nobody reads any more."""
        self._gone.set()
        if self._future is not None:
            self._future.cancel()


def sse(data: object, event: str | None = None) -> bytes:
    r"""Return one server-sent event.

    >>> sse({"text": "a\nb"}, "text")
    b'event: text\ndata: {"text": "a\\nb"}\n\n'
    """
    if isinstance(data, BaseModel):
        text = data.model_dump_json()
    else:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")


async def stream_response(
    stream: EventStream,
    render: Callable[[Any], bytes],
    *,
    failed: Callable[[Exception], bytes],
    last: bytes = b"",
    pause_s: float,
) -> StreamingResponse:
    """Answer with a stream of events, once the first one is there.

    ``render`` makes bytes of an event, ``failed`` of an error in the middle; ``last`` ends it.

    Raises:
        Exception: the worker failed before its first event: a status can still say so.
    """
    try:
        first = await stream.next()
    except StopAsyncIteration:
        first = None
    except BaseException:
        stream.leave()
        raise

    async def body() -> AsyncIterator[bytes]:
        try:
            if first is not None:
                yield render(first)
                while True:
                    event = await stream.next(pause_s)
                    yield b": still here\n\n" if event is None else render(event)
        except StopAsyncIteration:
            pass
        except Exception as error:
            yield failed(error)
        finally:
            stream.leave()
        yield last

    return StreamingResponse(
        body(),
        media_type="text/event-stream; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )
