"""One probe for every route of the application: how to call it, and who may.

A route without a probe fails the tests of tenants and of roles.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from fastapi.routing import iter_route_contexts

from rag_engine.connectors.http.keys import Role


@dataclass(frozen=True)
class Owned:
    """What one tenant has: a document, a file, and a word that stands in both and nowhere else."""

    tenant: str
    document: str
    file: str
    word: str


Send = Callable[[httpx.Client, Owned, Owned], list[httpx.Response]]
"""Calls a route as the tenant of the first, after the documents of the second."""


@dataclass(frozen=True)
class Probe:
    """``role`` is the least that may call; None: everyone may. ``send`` calls the route."""

    role: Role | None
    send: Send
    status: int = 200
    """What a tenant is answered that is after another's documents, in the first reply."""


def _post(path: str, *bodies: Callable[[Owned, Owned], dict]) -> Send:
    return lambda client, own, other: [
        client.post(path, json=body(own, other), headers={"X-Tenant": other.tenant},
                    params={"tenant": other.tenant, "kb": other.tenant})
        for body in bodies
    ]  # fmt: skip


def _get(path: str) -> Send:
    return lambda client, own, other: [
        client.get(path, headers={"X-Tenant": other.tenant}, params={"tenant": other.tenant}),
        client.get(path),
    ]


def _only(key: str, value: str) -> dict:
    return {"op": "equals", "key": key, "value": value}


def _any_of(own: Owned, other: Owned) -> dict:
    ids = [_only("document_id", each.document) for each in (own, other)]
    return {"op": "or", "parts": [*ids, _only("source", other.file)]}


_QUESTION = "What is the secret word?"
PROBES: dict[tuple[str, str], Probe] = {
    ("GET", "/openapi.json"): Probe(None, _get("/openapi.json")),
    ("GET", "/"): Probe(None, _get("/")),
    ("GET", "/page/{name:path}"): Probe(None, _get("/page/app.js")),
    ("GET", "/healthz"): Probe(None, _get("/healthz")),
    ("GET", "/readyz"): Probe(None, _get("/readyz")),
    ("GET", "/metrics"): Probe(Role.METRICS, _get("/metrics"), 403),
    ("GET", "/v1/knowledge-base"): Probe(Role.READ, _get("/v1/knowledge-base")),
    ("GET", "/v1/models"): Probe(Role.READ, _get("/v1/models")),
    ("POST", "/v1/search"): Probe(
        Role.READ,
        _post(
            "/v1/search",
            lambda own, other: {"question": _QUESTION, "k": 1000, "evidence": True},
            lambda own, other: {"question": _QUESTION, "where": _any_of(own, other)},
            lambda own, other: {
                "question": _QUESTION,
                "where": {"op": "not", "part": _only("document_id", own.document)},
            },
        ),
    ),
    ("POST", "/v1/ask"): Probe(
        Role.READ,
        _post(
            "/v1/ask",
            lambda own, other: {"question": _QUESTION},
            lambda own, other: {"question": _QUESTION, "stream": True},
            lambda own, other: {"question": _QUESTION, "where": _any_of(own, other)},
        ),
    ),
    ("POST", "/v1/chat/completions"): Probe(
        Role.READ,
        _post(
            "/v1/chat/completions",
            *(
                lambda own, other, stream=stream: {
                    "model": other.tenant,
                    "user": other.tenant,
                    "stream": stream,
                    "messages": [{"role": "user", "content": _QUESTION}],
                }
                for stream in (False, True)
            ),
        ),
    ),
    ("POST", "/v1/embeddings"): Probe(
        Role.READ,
        _post("/v1/embeddings", lambda own, other: {"model": "hash", "input": _QUESTION}),
    ),
    ("POST", "/v1/token-counts"): Probe(
        Role.READ,
        _post("/v1/token-counts", lambda own, other: {"model": "hash", "input": _QUESTION}),
    ),
    ("GET", "/v1/images/{image}"): Probe(
        Role.READ,
        lambda client, own, other: [
            client.get(f"/v1/images/{hashlib.sha256(other.word.encode()).hexdigest()}")
        ],
        404,
    ),
    ("GET", "/v1/documents"): Probe(
        Role.READ,
        lambda client, own, other: [
            client.get("/v1/documents", params={"limit": 1000, "tenant": other.tenant}),
            client.get("/v1/documents", params={"after": other.document[:-1]}),
        ],
    ),
    ("GET", "/v1/documents/{document_id:path}"): Probe(
        Role.READ,
        lambda client, own, other: [
            client.get(f"/v1/documents/{path}")
            for path in (
                quote(other.document),
                quote(f"../{other.tenant}/{other.document}", safe=""),
                quote(f"/{other.tenant}/catalogue.sqlite", safe=""),
            )
        ],
        404,
    ),
    ("PUT", "/v1/documents/{document_id:path}"): Probe(
        Role.WRITE,
        lambda client, own, other: [
            client.put(f"/v1/documents/{quote(other.document)}", json={"text": own.word}),
            client.put(f"/v1/documents/{own.tenant}", json={"text": own.word}),
        ],
    ),
    ("POST", "/v1/documents"): Probe(
        Role.WRITE,
        _post(
            "/v1/documents",
            lambda own, other: {"documents": [{"id": other.document, "text": own.word}]},
        ),
    ),
    ("POST", "/v1/documents/delete"): Probe(
        Role.WRITE,
        _post("/v1/documents/delete", lambda own, other: {"ids": [other.document, other.file]}),
    ),
    ("DELETE", "/v1/documents/{document_id:path}"): Probe(
        Role.WRITE,
        lambda client, own, other: [client.delete(f"/v1/documents/{quote(other.document)}")],
        404,
    ),
    ("POST", "/v1/files"): Probe(
        Role.WRITE,
        lambda client, own, other: [
            client.post(
                "/v1/files",
                files={"files": ("own.txt", own.word.encode())},
                data={"prefix": own.tenant},
            )
        ],
    ),
    ("DELETE", "/v1/files/{name:path}"): Probe(
        Role.WRITE,
        lambda client, own, other: [client.delete(f"/v1/files/{quote(other.file)}")],
        404,
    ),
    ("POST", "/v1/publish"): Probe(
        Role.WRITE, lambda client, own, other: [client.post("/v1/publish")]
    ),
    ("POST", "/v1/compact"): Probe(
        Role.ADMIN, lambda client, own, other: [client.post("/v1/compact")]
    ),
}


def routes_of(app) -> list[tuple[str, str]]:
    """Return method and path of every route; what has no methods (a mount) counts as GET."""
    return sorted(
        (method, each.path)
        for each in iter_route_contexts(app.routes)
        for method in sorted((each.methods or {"GET"}) - {"HEAD"})
    )


def text_of(response: httpx.Response) -> str:
    """Return all that a reply says, headers too, with what JSON hides in escapes."""
    plain = response.text
    with contextlib.suppress(ValueError):
        plain += json.dumps(response.json(), ensure_ascii=False)
    return f"{response.headers!r} {plain}"
