"""Who is let in, who is refused before its body is read, and who is dropped while it waits."""

from __future__ import annotations

import dataclasses
import inspect
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rag_engine.cancellation import Cancelled, current_cancellation
from rag_engine.connectors.http.kinds import kind_of
from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.pool import WorkPool
from rag_engine.connectors.http.routes import documents, files, openai, operations, search, ui
from rag_engine.connectors.http.service import Service
from rag_engine.errors import SettingsError
from tests.connectors.http.raw import answer, connect, head, status
from tests.connectors.http.service import QUESTION, client_of, headers, serving
from tests.waiting import PATIENCE_S, wait_until

KEY = "Authorization: " + headers("admin")["Authorization"]
JSON = "Content-Type: application/json"
ASKED = {"question": QUESTION, "k": 1}


@contextmanager
def another(http_service: Service, **limits: float) -> Iterator[tuple[Service, str]]:
    """Serve the same knowledge base with one worker a pool and limits of its own."""
    given = {"search_workers": 1, "ask_workers": 1, "max_wait_s": 3_600, **limits}
    service = Service(tenants=http_service.tenants, keys=http_service.keys, limits=Limits(**given))
    with serving(service) as url:
        yield service, url


@contextmanager
def all_held(service: Service) -> Iterator[None]:
    """Keep every worker of every pool until the end of the block."""
    go, begun = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        begun.release()
        go.wait(PATIENCE_S)

    count = 0
    for pool in service.pools:
        for _ in range(pool.workers):
            pool.submit("default", hold)
            count += 1
    try:
        for _ in range(count):
            assert begun.acquire(timeout=PATIENCE_S)
        yield
    finally:
        go.set()


def test_health_and_figures_answer_while_every_worker_is_held(http_service):
    with another(http_service) as (service, url), all_held(service):
        with client_of(url, None) as nobody, client_of(url, "metrics") as scraper:
            for path in ("/healthz", "/readyz"):
                assert nobody.get(path).json() == {"status": "ok"}
            text = scraper.get("/metrics").text
        for pool in ("search", "ask", "write"):
            assert f'rag_engine_jobs{{pool="{pool}"}} 1.0' in text
            assert f'rag_engine_jobs_waiting{{pool="{pool}"}} 0.0' in text
            assert f'rag_engine_jobs_refused_total{{pool="{pool}",reason="late"}} 0.0' in text


def test_no_route_depends_on_what_another_thread_has_to_run():
    """Threads for that are few, and whoever waits for one waits behind others' requests."""
    calls = []
    for module in (documents, files, openai, operations, search, ui):
        for route in module.router.routes:
            waiting = [route.dependant]
            while waiting:
                dependant = waiting.pop()
                calls.append(dependant.call)
                waiting += dependant.dependencies
    assert len(calls) > 40
    for call in calls:
        asynchronous = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
            type(call).__call__
        )
        assert asynchronous, call


def test_past_the_bound_it_is_refused_before_its_body_is_read(http_service):
    with another(http_service, search_queue=0, write_queue=0) as (service, url):
        with all_held(service):
            for method, path in (("POST", "/v1/search"), ("PUT", "/v1/documents/a")):
                with connect(url) as client:
                    # The body never comes: whoever waits for it says 408 in the end.
                    client.sendall(head(method, path, KEY, JSON, "Content-Length: 1000"))
                    said = client.recv(65536)
                assert status(said) == 429, said
                assert b"retry-after: " in said.lower()
        wait_until(lambda: service.searching.under_way == 0)
        with client_of(url) as client:
            assert client.post("/v1/search", json=ASKED).status_code == 200


def test_whose_wait_would_be_too_long_is_refused(http_service):
    with another(http_service, max_wait_s=1.0) as (service, url), client_of(url) as client:
        assert client.post("/v1/search", json=ASKED).status_code == 200
        service.searching._times.observe("work", units=1.0, seconds=1e6)
        with all_held(service):
            reply = client.post("/v1/search", json=ASKED)
            assert (reply.status_code, reply.json()["error"]["code"]) == (429, "busy")
            assert reply.headers["retry-after"] == "60"
        wait_until(lambda: service.searching.under_way == 0)
        assert client.post("/v1/search", json=ASKED).status_code == 200


def test_who_waits_past_the_deadline_is_told_so_and_not_run(http_service, monkeypatch):
    tenant = http_service.tenants.of("default")
    searched = []
    monkeypatch.setattr(tenant.kb, "search", lambda *_, **__: searched.append(1) or [])
    with another(http_service, max_wait_s=2.0) as (service, url), all_held(service):
        # What runs is expected to end at once: the wait is not foreseen.
        service.searching._expected_wait = lambda tenant: 0.0
        with client_of(url) as client:
            reply = client.post("/v1/search", json=ASKED)  # the worker is held for longer
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "overloaded")
        assert reply.headers["retry-after"] == "1"
    assert not searched


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask", "/v1/ask stream", "/v1/documents"])
def test_who_hangs_up_while_waiting_is_not_served(http_service, monkeypatch, path):
    tenant = http_service.tenants.of("default")
    done = []
    for name in ("search", "ask", "add"):
        monkeypatch.setattr(tenant.kb, name, lambda *_, **__: done.append(1))
    body = {
        "/v1/search": b'{"question":"x"}',
        "/v1/ask": b'{"question":"x"}',
        "/v1/ask stream": b'{"question":"x","stream":true}',
        "/v1/documents": b'{"documents":[{"id":"a","text":"b"}]}',
    }[path]
    path = path.partition(" ")[0]
    with another(http_service, write_wait_s=3_600) as (service, url):
        pool = service.pool_of(kind_of("POST", path))
        with all_held(service):
            with connect(url) as client:
                client.sendall(head("POST", path, KEY, JSON, f"Content-Length: {len(body)}") + body)
                wait_until(lambda: pool.waiting == 1)
            wait_until(lambda: pool.waiting == 0)
        wait_until(lambda: pool.under_way == 0)
    assert not done


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask", "/v1/ask stream"])
def test_who_hangs_up_ends_what_runs_for_him(http_service, monkeypatch, path):
    begun, ended = threading.Event(), threading.Event()

    def runs(question, *, on_text=None, **_):
        if on_text is not None:
            on_text("The first word, and ")
        begun.set()
        try:
            current_cancellation().sleep(PATIENCE_S)
        except Cancelled:
            ended.set()
            raise

    tenant = http_service.tenants.of("default")
    for name in ("search", "ask"):
        monkeypatch.setattr(tenant.kb, name, runs)
    path, _, stream = path.partition(" ")
    body = b'{"question":"x","stream":true}' if stream else b'{"question":"x"}'
    with another(http_service) as (service, url):
        with connect(url) as client:
            client.sendall(head("POST", path, KEY, JSON, f"Content-Length: {len(body)}") + body)
            assert begun.wait(PATIENCE_S)
        assert ended.wait(PATIENCE_S)
        wait_until(lambda: sum(pool.under_way for pool in service.pools) == 0)


def test_what_is_foreseen_of_a_request_is_what_it_becomes(http_service, url, client, monkeypatch):
    became = []
    submit = WorkPool.submit

    def recorded(pool, tenant, do, **given):
        became.append((pool.name, given["kind"]))
        return submit(pool, tenant, do, **given)

    monkeypatch.setattr(WorkPool, "submit", recorded)
    chat = {"model": "x", "messages": [{"role": "user", "content": QUESTION}]}
    model = http_service.tenants.of("default").model_name
    requests = [
        ("POST", "/v1/search", ASKED),
        ("POST", "/v1/ask", {"question": QUESTION}),
        ("POST", "/v1/ask", {"question": QUESTION, "stream": True}),
        ("POST", "/v1/chat/completions", chat),
        ("POST", "/v1/embeddings", {"model": model, "input": "a"}),
        ("POST", "/v1/token-counts", {"model": model, "input": "a"}),
        ("GET", "/v1/documents", None),
        ("GET", "/v1/documents/garantie", None),
        ("GET", "/v1/knowledge-base", None),
        ("PUT", "/v1/documents/admitted", {"text": "An admitted text."}),
        ("DELETE", "/v1/documents/admitted", None),
        ("POST", "/v1/documents", {"documents": [{"id": "admitted", "text": "Again."}]}),
        ("POST", "/v1/documents/delete", {"ids": ["admitted"]}),
        ("DELETE", "/v1/files/never-there.txt", None),
        ("POST", "/v1/publish", None),
        ("POST", "/v1/compact", None),
    ]
    for method, path, body in requests:
        reply = client.request(method, path, json=body)
        assert reply.status_code in {200, 404}, reply.text
        foreseen = kind_of(method, path)
        assert became.pop() == (http_service.pool_of(foreseen).name, foreseen), path
        assert not became
    assert client.post("/v1/files", files={"files": ("admitted.txt", b"A text.")}).is_success
    assert became.pop() == ("write", kind_of("POST", "/v1/files"))
    assert client.delete("/v1/files/admitted.txt").is_success


def test_while_it_stops_it_takes_nothing_and_says_so(http_service):
    with another(http_service) as (service, url), client_of(url) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        service.stop.begin()
        for method, path in (
            ("POST", "/v1/search"),
            ("PUT", "/v1/documents/a"),
            ("GET", "/v1/models"),
        ):
            reply = client.request(method, path, json=ASKED)
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "stopping")
            assert reply.headers["connection"] == "close"
            assert reply.headers["retry-after"] == "5"
        reply = client.get("/healthz")
        assert (reply.status_code, reply.json()) == (200, {"status": "stopping"})
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()) == (503, {"status": "stopping"})


@pytest.mark.parametrize("stream", [False, True])
def test_when_the_grace_is_over_an_answer_under_way_is_given_up(http_service, monkeypatch, stream):
    tenant = http_service.tenants.of("default")
    go, begun = threading.Event(), threading.Event()

    def ask(question, *, on_text, **_):
        begun.set()
        if on_text is not None:
            on_text("The first word, and ")
        go.wait(PATIENCE_S)
        raise RuntimeError("nobody waits for it")

    monkeypatch.setattr(tenant.kb, "ask", ask)
    said = []
    with another(http_service) as (service, url):
        body = b'{"question":"x","stream":%s}' % (b"true" if stream else b"false")
        fields = (KEY, JSON, "Connection: close", f"Content-Length: {len(body)}")
        asking = threading.Thread(
            target=lambda: said.append(_sent(url, head("POST", "/v1/ask", *fields) + body))
        )
        asking.start()
        try:
            assert begun.wait(PATIENCE_S)
            service.stop.begin()
            wait_until(lambda: service.stop.over._waiters)
            loop = next(iter(service.stop.over._waiters)).get_loop()
            loop.call_soon_threadsafe(service.stop.over.set)
            asking.join(PATIENCE_S)
        finally:
            go.set()
    assert status(said[0]) == (200 if stream else 503)
    assert b'"code":"stopping"' in said[0]


def test_a_build_that_waits_for_a_server_is_given_up_by_a_stop(http_service, monkeypatch):
    begun = threading.Event()

    def publish(**_):
        begun.set()
        current_cancellation().sleep(PATIENCE_S)

    monkeypatch.setattr(http_service.tenants.of("default").kb, "publish", publish)
    said = []
    with another(http_service) as (service, url), client_of(url) as client:
        asking = threading.Thread(target=lambda: said.append(client.post("/v1/publish")))
        asking.start()
        assert begun.wait(PATIENCE_S)
        service.writing.interrupt()
        asking.join(PATIENCE_S)
    assert (said[0].status_code, said[0].json()["error"]["code"]) == (503, "stopping")


def ends_at(call: int) -> Callable[[], bool]:
    """Tell writes to end when asked for the ``call``-th time."""
    calls = iter(range(1, 1_000_000))
    return lambda: next(calls) >= call


def test_an_upload_that_is_stopped_says_which_files_are_kept(http_service):
    files = [("files", (f"stopped-{name}.txt", f"Text {name}.".encode())) for name in "abc"]
    with another(http_service) as (service, url), client_of(url) as client:
        # Asked when it is let in, four times for the first file, and before the second one.
        service.stop.writes_end = ends_at(6)
        reply = client.post("/v1/files", files=files)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "stopped")
        told = reply.json()["error"]["message"]
        assert "kept are stopped-a.txt: send stopped-b.txt and what comes after it again" in told
        kb = service.tenants.of("default").kb
        assert [each for each in kb.document_ids() if "stopped-" in each] == ["stopped-a.txt"]
        service.stop.writes_end = lambda: False
        report = client.post("/v1/files", files=files).json()["files"]
        assert [each["unchanged"] for each in report] == [True, False, False]
        for name in "abc":
            assert client.delete(f"/v1/files/stopped-{name}.txt").is_success


@pytest.mark.parametrize("path", ["/v1/publish", "/v1/compact"])
def test_an_index_that_is_stopped_leaves_the_one_before(http_service, path):
    with another(http_service) as (service, url), client_of(url) as client:
        assert client.put("/v1/documents/indexed", json={"text": "Ein Text."}).is_success
        service.stop.writes_end = ends_at(2)
        reply = client.post(path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "stopping")
        service.stop.writes_end = lambda: False
        assert client.get("/v1/knowledge-base").json()["published"] is False
        asked = {"question": "Ein Text", "k": 9}
        hits = client.post("/v1/search", json=asked).json()["hits"]
        assert "indexed" in {hit["document"] for hit in hits}
        assert client.post(path).json()["published"] is True
        assert client.delete("/v1/documents/indexed").is_success


def _sent(url: str, data: bytes) -> bytes:
    with connect(url) as client:
        client.sendall(data)
        return answer(client)


NO_SECONDS = [0, -1.0, math.inf, math.nan, 1e9, True, "5"]
NO_COUNTS = [-1, 1.5, math.inf, math.nan, 10**9, True, None]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
def test_a_limit_that_is_none_is_refused(field):
    whole = isinstance(getattr(Limits(), field), int)
    for wrong in NO_COUNTS if whole else NO_SECONDS:
        with pytest.raises(
            SettingsError, match=f"^{field}( .*)? is a (whole )?number from "
        ) as said:
            Limits(**{field: wrong})
        assert repr(wrong) in str(said.value)


def test_a_limit_of_the_command_line_is_told_by_its_option():
    with pytest.raises(SettingsError, match=r"max_wait_s \(--max-wait\) is a number .* got inf"):
        Limits(max_wait_s=math.inf)
    assert Limits(max_wait_s=None).max_wait_s is None
