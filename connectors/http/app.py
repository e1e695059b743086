"""The application: routes, layers, and what happens at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from rag_engine.connectors.http.admission import Admission
from rag_engine.connectors.http.errors import ApiError, api_error, error_response, validation_error
from rag_engine.connectors.http.middleware import BodyLimit, Envelope, Gate, request_id_of
from rag_engine.connectors.http.pool import Busy
from rag_engine.connectors.http.routes import (
    documents,
    embeddings,
    files,
    images,
    openai,
    operations,
    search,
)
from rag_engine.connectors.http.routes import ui as page
from rag_engine.connectors.http.schemas import ErrorReply
from rag_engine.connectors.http.service import Service
from rag_engine.connectors.http.stopping import ServiceStopping
from rag_engine.connectors.http.streams import ClientGone
from rag_engine.errors import RagEngineError

__all__ = ["create_app"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply, "description": text}
    for status, text in {
        400: "No JSON",
        401: "No key, or none that is known",
        403: "The key may not do this",
        413: "The body is too large",
        422: "The request can not be used",
        429: "Too much of the caller's is under way: Retry-After says when to come again",
        503: "Too much of all callers' is under way, or the service is stopping",
    }.items()
}


def create_app(service: Service) -> FastAPI:
    """Return the application for a service, to be run by any ASGI server.

    Its tenants are opened before and closed after it by whoever runs it.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.stop.begin()
        for pool in service.pools:
            await asyncio.to_thread(pool.close)

    app = FastAPI(
        title="rag_engine",
        summary="Finds the right passage whatever language it is written in.",
        version=version("rag-engine"),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        responses=_ERRORS,
    )
    app.state.service = service
    for routes in (page, search, images, documents, files, operations, openai, embeddings):
        app.include_router(routes.router)
    known = (RequestValidationError, HTTPException, RagEngineError)
    for kind in (*known, Busy, ClientGone, ServiceStopping):
        app.add_exception_handler(kind, _answer)
    for layer in (BodyLimit, Admission, Gate, Envelope):  # the last one is the outermost
        app.add_middleware(layer, service=service)
    return app


async def _answer(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request.scope)
    if isinstance(error, RequestValidationError):
        if isinstance(error.body, bytes) and _is_not_json(request):
            return error_response(_NO_JSON, request_id)
        return error_response(validation_error(error.errors()), request_id)
    if isinstance(error, HTTPException) and not isinstance(error, ApiError):
        return error_response(_plain_http(error), request_id)
    known = api_error(error)
    if known is None:
        raise error
    return error_response(known, request_id)


def _is_not_json(request: Request) -> bool:
    return "json" not in request.headers.get("content-type", "").lower()


_NO_JSON = ApiError(415, "no_json", "send the body as JSON, with Content-Type: application/json")


def _plain_http(error: HTTPException) -> ApiError:
    known = {404: "not_found", 405: "method_not_allowed"}
    messages = {404: "there is no such route", 400: "the body can not be read"}
    return ApiError(
        error.status_code,
        known.get(error.status_code, "invalid_request"),
        messages.get(error.status_code, str(error.detail)),
        headers=error.headers,
    )
