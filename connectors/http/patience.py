"""How long a connection may keep the service waiting, for what no layer above can see.

uvicorn waits without end for the head of a request, and for a client to read its answer: whoever
opens connections and says next to nothing takes a descriptor each, until there are none left.
Bodies have their own limits (``BodyLimit``).
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HEAD_S", "READ_S", "SLOWEST", "PatientProtocol"]

HEAD_S = 15.0
"""Seconds within which the head of a request is there, counted from its first byte (of the first
request, from the connection); then it is 408."""
READ_S = 20.0
"""How often it is looked at whether a client reads the answer that waits for it."""
SLOWEST = 1_000
"""Bytes a second that a client reads at least; who is slower is hung up on."""


class PatientProtocol(H11Protocol):
    """uvicorn's connection, of which a client can not hold more than its time."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        for timer in (self._head, self._reading):
            if timer is not None:
                timer.cancel()
        self._head = self._reading = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """Go on with what came behind a request."""
        super().on_response_complete()
        self._watch_head()

    def _watch_head(self) -> None:
        """Start the clock where a head has begun to come, and stop it where none is waited for."""
        begun = self.cycle is None or self.conn.trailing_data[0] != b""
        waiting = self.conn.their_state is h11.IDLE and begun and not self.transport.is_closing()
        if not waiting and self._head is not None:
            self._head.cancel()
            self._head = None
        elif waiting and self._head is None:
            self._head = self.loop.call_later(HEAD_S, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head = None
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            headers = [("connection", "close"), ("content-length", "0")]
            answer = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
            self.transport.write(self.conn.send(answer))
        self.transport.close()

    def pause_writing(self) -> None:
        """Stop writing: the client does not read as quickly as it is written to."""
        super().pause_writing()
        if self._reading is None:
            self._look_again()

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _look_again(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READ_S, self._is_read, left)

    def _is_read(self, before: int) -> None:
        # What was written meanwhile makes the buffer no smaller: writing is paused.
        if before - self.transport.get_write_buffer_size() < SLOWEST * READ_S:
            self.transport.abort()
        else:
            self._look_again()
