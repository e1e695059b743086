"""Thumbnails of the pictures that were found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import ApiError
from rag_engine.connectors.http.kinds import Kind

__all__ = ["router"]

router = APIRouter(prefix="/v1/images", tags=["search"])

_HEADERS = {
    # Whoever opens it alone is shown a picture, whatever its bytes hold, and nothing runs.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Gone with its documents: asked for again each time, by whoever may.
    "Cache-Control": "private, no-cache",
}


@router.get(
    "/{image}",
    summary="The thumbnail of a picture",
    response_class=Response,
    responses={
        200: {"description": "A JPEG", "content": {"image/jpeg": {}}},
        404: {"description": "No document of the caller's knowledge base is such a picture"},
    },
)
async def thumbnail(
    image: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="A hit's `image`.")],
    tenant: Reader,
    service: ServiceOf,
    request: Request,
) -> Response:
    """Return the thumbnail of a picture that a document of the caller's knowledge base is."""

    def work() -> Response:
        data = tenant.kb.thumbnail(image)
        if data is None:
            raise ApiError(404, "not_found", "there is no such picture", param="image")
        tag = f'"{image[:32]}"'
        headers = {**_HEADERS, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type="image/jpeg", headers=headers)

    return await answered(service, request, tenant.name, Kind.READ, work)
