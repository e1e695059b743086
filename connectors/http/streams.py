"""Streams: a worker writes events, the client reads them as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import Any

from pydantic import BaseModel

from rag_engine.connectors.http.pool import Work

__all__ = ["ClientGone", "EventStream", "sse"]


class ClientGone(Exception):
    """Nobody waits for an answer any more: the worker may stop."""


_END = object()


class EventStream:
    """Events from one worker to one client."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = threading.Event()
        self._work: Work[None] | None = None

    def follow(self, work: Work[None]) -> None:
        """Take the events of ``work``, which calls ``put``; its end is theirs."""
        self._work = work
        work.add_done_callback(lambda _: self._send(_END))

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
        if isinstance(event, Exception):
            raise event
        if event is not _END:
            return event
        assert self._work is not None
        if self._work.cancelled():
            raise ClientGone
        error = self._work.exception()
        if error is not None:
            raise error
        raise StopAsyncIteration

    def break_off(self, error: Exception) -> None:
        """Let ``error`` be what the client is told next, whatever the worker does."""
        self._events.put_nowait(error)

    def leave(self) -> None:
        """Say that nobody reads any more: the work stops."""
        self._gone.set()
        if self._work is not None:
            self._work.stop()


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
