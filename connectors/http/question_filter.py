"""What the routes share that answer questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag_engine.connectors.http.errors import ApiError, api_error, error_data
from rag_engine.connectors.http.filter_schema import FilterIn, to_filter
from rag_engine.connectors.http.logs import logger
from rag_engine.filters import And, Filter, In
from rag_engine.search_arguments import checked_language

__all__ = ["filter_of", "stream_failure"]


def filter_of(where: FilterIn | None, languages: Sequence[str] | None) -> Filter | None:
    """Return one filter for what a request restricts the passages by.

    Raises:
        InvalidInput: it can not be used.
    """
    parts: list[Filter] = []
    if where is not None:
        parts.append(to_filter(where))
    if languages is not None:
        codes = (checked_language(each) for each in languages)
        parts.append(In("language", tuple(code for code in codes if code is not None)))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(*parts)


def stream_failure(error: Exception, request_id: str) -> dict[str, Any]:
    """Return what a stream says of an error in its middle."""
    known = api_error(error)
    if known is None:
        logger.error("failed", exc_info=error, extra={"fields": {"request_id": request_id}})
        known = ApiError(500, "internal", "the service failed; its log says more")
    return error_data(known, request_id)
