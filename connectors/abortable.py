"""Requests to a server that nobody has to wait for any more when the answer is not wanted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rag_engine.cancellation import Cancellation, Cancelled

if TYPE_CHECKING:
    import httpx

__all__ = ["AbortableClient", "unless_cancelled"]

T = TypeVar("T")

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
        whatever it waits for. Nobody waits for the making of a connection either, which can not be
        broken off.

        Raises:
            httpx.HTTPError: there is none, or it was broken off.
            Cancelled: nobody waits for it any more.
        """
        client = self._keeping if cancellation is None else self._making
        request = client.build_request("POST", url, json=body, headers=headers)
        send = partial(client.send, request, stream=True)
        if cancellation is None:
            return send()
        request.extensions["trace"] = partial(_on_event, cancellation)
        return unless_cancelled(send, cancellation, drop=lambda response: response.close())


def unless_cancelled(
    do: Callable[[], T],
    cancellation: Cancellation | None,
    *,
    drop: Callable[[T], object] = lambda _: None,
) -> T:
    """Return what ``do`` returns, or leave it alone when nobody waits for it any more.

    A thread of its own does it, and ends when it ends: no process waits for it to exit. So it is
    for what waits for a network. What it returns too late is handed to ``drop``.

    Raises:
        Cancelled: nobody waits for it any more.
        Exception: what ``do`` raises.

    >>> unless_cancelled(lambda: 2 * 3, Cancellation())
    6
    """
    if cancellation is None:
        return do()
    cancellation.check()
    outcome: Future[T] = Future()
    over = threading.Event()

    def run() -> None:
        try:
            outcome.set_result(do())
        except BaseException as error:
            outcome.set_exception(error)
        over.set()

    threading.Thread(target=run, name="rag-engine-request", daemon=True).start()
    cancellation.on_cancel(over.set)
    over.wait()
    if cancellation.cancelled:
        outcome.add_done_callback(partial(_drop, drop))
        raise Cancelled
    return outcome.result()


def _drop(drop: Callable[[T], object], outcome: Future[T]) -> None:
    if outcome.exception() is None:
        with suppress(Exception):  # nobody is left to tell
            drop(outcome.result())


def _on_event(cancellation: Cancellation, event: str, info: Mapping[str, Any]) -> None:
    if event.endswith(_CONNECTED):
        connection = info["return_value"].get_extra_info("socket")
        cancellation.on_cancel(partial(_shut_down, connection))


def _shut_down(connection: socket.socket) -> None:
    """Wake who reads or writes: closing alone does not."""
    with suppress(OSError):  # it is closed
        # Not the method of ``SSLSocket``, which would take TLS away from under who reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
