"""Request ids, headers, the shape of errors, logs and figures."""

from __future__ import annotations

import io
import json
import logging
import re
import time

import pytest

from rag_engine.connectors.http.logs import JsonFormatter, logger
from tests.connectors.http.service import QUESTION, client_of, secret
from tests.waiting import wait_until


@pytest.fixture
def logged(monkeypatch):
    """What the service logs, as text."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "propagate", False)
    logger.setLevel(logging.INFO)
    return stream


def told_of(logged: io.StringIO, request_id: str, count: int) -> list[dict]:
    """Return the lines of some requests; the last is written when its answer has gone out."""

    def told() -> list[dict]:
        lines = [json.loads(line) for line in logged.getvalue().splitlines()]
        return [line for line in lines if line["request_id"] == request_id]

    wait_until(lambda: len(told()) >= count)
    return told()


def test_a_request_id_is_kept_if_it_is_one(client):
    for given in ("a", "A-1_b.c", "x" * 64):
        reply = client.get("/healthz", headers={"X-Request-ID": given})
        assert reply.headers["x-request-id"] == given
    for given in ("", "x" * 65, "a b", "a\tb", "ä".encode(), '{"a":1}', "../x"):
        reply = client.get("/healthz", headers={"X-Request-ID": given})
        assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("PATCH", "/v1/search", 405, "method_not_allowed"),
        ("BREW", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/documents/never-there", 404, "not_found"),
        ("GET", "/v1/documents?limit=0", 422, "invalid_request"),
        ("GET", "/v1/documents?limit=x", 422, "invalid_request"),
        ("POST", "/v1/search", 422, "invalid_request"),
    ],
)
def test_every_error_has_one_shape(client, method, path, status, code):
    reply = client.request(method, path, headers={"X-Request-ID": "mine"})
    assert reply.status_code == status
    error = reply.json()["error"]
    assert set(error) == {"code", "message", "type", "param", "request_id"}
    assert (error["code"], error["request_id"]) == (code, "mine")
    assert error["message"]


def test_json_is_asked_for_by_its_name(client):
    reply = client.post("/v1/search", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "no_json")


def test_headers_that_protect_stand_on_every_reply(client):
    for path in ("/healthz", "/nowhere", "/v1/models", "/openapi.json"):
        found = client.get(path).headers
        assert found["x-content-type-options"] == "nosniff"
        assert found["x-frame-options"] == "DENY"
        assert found["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in found["content-security-policy"]
        assert "server" not in found


def test_logs_tell_what_happened_and_no_secrets(url, logged):
    with client_of(url, "write") as client:
        client.headers["X-Request-ID"] = "told"
        client.post("/v1/search", json={"question": "confidential question"})
        client.put("/v1/documents/confidential-id", json={"text": "confidential text"})
        client.get("/v1/documents/confidential-id?after=confidential-query")
        client.post("/v1/search", json={"question": "confidential", "k": "confidential"})
        client.delete("/v1/documents/confidential-id")
        client.get("/v1/models", headers={"Authorization": "Bearer confidential-wrong-key"})
    lines = told_of(logged, "told", 6)
    assert [line["status"] for line in lines] == [200, 200, 200, 422, 200, 401]
    assert lines[0]["route"] == "/v1/search"
    assert lines[1]["route"] == "/v1/documents/{document_id:path}"
    assert lines[0]["key"] == "default write"
    assert all(line["ms"] >= 0 and line["request_id"] for line in lines)
    assert "confidential" not in logged.getvalue()
    assert secret("default", "write") not in logged.getvalue()


def test_an_unexpected_error_is_logged_without_what_it_says(
    client, http_service, monkeypatch, logged
):
    kb = http_service.tenants.of("default").kb

    def broken(*_, **__):
        raise RuntimeError("confidential: what a client sent")

    monkeypatch.setattr(kb, "search", broken)
    reply = client.post(
        "/v1/search", json={"question": QUESTION}, headers={"X-Request-ID": "broken"}
    )
    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "internal"
    assert "confidential" not in reply.text + logged.getvalue()
    failed = told_of(logged, "broken", 2)[0]
    assert failed["event"] == "failed"
    assert failed["error"] == "RuntimeError"
    assert any("search" in frame for frame in failed["frames"])


def test_figures_count_requests_by_route(url, client):
    with client_of(url, "metrics") as scraper:

        def count() -> float:
            text = scraper.get("/metrics").text
            line = 'rag_engine_requests_total{method="POST",route="/v1/search",status="200"}'
            found = re.search(re.escape(line) + r" (\S+)", text)
            return float(found[1]) if found else 0.0

        time.sleep(0.05)
        before = count()
        for _ in range(3):
            client.post("/v1/search", json={"question": QUESTION, "k": 1})
        # A request is counted when its answer has gone out.
        wait_until(lambda: count() >= before + 3)
        assert count() == before + 3
        text = scraper.get("/metrics").text
    assert "rag_engine_request_seconds_bucket" in text
    assert 'rag_engine_jobs{pool="search"} 0.0' in text
    assert "never-there" not in text


def test_the_openapi_document_names_models_errors_and_the_key(client):
    told = client.get("/openapi.json").json()
    search = told["paths"]["/v1/search"]["post"]
    assert search["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/SearchRequest"
    }
    assert search["security"] == [{"key": []}]
    for status in ("401", "403", "413", "422", "429"):
        schema = search["responses"][status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorReply"}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            assert operation["description"], (path, method)
