"""The page to search on: static files that may talk to this service and to nobody else."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag_engine.connectors.http.errors import ApiError

__all__ = ["CONTENT_SECURITY_POLICY", "router"]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob:",  # thumbnails, which are fetched with the key
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        # Even a script of ours can not make HTML of a string.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@cache
def _all() -> dict[str, tuple[bytes, str, str]]:
    """Return each file's bytes, type and tag by its name; nothing else can be asked for."""
    by_name = {}
    folder = files("rag_engine.connectors.http").joinpath("ui")
    for prefix, place in (("", folder), ("locales/", folder.joinpath("locales"))):
        for file in place.iterdir():
            suffix = f".{file.name.rpartition('.')[2]}"
            if suffix in _TYPES:
                data = file.read_bytes()
                tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
                by_name[f"{prefix}{file.name}"] = (data, _TYPES[suffix], tag)
    return by_name


def _reply(name: str, request: Request) -> Response:
    if name not in _all():
        raise ApiError(404, "not_found", "there is no such route")
    data, kind, tag = _all()[name]
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",  # asked for again each time, sent only if it changed
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page."""
    return _reply("index.html", request)


@router.get("/page/{name:path}")
async def page_file(name: str, request: Request) -> Response:
    """Return one of the page's scripts, its texts in a language, its style or its icon."""
    return _reply(name, request)
