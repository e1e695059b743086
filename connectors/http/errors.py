"""One shape for every error, and which status the engine's errors have.

The shape is OpenAI's with a request id, so that its clients read it too::

    {"error": {"code": "invalid_request", "type": "invalid_request_error", "param": "k",
               "message": "...", "request_id": "..."}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException
from fastapi.responses import Response

from rag_engine.connectors.http.logs import logger
from rag_engine.connectors.http.pool import Busy
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.schemas import ErrorBody, ErrorReply
from rag_engine.connectors.http.stopping import ServiceStopping
from rag_engine.connectors.http.streams import ClientGone
from rag_engine.errors import (
    InvalidDocument,
    InvalidFilter,
    InvalidInput,
    LoadError,
    LoadLimitExceeded,
    RagEngineError,
    ServiceError,
    ServiceRefused,
    ServiceTimeout,
    StorageFailed,
    StoreClosed,
    StoreReadOnly,
    StoreReplaced,
)

__all__ = [
    "ApiError",
    "api_error",
    "error_reply",
    "error_response",
    "known_or_logged",
    "stream_failure",
    "validation_error",
]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_LONGEST_MESSAGE = 1_000
_MOST_DETAILS = 10


class ApiError(HTTPException):
    """An answer that is an error; ``param`` names the part of the request that is to blame."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers=dict(headers or {}))
        self.code = code
        self.param = param


def error_reply(error: ApiError, request_id: str) -> ErrorReply:
    """Return what is sent of an error."""
    kind = _TYPES.get(
        error.status_code,
        "invalid_request_error" if error.status_code < 500 else "server_error",
    )
    return ErrorReply(
        error=ErrorBody(
            code=error.code,
            message=_plain(str(error.detail))[:_LONGEST_MESSAGE],
            type=kind,
            param=None if error.param is None else _plain(error.param)[:200],
            request_id=request_id,
        )
    )


def error_response(error: ApiError, request_id: str) -> Response:
    """Return an error as a response."""
    reply = error_reply(error, request_id)
    return json_response(reply, status=error.status_code, headers=error.headers)


def known_or_logged(error: Exception, request_id: str) -> ApiError:
    """Return what a client is told of any error; a fault of ours goes to the log alone."""
    known = api_error(error)
    if isinstance(error, StorageFailed):  # whoever runs the service has to do something
        logger.error(
            "storage failed", extra={"fields": {"request_id": request_id, "why": f"{error}"}}
        )
    if known is None:
        logger.error("failed", exc_info=error, extra={"fields": {"request_id": request_id}})
        known = ApiError(500, "internal", "the service failed; its log says more")
    return known


def stream_failure(error: Exception, request_id: str) -> ErrorReply:
    """Return what a stream says of an error in its middle."""
    return error_reply(known_or_logged(error, request_id), request_id)


def api_error(error: Exception) -> ApiError | None:
    """Return what a client is told of an error; None: it is a fault of ours."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Busy):
        return _busy(error)
    if isinstance(error, ServiceStopping):
        return ApiError(503, "stopping", str(error), headers={"Retry-After": "5"})
    if isinstance(error, ClientGone):
        return ApiError(499, "client_gone", "the client hung up before its turn came")
    if isinstance(error, HTTPException):
        return ApiError(error.status_code, "invalid_request", str(error.detail))
    return _engine_error(error) if isinstance(error, RagEngineError) else None


def _busy(error: Busy) -> ApiError:
    """Return what a client is told that is not served now: 429 where it may blame itself.

    >>> busy = Busy(3, reason="wait", over_share=False)
    >>> _busy(busy).status_code, _busy(busy).code, _busy(busy).headers
    (503, 'overloaded', {'Retry-After': '3'})
    """
    headers = {"Retry-After": str(error.retry_after)}
    if error.over_share:
        message = f"more requests are waiting than can be served; {error}"
        return ApiError(429, "busy", message, headers=headers)
    waited = (
        "it waited for too long and was not begun" if error.reason == "late" else "too many ask"
    )
    return ApiError(
        503, "overloaded", f"the service is overloaded: {waited}; {error}", headers=headers
    )


_INPUT: Sequence[tuple[type[RagEngineError], str]] = (
    (InvalidDocument, "invalid_document"),
    (InvalidFilter, "invalid_filter"),
    (InvalidInput, "invalid_input"),
    (LoadLimitExceeded, "file_too_large"),
    (LoadError, "unreadable_file"),
)


def _engine_error(error: RagEngineError) -> ApiError | None:
    for kind, code in _INPUT:
        if isinstance(error, kind):
            return ApiError(422, code, str(error))
    if isinstance(error, StoreReadOnly):
        return ApiError(409, "read_only", "the knowledge base is served for reading only")
    if isinstance(error, StoreClosed):
        return ApiError(503, "stopping", "the service is stopping", headers={"Retry-After": "5"})
    if isinstance(error, StoreReplaced):
        message = "another knowledge base took the place of this one, and is being opened"
        return ApiError(503, "replaced", message, headers={"Retry-After": "2"})
    if isinstance(error, StorageFailed):
        return _storage_error(error)
    if isinstance(error, ServiceTimeout):
        return ApiError(504, "model_timeout", "the model behind the service did not answer in time")
    if isinstance(error, ServiceError):
        wait = error.retry_after if isinstance(error, ServiceRefused) else None
        headers = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
        message = "the model behind the service failed; try again, or tell who runs the service"
        return ApiError(502, "model_failed", message, headers=headers)
    return None


def _storage_error(error: StorageFailed) -> ApiError:
    """Return what a client is told of a disk: no path, but what was kept.

    >>> failed = StorageFailed("x", cause="kb: no room", reason="full", kept="all is kept")
    >>> _storage_error(failed).status_code, _storage_error(failed).code
    (507, 'storage_full')
    """
    kept = "what was acknowledged is kept, this request can be made again"
    if error.reason == "full":
        return ApiError(507, "storage_full", f"the disk of the service is full; {kept}")
    message = f"the storage of the service failed; {kept}"
    return ApiError(503, "storage_failed", message, headers={"Retry-After": "30"})


def validation_error(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return what a client is told of a request that does not fit its schema.

    >>> error = validation_error([{"loc": ("body", "k"), "msg": "too large", "type": "x"}])
    >>> error.status_code, error.param, error.detail
    (422, 'k', 'k: too large')
    """
    if any(error["type"] == "json_invalid" for error in errors):
        return ApiError(400, "invalid_json", "the body is no JSON")
    details = [(_where(error["loc"]), str(error["msg"])) for error in errors[:_MOST_DETAILS]]
    message = "; ".join(f"{where}: {text}" if where else text for where, text in details)
    if len(errors) > _MOST_DETAILS:
        message += f"; and {len(errors) - _MOST_DETAILS} more"
    return ApiError(422, "invalid_request", message, param=details[0][0] or None)


def _where(location: Sequence[object]) -> str:
    return ".".join(str(part)[:80] for part in location[1:])


def _plain(text: str) -> str:
    """Return a text that is Unicode, whatever a client sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
