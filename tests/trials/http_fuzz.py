"""Requests that nearly fit their schemas: drawn after the OpenAPI document, some of them wrong."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import httpx

__all__ = ["fuzz"]

_SLOW = 0.05
"""How often ``compact`` is asked for, when it is its turn: it takes long, and has no body."""
_COMPACT = "/v1/compact"
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 10**9, 2**63, -(2**70), 1e308, 1e-320, 0.5, "", " ", "a",
    "\x00",
    "\u202e", "a\u0301" * 50, "😀" * 100, "x" * 5_000, "'; DROP TABLE chunk; --",
    "../../etc/passwd",
    "und", "zh-Hant-TW", [], {}, [[]], [None], {"": {}}, [1, "a", None], "\ud800", "1", "NaN",
]  # fmt: skip


class Maker:
    """Draws values after the OpenAPI document, some of them wrong."""

    def __init__(self, told: dict, drawn: random.Random) -> None:
        self.schemas = told["components"]["schemas"]
        self.drawn = drawn

    def value(self, schema: dict, depth: int = 0) -> Any:
        if self.drawn.random() < 0.08 or depth > 7:
            return self.drawn.choice(ODD)
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rpartition("/")[2]], depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.value(self.drawn.choice(schema[key]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.drawn.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return self.object(schema, depth)
        if kind == "array":
            return [self.value(schema["items"], depth + 1) for _ in range(self.drawn.randrange(4))]
        if kind in {"integer", "number"}:
            least, most = schema.get("minimum", -5), schema.get("maximum", 50)
            drawn = self.drawn.choice([least, most, self.drawn.randint(int(least), int(most))])
            return drawn if kind == "integer" else float(drawn) / 3
        if kind == "boolean":
            return self.drawn.random() < 0.5
        if kind == "null":
            return None
        return self.drawn.choice(["Wie lange gilt die Garantie?", "de", "language", "format", "é"])

    def object(self, schema: dict, depth: int) -> dict:
        made = {}
        for name, its in schema.get("properties", {}).items():
            wanted = name in schema.get("required", ()) and self.drawn.random() > 0.03
            if wanted or self.drawn.random() < 0.4:
                made[name] = self.value(its, depth + 1)
        if isinstance(schema.get("additionalProperties"), dict):
            for _ in range(self.drawn.randrange(3)):
                made[str(self.drawn.choice(ODD))[:20]] = self.value(
                    schema["additionalProperties"], depth + 1
                )
        if self.drawn.random() < 0.05:
            made[str(self.drawn.choice(ODD))[:20]] = self.drawn.choice(ODD)
        return made


def sent(client, method: str, path: str, operation: dict, maker: Maker):
    """Send one request to a route, its body made after its schema."""
    drawn = maker.drawn
    names = ["fuzz", "nie da", "a/b", "%2e%2e%2f", "%00", "x" * 2_000, "%ff", "?", "水"]
    url = path
    for name in ("{document_id}", "{name}"):
        url = url.replace(name, drawn.choice(names))
    if drawn.random() < 0.2:
        url += "?limit=" + drawn.choice(["1", "-1", "x", "99999999999999999999", "%00"])
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        name = drawn.choice(["a.txt", "a.md", "b.csv", "c.jsonl", "d.html", "e.exe", ""])
        data = drawn.choice([b"", b"\x00\xff", b"text,id\na", b"{", b"Ein Satz."])
        return client.request(method, url, files={"files": (name, data)})
    if not content:
        return client.request(method, url)
    body = json.dumps(maker.value(content["application/json"]["schema"])).encode()
    if drawn.random() < 0.1:
        place = drawn.randrange(len(body) + 1)
        body = body[:place] + bytes([drawn.randrange(256)]) + body[place + 1 :]
    kind = "application/json" if drawn.random() > 0.03 else drawn.choice(["text/html", "json", ""])
    return client.request(method, url, content=body, headers={"Content-Type": kind})


def fuzz(client: httpx.Client, count: int, drawn: random.Random) -> Counter[int]:
    """Send so many requests, to every route; return the answers by status.

    Raises:
        AssertionError: an answer is a fault of the service, or has no shape; or no question was
            ever one that could be answered.
    """
    told = client.get("/openapi.json").json()
    maker = Maker(told, drawn)
    operations = [
        (method, path, operation)
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]
    seen: dict[tuple[str, str], Counter[int]] = {}
    for number in range(count):
        method, path, operation = operations[number % len(operations)]
        if path == _COMPACT and number > len(operations) and drawn.random() > _SLOW:
            method, path, operation = drawn.choice(operations[:-1])
        reply = sent(client, method, path, operation, maker)
        seen.setdefault((method, path), Counter())[reply.status_code] += 1
        asked = (number, method, path, _content(reply.request)[:2000], reply.text[:500])
        assert reply.status_code < 500, asked
        if reply.status_code >= 400:
            said = reply.json()["error"]
            assert set(said) == {"code", "message", "type", "param", "request_id"}, asked
    assert set(seen) == {(method, path) for method, path, _ in operations}
    assert any(seen["post", path][200] for path in ("/v1/search", "/v1/ask")), "all were refused"
    return sum(seen.values(), Counter())


def _content(request: httpx.Request) -> bytes:
    try:
        return request.content
    except httpx.RequestNotRead:  # a form with files
        return b""
