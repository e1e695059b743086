"""Soak: a service that is asked and written to for minutes, and must not grow.

Flat is told by a robust line: the median of the slopes between all pairs of samples (Theil 1950,
Sen 1968) after the warm-up, so that a peak moves nothing. Before it every cache of words is filled
with words that nobody has seen: what a cache grows by is no leak, but hides one.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from rag_engine.pipelines.bench.texts import sample_questions, sample_texts, synthetic_documents
from tests.trials.served import Served, sample_kb, served
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_CLIENTS = 8
_WRITES, _DELETES = 0.25, 0.05
_IDS_A_CLIENT = 25
"""Documents that a client writes, again and again: what grows is the service, not the corpus."""
_SAMPLE_S = 2.0
_TIMEOUT_S = 120.0
_CLIMB_MB = 400.0
"""What a service may take beyond what it takes idle; it is 340, of which full caches of words are
most of 100. With an arena for every thread it took 500 without them."""
_BOUNDS = {"memory": 0.02, "descriptors": 0.1, "threads": 0.15, "disk": 0.05}
"""By what share of its median each may drift over all that is measured."""


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    kb = sample_kb(folder / "kb")
    with served(folder, "--kb", str(kb)) as service:
        load = _Load(service, drawn)
        with load.client() as client:
            client.get("/healthz")
        idle = service.resident_mb()
        load.read_new_words(amounts["new_words"])
        samples = load.run(amounts["seconds"], kb.parent)
        load.check_documents()
        assert not service.failures(), service.failures()[:3]
    with served(folder, "--kb", str(kb)) as again:  # what was acknowledged outlives the process
        load.service = again
        load.check_documents()
    assert not list((folder / "tmp").iterdir()), "temporary files are left"
    return {**load.figures(), **_flat(samples, idle, amounts)}


@dataclass(frozen=True, slots=True)
class _Sample:
    second: float
    memory: float
    descriptors: float
    threads: float
    disk: float


@dataclass
class _Load:
    """Eight clients, each with documents of its own, and what it knows of them."""

    service: Served
    drawn: random.Random
    statuses: Counter[int] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)
    """What was acknowledged, by id; absent: deleted, or never there."""
    failed: list[BaseException] = field(default_factory=list)

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.service.url, timeout=_TIMEOUT_S, trust_env=False, verify=False
        )

    def read_new_words(self, count: int) -> None:
        """Add documents of words that nobody has seen, and delete them."""
        letters = "abdeghiklmnoprstuvwz"
        with self.client() as client:
            for start in range(0, count, 2_000):
                words = ("".join(self.drawn.choices(letters, k=9)) for _ in range(2_000))
                document = {"id": f"words-{start}", "text": " ".join(words), "language_hint": "de"}
                assert client.post("/v1/documents", json={"documents": [document]}).is_success
                assert client.delete(f"/v1/documents/words-{start}").is_success

    def run(self, seconds: float, disk: Path) -> list[_Sample]:
        """Let the clients work for so long; return what was sampled meanwhile."""
        started, samples = time.monotonic(), []
        pools = sample_texts()
        questions = sample_questions(300, pools)
        documents = [document.text for document in synthetic_documents(200, pools)]
        threads = [
            threading.Thread(
                target=self._work,
                args=(
                    n,
                    random.Random(self.drawn.random()),
                    started + seconds,
                    questions,
                    documents,
                ),
            )
            for n in range(_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(_SAMPLE_S)
            if not self.service.lives():
                break
            samples.append(_sample(self.service, time.monotonic() - started, disk))
        for thread in threads:
            thread.join()
        ended = self.service.process.poll()
        assert ended is None, f"the service ended with {ended}: {self.service.last_lines()}"
        assert not self.failed, self.failed[0]
        return samples

    def _work(
        self,
        number: int,
        drawn: random.Random,
        until: float,
        questions: Sequence[str],
        documents: Sequence[str],
    ) -> None:
        try:
            with self.client() as client:
                while time.monotonic() < until and not self.failed:
                    self._step(client, number, drawn, questions, documents)
        except BaseException as error:
            self.failed.append(error)

    def _step(
        self,
        client: httpx.Client,
        number: int,
        drawn: random.Random,
        questions: Sequence[str],
        documents: Sequence[str],
    ) -> None:
        kind = drawn.random()
        identifier = f"soak-{number}-{drawn.randrange(_IDS_A_CLIENT)}"
        path = f"/v1/documents/{identifier}"
        if kind < _DELETES:
            reply = client.delete(path)
            expected = 200 if identifier in self.texts else 404
            assert reply.status_code in {expected, 429, 503}, (reply.status_code, identifier)
            if reply.status_code == 200:
                del self.texts[identifier]
        elif kind < _DELETES + _WRITES:
            text = f"{drawn.choice(documents)} {drawn.randrange(10**6)}"
            reply = client.put(path, json={"text": text})
            if reply.status_code == 200:
                self.texts[identifier] = text
        elif kind < 0.9:
            asked = {"question": drawn.choice(questions), "k": 5}
            reply = client.post("/v1/search", json=asked)
            if reply.status_code == 200:
                assert reply.json()["hits"]
        else:
            reply = client.get(path)  # nobody else writes it
            if reply.status_code == 200:
                assert reply.json()["text"] == self.texts.get(identifier), identifier
            elif reply.status_code == 404:
                assert identifier not in self.texts, f"{identifier} is lost"
        assert reply.status_code in {200, 404, 429, 503}, (reply.status_code, reply.text[:500])
        self.statuses[reply.status_code] += 1

    def check_documents(self) -> None:
        """Compare all that the service holds of the clients' with what it acknowledged."""
        with self.client() as client:
            ids = client.get("/v1/documents", params={"limit": 1000}).json()["ids"]
            mine = {identifier for identifier in ids if identifier.startswith("soak-")}
            assert mine == set(self.texts), mine ^ set(self.texts)
            for identifier, text in self.texts.items():
                assert client.get(f"/v1/documents/{identifier}").json()["text"] == text

    def figures(self) -> dict[str, int]:
        """Return how many requests were answered how."""
        counted = sorted(self.statuses.items())
        return {"requests": self.statuses.total(), **{f"answers {s}": n for s, n in counted}}


def _sample(service: Served, second: float, disk: Path) -> _Sample:
    return _Sample(
        second=second,
        memory=service.resident_mb(),
        descriptors=service.descriptors(),
        threads=service.threads(),
        disk=sum(_blocks(path) for path in disk.rglob("*") if path != service.log) / 1e6,
    )


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:  # gone meanwhile
        return 0


def _flat(samples: Sequence[_Sample], idle: float, amounts: Amounts) -> dict[str, float]:
    """Return how each figure drifted after the warm-up.

    Raises:
        AssertionError: one of them did by more than it may.
    """
    measured = [sample for sample in samples if sample.second >= amounts["warm_up"]]
    span = measured[-1].second - measured[0].second
    figures: dict[str, float] = {"idle MB": round(idle)}
    highest = max(sample.memory for sample in samples)
    problems = []
    if highest - idle > _CLIMB_MB:
        problems.append(f"memory went from {idle:.0f} to {highest:.0f} MB, {_CLIMB_MB:.0f} allowed")
    for name, share in _BOUNDS.items():
        points = [(sample.second, getattr(sample, name)) for sample in measured]
        median = statistics.median(value for _, value in points)
        drift = slope(points) * span
        figures[f"{name} median"] = round(median, 1)
        figures[f"{name} a minute"] = round(slope(points) * 60, 3)
        allowed = max(share * amounts["slack"] * median, 1.0)
        if drift > allowed:
            problems.append(f"{name} drifts by {drift:.1f} in {span:.0f} s, {allowed:.1f} allowed")
    assert not problems, ("; ".join(problems), figures, json.dumps(_shown(samples)))
    return {**figures, "highest MB": round(highest)}


def _shown(samples: Sequence[_Sample]) -> list[list[float]]:
    few = samples[:: max(1, len(samples) // 12)]
    return [[round(s.second), round(s.memory), s.descriptors, s.threads, s.disk] for s in few]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of points (Theil-Sen).

    >>> slope([(0, 1.0), (1, 3.0), (2, 90.0), (3, 7.0), (4, 9.0)])
    2.0
    """
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2)]
    return statistics.median(slopes)


TRIAL = Trial(
    name="soak",
    what="8 clients, 70 % searching and reading, 25 % writing, 5 % deleting",
    holds="memory, descriptors, threads and disk are flat; what was acknowledged is there",
    small={"seconds": 30, "warm_up": 10, "new_words": 2_000, "slack": 10},
    full={"seconds": 480, "warm_up": 200, "new_words": 60_000, "slack": 1},
    run=_run,
    lacking=lambda: None if sys.platform == "linux" else "figures of a process (/proc)",
)
