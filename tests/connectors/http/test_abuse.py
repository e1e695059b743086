"""What must not hurt: floods, slow and endless bodies, hostile JSON."""

from __future__ import annotations

import contextlib
import json
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.service import Service
from tests.connectors.http.raw import answer, connect, head, status
from tests.connectors.http.service import QUESTION, client_of, headers, serving
from tests.waiting import PATIENCE_S, wait_until

KEY = "Authorization: " + headers("admin")["Authorization"]
JSON = "Content-Type: application/json"
MULTIPART = "Content-Type: multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n'


@pytest.fixture(scope="module")
def small(http_service):
    """The same knowledge base behind a service with few places and little patience."""
    limits = Limits(
        search_workers=1,
        search_queue=1,
        ask_workers=1,
        ask_queue=0,
        max_wait_s=3_600,  # places alone decide
        body_mb=0.01,
        documents_mb=0.02,
        upload_mb=0.05,
        idle_s=1.5,
        body_s=3.0,
    )
    service = Service(
        tenants=http_service.tenants,
        keys=http_service.keys,
        limits=limits,
    )
    with serving(service) as url:
        yield service, url


def error_code(reply: httpx.Response) -> str:
    return reply.json()["error"]["code"]


def test_past_capacity_it_is_429_at_once_and_health_answers(small):
    service, url = small
    go, begun = threading.Event(), threading.Event()

    def hold():
        begun.set()
        go.wait(PATIENCE_S)

    held = [service.searching.submit("default", hold) for _ in range(2)]
    held += [service.answering.submit("default", go.wait)]
    try:
        assert begun.wait(PATIENCE_S)
        with client_of(url) as client:
            for path in ("/v1/search", "/v1/ask"):
                for more in ({}, {"stream": True}) if path == "/v1/ask" else ({},):
                    # Were it kept waiting for a worker, it would wait until the test gives up.
                    reply = client.post(path, json={"question": QUESTION, **more})
                    assert (reply.status_code, error_code(reply)) == (429, "busy")
                    assert 1 <= int(reply.headers["retry-after"]) <= 60
            assert client.get("/healthz").status_code == 200
            assert client.get("/readyz").status_code == 200
    finally:
        go.set()
    for each in held:
        each.result(PATIENCE_S)
    with client_of(url) as client:
        assert client.post("/v1/search", json={"question": QUESTION}).status_code == 200


def test_a_flood_is_answered_with_200_or_429(small):
    _, url = small

    def one(number: int) -> tuple[int, str | None]:
        with client_of(url) as client:
            reply = client.post("/v1/search", json={"question": f"{QUESTION} {number}"})
            return reply.status_code, reply.headers.get("retry-after")

    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(one, range(36)))
    assert {status for status, _ in replies} == {200, 429}
    assert all((wait is not None) == (status == 429) for status, wait in replies)


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/v1/search", 10_000),
        ("POST", "/v1/documents", 20_000),
        ("POST", "/v1/files", 50_000),
        ("PUT", "/v1/documents/a", 20_000),
        ("GET", "/v1/models", 10_000),
    ],
)
def test_a_body_that_is_too_large_is_refused_while_it_comes(small, method, path, most):
    _, url = small
    kind = MULTIPART if path == "/v1/files" else JSON
    with connect(url) as announced:
        announced.sendall(head(method, path, KEY, kind, "Content-Length: 200000000"))
        said = answer(announced)
    assert status(said) == 413
    assert f"{most:,} bytes".encode() in said
    if method == "GET":
        return
    with connect(url) as chunked:
        chunked.sendall(head(method, path, KEY, kind, "Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            chunked.sendall(b"%x\r\n" % len(PART) + PART + b"\r\n")
            for _ in range(200):
                chunked.sendall(b"400\r\n" + b'"' * 1024 + b"\r\n")
        assert status(answer(chunked)) == 413


def test_two_hundred_megabytes_take_no_memory_and_no_worker(url, http_service):
    memory = _resident_mb()

    def endless():
        for _ in range(200):
            yield b"x" * 1_000_000

    with client_of(url) as client:
        with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            reply = client.post(
                "/v1/search", content=endless(), headers={"Content-Type": "application/json"}
            )
            assert reply.status_code == 413
        assert client.post("/v1/search", json={"question": QUESTION}).status_code == 200
    assert _resident_mb() - memory < 50
    assert http_service.searching.under_way == 0


def _resident_mb() -> float:
    from rag_engine.pipelines.bench.bench_report import memory_mb

    return memory_mb().get("resident", 0)


def test_bodies_that_come_too_slowly_are_given_up(small):
    _, url = small
    asked = head("POST", "/v1/search", KEY, JSON, "Content-Length: 10000")
    with connect(url) as silent, connect(url) as dripping:
        silent.sendall(asked + b'{"question"')
        dripping.sendall(asked)
        with contextlib.suppress(OSError):
            while not select.select([dripping], [], [], 0.1)[0]:
                dripping.sendall(b" ")  # until it is answered, or the body is whole
        for each in (silent, dripping):
            assert status(answer(each)) == 408


def test_without_a_key_no_byte_of_a_body_is_waited_for(small):
    _, url = small
    asked = head("POST", "/v1/documents", JSON, "Content-Length: 1000")
    with connect(url) as stranger:
        stranger.sendall(asked)
        # A service that waited for the body would say 408.
        assert status(stranger.recv(4096)) == 401


DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"{", "invalid_json"),
        (b"\xff\xfe{}", "invalid_json"),
        (b"[" * DEEP, "invalid_request"),
        (b'{"question":"a","where":' + b'{"op":"not","part":' * (DEEP // 2), "invalid_request"),
        (b'{"question":"a","where":' + b'{"op":"not","part":' * 200
         + b'{"op":"in","key":"a","values":[]}' + b"}" * 201, "invalid_filter"),
        (b'{"question":"a","k":1e9}', "invalid_request"),
        (b'{"question":"a","k":' + b"9" * 5000 + b"}", "invalid_request"),
        (b'{"question":"a","k":1e999}', "invalid_request"),
        (b'{"question":"a","k":true}', "invalid_request"),
        (b'{"question":"a","k":"5"}', "invalid_request"),
        (b'{"question":"a","min_score":NaN}', "invalid_request"),
        (b'{"question":"a","strictness":"lax"}', "invalid_request"),
        (b'{"question":"a\\ud800"}', "invalid_request"),
        (b'{"question":"a","\\udfff":1}', "invalid_request"),
        (b'{"question":"a","language":"\\u0000"}', "invalid_input"),
        (b'{"question":"a","languages":["12"]}', "invalid_input"),
        (b'{"question":"a","where":{"op":"equals","key":"a\'; DROP","value":1}}', "invalid_filter"),
        (b'{"question":"a","where":{"op":"equals","key":"a","value":NaN}}', "invalid_filter"),
        (b'{"question":"a","where":{"op":"eval","key":"a","value":1}}', "invalid_request"),
        (json.dumps({"question": "a" * 10_001}).encode(), "invalid_request"),
        (b'{"question":"a","where":{"op":"equals","key":"a","value":' + b"9" * 30 + b"}}",
         "invalid_filter"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value,
)  # fmt: skip
def test_hostile_json_is_the_clients_fault(client, body, code):
    for path in ("/v1/search", "/v1/ask"):
        reply = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert error_code(reply) == code
        assert 400 <= reply.status_code < 500


def test_a_client_that_hangs_up_ends_its_answer(client, http_service, monkeypatch):
    tenant = http_service.tenants.of("default")
    ended = threading.Event()

    def endless(question, *, on_text, **_):
        try:
            while True:
                on_text("and so on, ")
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(tenant.kb, "ask", endless)
    asked = {"question": QUESTION, "stream": True}
    with client.stream("POST", "/v1/ask", json=asked) as reply:
        next(reply.iter_bytes())
    assert ended.wait(PATIENCE_S)
    wait_until(lambda: http_service.answering.under_way == 0)


def test_without_keys_only_this_machine_and_no_other_page(http_service):
    service = Service(
        tenants=http_service.tenants,
        hosts=frozenset({"127.0.0.1", "localhost", "[::1]"}),
    )
    with serving(service) as url, client_of(url, None) as client:
        port = url.rpartition(":")[2]
        assert client.get("/v1/models").status_code == 200
        own = {"Origin": url}
        assert client.get("/v1/models", headers=own).status_code == 200
        for foreign in (
            {"Host": "evil.example"},
            {"Host": f"evil.example:{port}"},
            {"Host": f"127.0.0.1.evil.example:{port}"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:1"},
        ):
            reply = client.post("/v1/files", files={"files": ("a.txt", b"a")}, headers=foreign)
            assert reply.status_code == 403, foreign
