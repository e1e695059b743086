"""What every request passes: its id, its key, the limits on its body, the log line at its end."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from abc import ABC, abstractmethod
from typing import Any

from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_engine.connectors.http.access import unauthenticated
from rag_engine.connectors.http.errors import ApiError, error_response, known_or_logged
from rag_engine.connectors.http.logs import logger
from rag_engine.connectors.http.service import Caller, Service
from rag_engine.connectors.http.stopping import ServiceStopping

__all__ = ["BodyLimit", "Envelope", "Gate", "RefusingLayer", "request_id_of"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)
_GUARDED = ("/v1/", "/metrics")
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}
"""Sent with every response that does not say otherwise."""
_DRAIN_S = 1.0


def _header(scope: Scope, name: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def request_id_of(scope: Scope) -> str:
    """Return the id of a request."""
    return str(scope.get("state", {}).get("request_id", ""))


class Envelope:
    """The outermost layer: gives a request its id, its response headers, and writes one log line.

    A client's ``X-Request-ID`` is kept if it is 1 to 64 letters, digits, '.', '_' or '-'. An
    exception that nobody expected becomes a 500 without details.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        own_id = _header(scope, b"x-request-id")
        request_id = own_id if own_id and _REQUEST_ID.fullmatch(own_id) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                names = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in _HEADERS.items() if name not in names]
                headers.append((b"x-request-id", request_id.encode("ascii")))
                if self._service.stop.asked and b"connection" not in names:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        metrics = self._service.metrics
        with metrics.in_progress.track_inprogress():
            try:
                await self._app(scope, receive, send_with_headers)
            except asyncio.CancelledError:
                # The server's last means against a request that holds up its end.
                if status != 0 or not self._service.stop.asked:
                    raise
                known = known_or_logged(ServiceStopping(), request_id)
                await error_response(known, request_id)(scope, receive, send_with_headers)
            except Exception as error:
                known = known_or_logged(error, request_id)
                if status == 0:
                    await error_response(known, request_id)(scope, receive, send_with_headers)
                else:
                    status = 499 if status < 400 else status  # broke off in the middle
            finally:
                status = status or 499  # cancelled: the client, or the service, has gone
                seconds = time.perf_counter() - started
                route = getattr(scope.get("route"), "path", "unmatched")
                metrics.observe(route, _method(scope), status, seconds)
                caller = scope["state"].get("caller")
                fields: dict[str, Any] = {
                    "request_id": request_id,
                    "method": _method(scope),
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1e3, 1),
                }
                if isinstance(caller, Caller):
                    fields["key"] = caller.key
                    fields["tenant"] = caller.tenant.name if caller.tenant else None
                logger.info("request", extra={"fields": fields})


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    known = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}
    return method if method in known else "other"


class RefusingLayer(ABC):
    """A layer that passes a request on, or refuses it by its first lines alone."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and (refusal := self.refusal(scope)) is not None:
            await error_response(refusal, request_id_of(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @abstractmethod
    def refusal(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused; None lets it pass."""


class Gate(RefusingLayer):
    """Lets nobody without a key near a route that is guarded, before a byte of a body is read.

    Without keys the service is its own machine's alone: a request that a browser sends for some
    other page (another Host or Origin) is refused.
    """

    def refusal(self, scope: Scope) -> ApiError | None:
        """Return why a request may not pass; note whose it is."""
        service = self._service
        if service.keys is None:
            if refusal := self._foreign(scope):
                return refusal
            scope["state"]["caller"] = service.caller(None)
            return None
        bearer = _BEARER.fullmatch(_header(scope, b"authorization") or "")
        caller = service.caller(service.keys.find(bearer[1])) if bearer else None
        if caller is not None:
            scope["state"]["caller"] = caller
        elif scope["path"].startswith(_GUARDED):
            return unauthenticated()
        return None

    def _foreign(self, scope: Scope) -> ApiError | None:
        host = _header(scope, b"host") or ""
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if name.lower() not in self._service.hosts:
            return ApiError(
                403, "foreign_host", "without keys the service answers to its own machine only"
            )
        origin = _header(scope, b"origin")
        if origin is not None and origin.lower() != f"{scope['scheme']}://{host.lower()}":
            return ApiError(403, "foreign_origin", "without keys no other page may use the service")
        return None


class BodyLimit:
    """Counts a body while it comes: too large is 413, too slow 408."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._limits = service.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body bounded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._limits.body_bytes(scope["method"], scope["path"])
        until = time.monotonic() + self._limits.body_seconds(scope["path"])
        length = _header(scope, b"content-length")
        if length is not None and (not length.isascii() or not length.isdigit()):
            bad = ApiError(400, "invalid_request", "Content-Length is no number")
            await error_response(bad, request_id_of(scope))(scope, receive, send)
            return
        if length is not None and (len(length) > 15 or int(length) > most):
            await self._refuse(_too_large(most), scope, receive, send)
            return
        seen = 0
        ended = False
        refused: ApiError | None = None

        async def bounded() -> Message:
            nonlocal seen, ended, refused
            if ended:  # only waits for the client to hang up
                return await receive()
            pause = min(self._limits.idle_s, until - time.monotonic())
            try:
                message = await asyncio.wait_for(receive(), max(0.0, pause))
            except TimeoutError:
                refused = ApiError(408, "too_slow", "the body came too slowly")
                raise refused from None
            ended = message["type"] != "http.request" or not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > most:
                refused = _too_large(most)
                raise refused
            return message

        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if refused is not None and not started:
                return  # whatever became of it inside, the refusal below is the answer
            started = True
            await send(message)

        try:
            await self._app(scope, bounded, watched)
        except ApiError:
            if refused is None:
                raise
        if refused is not None and not started:
            await self._refuse(refused, scope, receive, send)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and read on for a moment, so that a client that still sends sees the answer."""
        response: Response = error_response(error, request_id_of(scope))
        headers = [*response.raw_headers, (b"connection", b"close")]
        start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        if error.status_code == 413 and _header(scope, b"expect") is None:
            until = time.monotonic() + _DRAIN_S
            while (left := until - time.monotonic()) > 0:
                try:
                    message = await asyncio.wait_for(receive(), left)
                except TimeoutError:
                    break
                if message["type"] != "http.request" or not message.get("more_body", False):
                    break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"the body may have {most:,} bytes at most")
