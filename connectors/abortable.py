"""Requests to a server that are broken off when nobody waits for the answer any more."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rag_engine.cancellation import Cancellation

if TYPE_CHECKING:
    import httpx

__all__ = ["AbortableClient"]

_CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")
"""What httpcore reports of a connection that is made: its stream, or a new one around it."""


class AbortableClient:
    """Posts JSON; ``timeout_s`` is for each wait. Safe to share between threads."""

    def __init__(self, timeout_s: float) -> None:
        import httpx

        tls = httpx.create_ssl_context()
        self._keeping = httpx.Client(timeout=timeout_s, verify=tls)
        # Of a connection that was made before, nothing is reported: it could not be broken off.
        self._making = httpx.Client(
            timeout=timeout_s, verify=tls, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def close(self) -> None:
        """Close the connections."""
        self._keeping.close()
        self._making.close()

    def post(
        self,
        url: str,
        body: Mapping[str, object],
        headers: Mapping[str, str],
        cancellation: Cancellation | None,
    ) -> httpx.Response:
        """Return the answer, open.

        With a ``cancellation`` its connection is a new one, and shut down when that is asked for,
        whatever it waits for; only the making of the connection can not be broken off.

        Raises:
            httpx.HTTPError: there is none, or it was broken off.
            Cancelled: nobody waits for it any more.
        """
        client = self._keeping if cancellation is None else self._making
        request = client.build_request("POST", url, json=body, headers=headers)
        if cancellation is not None:
            cancellation.check()
            request.extensions["trace"] = partial(_on_event, cancellation)
        return client.send(request, stream=True)


def _on_event(cancellation: Cancellation, event: str, info: Mapping[str, Any]) -> None:
    if event.endswith(_CONNECTED):
        connection = info["return_value"].get_extra_info("socket")
        cancellation.on_cancel(partial(_shut_down, connection))


def _shut_down(connection: socket.socket) -> None:
    """Wake who reads or writes: closing alone does not."""
    with suppress(OSError):  # it is closed
        # Not the method of ``SSLSocket``, which would take TLS away from under who reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
