"""What a server streams, taken apart into events (the WHATWG's server-sent events)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

__all__ = ["LongLine", "NoEvent", "event_data"]

_MAX_LINE = 2**20


class LongLine(Exception):
    """A line is longer than any event is."""

    def __init__(self) -> None:
        super().__init__(f"a line of more than {_MAX_LINE} bytes")


class NoEvent(Exception):
    """No event came for too long."""


def event_data(pieces: Iterable[bytes], *, timeout_s: float) -> Iterator[bytes]:
    r"""Yield the data of each event of a stream that comes in pieces.

    Comments, which some servers send to keep a line open, are no event: the time-out counts from
    event to event.

    Raises:
        LongLine: a line has more than 1 MB (2^20 bytes).
        NoEvent: none came within ``timeout_s`` seconds.

    >>> list(event_data([b"data: a\n\n: wait\nda", b"ta:b\r\ndata: c\r\n"], timeout_s=9))
    [b'a', b'b\nc']
    """
    rest, data = b"", []
    since = time.monotonic()
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _MAX_LINE:
            raise LongLine
        for line in (raw.rstrip(b"\r") for raw in lines):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data, since = [], time.monotonic()
        if time.monotonic() - since > timeout_s:
            raise NoEvent
    if data:  # the last event, without the empty line that should follow it
        yield b"\n".join(data)
