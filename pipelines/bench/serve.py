"""``rag-engine bench serve``: the HTTP service under 1 to 32 clients, or for many minutes."""

from __future__ import annotations

import http.client
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rag_engine.errors import InvalidInput, ServiceUnreachable
from rag_engine.pipelines.bench.bench_report import machine, milliseconds
from rag_engine.pipelines.bench.texts import sample_texts, synthetic_documents
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table

__all__ = ["bench_serve", "running_service"]

_CLIENTS = (1, 2, 8, 32)
_SOAK_CLIENTS = 8
_SOAK_DOCUMENTS = 200
"""Documents that a soak writes, again and again: what grows is the service, not the corpus."""
_WRITES, _DELETES = 0.25, 0.05
_SAMPLE_S = 5.0
_START_S = 120.0
_TIMEOUT_S = 60.0
_MAX_WAIT_S = "60"
"""So that what many clients at a time are answered is measured, not how many are refused."""
_RUN = "from rag_engine.pipelines.cli import main; raise SystemExit(main())"
_FIGURES = {"process_resident_memory_bytes": "resident_mb", "process_open_fds": "descriptors"}


def bench_serve(
    path: Path | None,
    *,
    url: str | None = None,
    seconds: float = 10.0,
    minutes: float | None = None,
    clients: Sequence[int] = _CLIENTS,
) -> Outcome:
    """Ask a service questions as quickly as it answers, with some clients at a time.

    The service is started for a knowledge base at ``path``, or for the sample's; with ``url`` it
    is one that runs already, without keys. With ``minutes`` it is asked for so long by eight
    clients, of whose requests a quarter write and a twentieth delete.

    Raises:
        InvalidInput: a number out of range.
        ServiceUnreachable: the service does not start, or is not there.
    """
    if seconds <= 0 or (minutes is not None and minutes <= 0) or min(clients, default=0) < 1:
        raise InvalidInput(
            f"seconds, minutes and clients are above 0, got {seconds}, {minutes} and {clients}"
        )
    if url is not None:
        return _bench(url, seconds, minutes, clients)
    with tempfile.TemporaryDirectory() as folder:
        kb = path or _sample(Path(folder) / "kb")
        with running_service("--kb", str(kb), "--max-wait", _MAX_WAIT_S) as started:
            return _bench(started, seconds, minutes, clients)


def _sample(kb_path: Path) -> Path:
    from rag_engine.knowledge_base import KnowledgeBase
    from rag_engine.pipelines.demo import sample_documents

    note("indexing the sample ...")
    with KnowledgeBase.open(kb_path) as kb:
        kb.add_files(sample_documents(), prefix="")
    return kb_path


@contextmanager
def running_service(*arguments: str) -> Iterator[str]:
    """Start ``rag-engine serve`` on a free port, and stop it by SIGTERM; yield its URL.

    Raises:
        ServiceUnreachable: it does not start.
    """
    command = [sys.executable, "-c", _RUN, "serve", "--port", "0", *arguments]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(_TIMEOUT_S)


def _address(process: subprocess.Popen[bytes], log: Any) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        log.seek(0)
        log_text = log.read().decode("utf-8", "replace")
        if match := re.search(r'"event": "listening", "url": "([^"]+)"', log_text):
            return match[1]
        if process.poll() is not None:
            raise ServiceUnreachable(f"the service ended at once: {log_text.strip()[-500:]}")
        time.sleep(0.05)
    raise ServiceUnreachable(f"the service did not start within {_START_S:g} s")


class _Client:
    """One connection that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise InvalidInput(f"--url is http://HOST:PORT, got {url!r}")
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port, timeout=_TIMEOUT_S
        )

    def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request; return status and body, 0 if the connection failed."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""

    def close(self) -> None:
        self._connection.close()


@dataclass
class _Load:
    """What some clients saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    taken: float = 0.0
    processor_s: float = 0.0
    """What the clients themselves took of the processor, all threads of this process together."""

    @property
    def errors(self) -> int:
        """Answers that are neither good nor a polite refusal."""
        return sum(n for status, n in self.statuses.items() if status not in {200, 404, 429})

    def row(self, clients: int, memory_mb: float) -> dict[str, Any]:
        return {
            "clients": clients,
            "requests": len(self.seconds),
            "requests/s": round(len(self.seconds) / self.taken, 1),
            **milliseconds(self.seconds),
            "errors": self.errors,
            "busy (429)": self.statuses[429],
            "memory MB": memory_mb,
            "client ms": round(1e3 * self.processor_s / max(1, len(self.seconds)), 2),
        }


def _drive(
    url: str, clients: int, until: float, step: Callable[[_Client, random.Random], int]
) -> _Load:
    """Let clients, each with a connection of its own, make steps until the time is over."""
    load, lock = _Load(), threading.Lock()
    started, processor_s = time.perf_counter(), time.process_time()

    def run(number: int) -> None:
        client, drawn = _Client(url), random.Random(number)
        seconds, statuses = [], []
        while time.perf_counter() < until:
            begun = time.perf_counter()
            statuses.append(step(client, drawn))
            seconds.append(time.perf_counter() - begun)
        client.close()
        with lock:
            load.seconds += seconds
            load.statuses.update(statuses)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.taken = time.perf_counter() - started
    load.processor_s = time.process_time() - processor_s
    return load


def _searcher() -> Callable[[_Client, random.Random], int]:
    from rag_engine.pipelines.demo import sample_questions

    questions = [sample.question for sample in sample_questions()]

    def step(client: _Client, drawn: random.Random) -> int:
        return client.send("POST", "/v1/search", {"question": drawn.choice(questions), "k": 5})[0]

    return step


def _figures(url: str) -> dict[str, float]:
    """Return what the service tells of its own process, and what its files take."""
    client = _Client(url)
    status, text = client.send("GET", "/metrics")
    _, body = client.send("GET", "/v1/knowledge-base")
    client.close()
    if status != 200:
        raise ServiceUnreachable(f"{url}/metrics answered {status}; is it a service without keys?")
    figures = {}
    for line in text.decode("utf-8").splitlines():
        name, _, value = line.partition(" ")
        if name in _FIGURES:
            figures[_FIGURES[name]] = float(value)
    if "resident_mb" in figures:
        figures["resident_mb"] = round(figures["resident_mb"] / 1e6, 1)
    return {**figures, "disk_mb": round(json.loads(body)["bytes"] / 1e6, 2)}


def _bench(url: str, seconds: float, minutes: float | None, clients: Sequence[int]) -> Outcome:
    search = _searcher()
    _figures(url)  # is it there?
    _drive(url, 2, time.perf_counter() + min(2.0, seconds), search)  # warm-up
    if minutes is not None:
        return _soak(url, minutes, search)
    rows = []
    for count in clients:
        load = _drive(url, count, time.perf_counter() + seconds, search)
        rows.append(load.row(count, _figures(url).get("resident_mb", 0.0)))
    lines = [
        f"{seconds:g} s of POST /v1/search (k = 5) for each row; milliseconds; "
        f"{machine()['processor']}, {machine()['cores']} cores, shared with the clients, which "
        "take `client ms` of a processor a request",
        *table(rows),
    ]
    return Outcome(result={"machine": machine(), "seconds": seconds, "rows": rows}, lines=lines)


def _soak(url: str, minutes: float, search: Callable[[_Client, random.Random], int]) -> Outcome:
    documents = synthetic_documents(_SOAK_DOCUMENTS, sample_texts())

    def step(client: _Client, drawn: random.Random) -> int:
        kind = drawn.random()
        if kind >= _WRITES + _DELETES:
            return search(client, drawn)
        path = f"/v1/documents/soak-{drawn.randrange(_SOAK_DOCUMENTS)}"
        if kind < _DELETES:
            return client.send("DELETE", path)[0]
        text = f"{drawn.choice(documents).text} {drawn.randrange(10**6)}"
        return client.send("PUT", path, {"text": text})[0]

    started = time.perf_counter()
    until = started + 60 * minutes
    samples: list[dict[str, float]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_SAMPLE_S):
            samples.append({"s": round(time.perf_counter() - started), **_figures(url)})
            bar.to(min(int(60 * minutes), int(time.perf_counter() - started)))

    with Bar("soaking", int(60 * minutes), "s") as bar:
        watcher = threading.Thread(target=watch)
        watcher.start()
        load = _drive(url, _SOAK_CLIENTS, until, step)
        done.set()
        watcher.join()
    samples.append({"s": round(time.perf_counter() - started), **_figures(url)})
    row = load.row(_SOAK_CLIENTS, samples[-1].get("resident_mb", 0.0))
    shown = samples[:: max(1, len(samples) // 10)]
    if shown[-1] is not samples[-1]:
        shown.append(samples[-1])
    growth = _growth(samples)
    lines = [
        f"{minutes:g} minutes, {_SOAK_CLIENTS} clients, 70% searches, 25% writes, 5% deletes; "
        f"milliseconds; {machine()['processor']}, {machine()['cores']} cores",
        *table([row]),
        "",
        *table(shown),
        "",
        f"resident memory grew by {growth:.2f} MB a minute over the second half",
    ]
    return Outcome(
        result={
            "machine": machine(),
            "minutes": minutes,
            "row": row,
            "samples": samples,
            "growth_mb_a_minute": round(growth, 3),
        },
        lines=lines,
    )


def _growth(samples: Sequence[dict[str, float]]) -> float:
    """Return the slope of a line through the second half of the memory figures, MB a minute.

    >>> _growth([{"s": 0, "resident_mb": 1}, {"s": 60, "resident_mb": 5}])
    0.0
    >>> _growth([{"s": 60.0 * n, "resident_mb": 3.0 * n} for n in range(8)])
    3.0
    """
    half = [sample for sample in samples[len(samples) // 2 :] if "resident_mb" in sample]
    if len(half) < 2:
        return 0.0
    mean_s = sum(sample["s"] for sample in half) / len(half)
    mean_mb = sum(sample["resident_mb"] for sample in half) / len(half)
    spread = sum((sample["s"] - mean_s) ** 2 for sample in half)
    if not spread:
        return 0.0
    shared = sum((sample["s"] - mean_s) * (sample["resident_mb"] - mean_mb) for sample in half)
    return 60 * shared / spread
