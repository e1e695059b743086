"""Kinds of work: what takes about as long, and which workers do it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind", "kind_of"]


class Kind(StrEnum):
    """What a request asks for."""

    SEARCH = "search"
    TRANSLATE = "translate"
    READ = "read"
    EMBED = "embed"
    COUNT = "count"
    ASK = "ask"
    ADD = "add"
    UPLOAD = "upload"
    DELETE = "delete"
    BUILD = "build"


_POSTS = {
    "/v1/search": Kind.SEARCH,
    "/v1/ask": Kind.ASK,
    "/v1/chat/completions": Kind.ASK,
    "/v1/embeddings": Kind.EMBED,
    "/v1/token-counts": Kind.COUNT,
    "/v1/documents": Kind.ADD,
    "/v1/documents/delete": Kind.DELETE,
    "/v1/files": Kind.UPLOAD,
    "/v1/publish": Kind.BUILD,
    "/v1/compact": Kind.BUILD,
}


def kind_of(method: str, path: str) -> Kind | None:
    """Return what a request will ask for, read off its first line; None: of no worker anything.

    >>> kind_of("POST", "/v1/search"), kind_of("PUT", "/v1/documents/a"), kind_of("GET", "/healthz")
    (<Kind.SEARCH: 'search'>, <Kind.ADD: 'add'>, None)
    """
    if method == "POST":
        return _POSTS.get(path)
    if not path.startswith(("/v1/documents", "/v1/files/", "/v1/images/", "/v1/knowledge-base")):
        return None
    return {"GET": Kind.READ, "PUT": Kind.ADD, "DELETE": Kind.DELETE}.get(method)
