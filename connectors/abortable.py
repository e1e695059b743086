"""A request to a server that is broken off when nobody waits for it any more."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rag_engine.cancellation import Cancellation

if TYPE_CHECKING:
    import httpx

__all__ = ["make_abortable"]

_CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")
"""What httpcore reports of a connection that is made: its stream, or a new one around it."""


def make_abortable(request: httpx.Request, cancellation: Cancellation) -> None:
    """Have the connection of ``request`` shut down when it is cancelled, whatever it waits for.

    It has to be sent by a client that keeps no connections: of one that was made before, nothing is
    reported. Only the making of the connection itself can not be broken off.
    """
    request.extensions["trace"] = partial(_on_event, cancellation)


def _on_event(cancellation: Cancellation, event: str, info: Mapping[str, Any]) -> None:
    if event.endswith(_CONNECTED):
        connection = info["return_value"].get_extra_info("socket")
        cancellation.on_cancel(partial(_shut_down, connection))


def _shut_down(connection: socket.socket) -> None:
    """Wake who reads or writes: closing alone does not."""
    with suppress(OSError):  # it is closed
        # Not the method of ``SSLSocket``, which would take TLS away from under who reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
