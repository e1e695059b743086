"""HTTP abuse: slow, huge, malformed and merely odd requests against a real service."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.connectors.http.raw import answer, connect, head, status
from tests.trials.http_fuzz import fuzz
from tests.trials.http_hostile import deep_bodies, hostile
from tests.trials.served import Served, sample_kb, served
from tests.trials.trial import Amounts, Figures, Trial
from tests.waiting import PATIENCE_S, wait_until

__all__ = ["TRIAL"]

_JSON = "Content-Type: application/json"
_DEPTH = 100_000
_MB = 1_000_000
_MEMORY_MB = 100.0
"""What the process may take for bodies of any size: one upload at a time is kept in a file."""
_PAUSE_S = 0.02
_OWN_DESCRIPTORS = 5
"""How many more a service may have for itself: files, a connection that asks for its health."""
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_POSTS = ("/v1/search", "/v1/ask", "/v1/documents", "/v1/chat/completions", "/v1/embeddings")


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    kb = sample_kb(folder / "kb")
    with served(folder, "--kb", str(kb)) as service, _client(service) as client:
        _works(client)
        before = service.descriptors()
        with _watching(service) as health, _slow_clients(service, amounts["slow"]) as slow:
            _huge_bodies(service, amounts["body_mb"])
            raw = _hostile(service)
            _deep(client)
            statuses = fuzz(client, amounts["requests"], drawn)
            _all_given_up(service, before)
        wait_until(lambda: _jobs(client) == 0, "for workers that are busy with nothing")
        _works(client)
        assert not service.failures(), service.failures()[:3]
    late = statistics.quantiles(health, n=100)[98] * 1e3
    assert late <= amounts["health_ms"], f"health answered after {late:.0f} ms (p99)"
    return {
        "slow clients": len(slow),
        "hostile": raw,
        "requests": statuses.total(),
        **{f"answers {code}": n for code, n in sorted(statuses.items())},
        "health p99 ms": round(late, 1),
        "health highest ms": round(max(health) * 1e3, 1),
    }


def _client(service: Served) -> httpx.Client:
    return httpx.Client(base_url=service.url, timeout=PATIENCE_S, trust_env=False, verify=False)


def _works(client: httpx.Client) -> None:
    """Let each pool do something: a worker that died would be missed."""
    asked = {"question": "How long does the warranty last?"}
    added = client.put("/v1/documents/proof", json={"text": "The word of proof is quagga."})
    assert added.status_code == 200, added.text
    for path in ("/v1/search", "/v1/ask"):
        reply = client.post(path, json=asked)
        assert reply.status_code == 200, reply.text
    found = client.post("/v1/search", json={"question": "the word of proof, quagga", "k": 3})
    assert "proof" in {hit["document"] for hit in found.json()["hits"]}
    assert client.delete("/v1/documents/proof").status_code == 200


def _jobs(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("rag_engine_jobs{"))


@contextmanager
def _watching(service: Served) -> Iterator[list[float]]:
    """Ask for health all the while, each time on a new connection; yield the seconds it took."""
    seconds: list[float] = []
    failed: list[object] = []
    done = threading.Event()

    def watch() -> None:
        asked = head("GET", "/healthz", "Connection: close")
        while not done.wait(_PAUSE_S):
            started = time.perf_counter()
            try:
                with connect(service.url) as connection:
                    connection.sendall(asked)
                    said = answer(connection)
            except OSError as error:
                failed.append(error)
                return
            seconds.append(time.perf_counter() - started)
            if status(said) != 200:
                failed.append(said)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seconds
    finally:
        done.set()
        thread.join()
    assert not failed, f"health did not answer: {failed[0]!r}"


@contextmanager
def _slow_clients(service: Served, count: int) -> Iterator[list[socket.socket]]:
    """Open connections that say and read next to nothing; a third each of three kinds."""
    body = head("POST", "/v1/search", _JSON, "Content-Length: 100000")
    kinds: tuple[Callable[[socket.socket], None], ...] = (
        lambda each: each.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"),  # a head
        lambda each: each.sendall(body + b'{"question":"'),  # a body
        _ask_for_much,
    )
    done = threading.Event()
    with contextlib.ExitStack() as stack:
        slow = []
        for number in range(count):
            each = stack.enter_context(connect(service.url))
            if number % 3 == 2:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            kinds[number % 3](each)
            slow.append(each)

        def drip() -> None:
            while not done.wait(1.0):
                for number, each in enumerate(slow):
                    piece = (b"A: b\r\n", b"x", b"")[number % 3]
                    with contextlib.suppress(OSError):
                        each.send(piece, socket.MSG_DONTWAIT)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield slow
        finally:
            done.set()
            dripping.join()


def _ask_for_much(connection: socket.socket) -> None:
    """Ask many times for a long answer; nobody reads it."""
    with contextlib.suppress(OSError):  # the service may stop reading, and that is all right
        connection.settimeout(0.2)
        connection.sendall(head("GET", "/openapi.json") * 500)  # more than the system buffers


def _all_given_up(service: Served, before: int) -> None:
    """Wait until the service has hung up on every slow client, which it told by its descriptors.

    A client that reads nothing can not see it: what was sent is before the end.
    """
    wait_until(
        lambda: service.descriptors() <= before + _OWN_DESCRIPTORS, "for slow clients to be left"
    )


def _huge_bodies(service: Served, megabytes: int) -> None:
    """Send more than anything may have, announced and not; it takes no memory."""
    before = service.resident_mb()
    multipart = "Content-Type: multipart/form-data; boundary=x"
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    for path, kind, start in (
        ("/v1/search", _JSON, b'{"question":"'),
        ("/v1/documents", _JSON, b'{"documents":[{"id":"a","text":"'),
        ("/v1/files", multipart, part),
    ):
        for length in (f"Content-Length: {megabytes * _MB}", "Transfer-Encoding: chunked"):
            with connect(service.url) as connection:
                connection.sendall(head("POST", path, kind, length))
                chunked = length.endswith("chunked")
                with contextlib.suppress(OSError):
                    for data in [start, *[b"x" * _MB] * megabytes]:
                        framed = b"%x\r\n%s\r\n" % (len(data), data) if chunked else data
                        connection.sendall(framed)
                said = answer(connection)
                assert not said or status(said) == 413, (path, length, said[:300])
    grown = service.resident_mb() - before
    assert grown < _MEMORY_MB, f"bodies of {megabytes} MB took {grown:.0f} MB of memory"


def _hostile(service: Served) -> int:
    """Send every conversation that no client would; return how many there were."""
    conversations = hostile()
    for what, data in conversations.items():
        with connect(service.url) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
                if not what.endswith("at once"):  # who ends is not answered any more
                    connection.shutdown(socket.SHUT_WR)
            codes = [int(code) for code in _STATUS.findall(answer(connection))]
            assert all(code < 500 for code in codes), (what, codes)
            if what.endswith("at once"):
                assert len(codes) == 100, (what, len(codes))
                assert set(codes) <= {200, 429}, (what, Counter(codes))
        assert service.lives(), what
    return len(conversations)


def _deep(client: httpx.Client) -> None:
    """Send deep JSON and numbers beyond bounds to every route that takes JSON."""
    for path in _POSTS:
        for what, body in deep_bodies(_DEPTH).items():
            reply = client.post(path, content=body, headers={"Content-Type": "application/json"})
            allowed = {200} if what.startswith(("a question", "a thousand")) else set()
            told = (path, what, reply.status_code, reply.text[:300])
            assert reply.status_code in allowed or 400 <= reply.status_code < 500, told


TRIAL = Trial(
    name="http_abuse",
    what="slow clients, huge bodies, malformed and deep requests, requests after the schema",
    holds="no 500, no dead worker, no memory taken, health answers in time",
    small={"slow": 30, "body_mb": 70, "requests": 300, "health_ms": 60_000},
    full={"slow": 300, "body_mb": 200, "requests": 2_000, "health_ms": 200},
    run=_run,
    lacking=lambda: None if sys.platform == "linux" else "figures of a process (/proc)",
)
