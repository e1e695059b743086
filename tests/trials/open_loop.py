"""Requests that come when they come: an open loop with Poisson arrivals, and a closed one.

A client that waits for its answer before it asks again slows down with the service and hides what
a request would have waited. Here requests come at drawn times, whatever became of those before,
and what they take is counted from the time that was drawn (Tene's "coordinated omission").
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rag_engine.pipelines.demo import sample_questions
from tests.connectors.http.service import secret

__all__ = ["Asker", "Reply", "closed_loop", "open_loop", "percentile", "watch_health"]

_HEALTH_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request: when it came (seconds from the start), what it took."""

    tenant: str
    at: float
    seconds: float
    status: int
    """0: the connection broke off."""


class Asker:
    """Asks one service questions, over as many connections as are needed at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def search(self, tenant: str, question: str) -> int:
        """Search as a tenant; return the status."""
        body = json.dumps({"question": question, "k": 5}).encode()
        key = secret(tenant, "read")
        head = (
            "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (await self._send(head.encode("ascii") + body))[0]

    async def health(self) -> int:
        """Ask for health, on a connection of its own."""
        data = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return (await self._send(data, fresh=True))[0]

    async def figures(self) -> str:
        """Return the service's figures."""
        key = secret("default", "metrics")
        head = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
        return (await self._send(head.encode("ascii"), fresh=True))[1].decode("utf-8")

    async def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _send(self, data: bytes, *, fresh: bool = False) -> tuple[int, bytes]:
        again = not fresh and bool(self._idle)
        try:
            reader, writer = (
                self._idle.pop() if again else await asyncio.open_connection(self._host, self._port)
            )
        except OSError:
            return 0, b""
        try:
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            # A connection that was idle may have been closed meanwhile, as it may be.
            return await self._send(data, fresh=fresh) if again else (0, b"")
        except BaseException:
            writer.close()
            raise
        if fresh or b"connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return a percentile by nearest rank; of nothing it is NaN.

    >>> percentile([3.0, 1.0, 2.0], 0.99), percentile([3.0, 1.0, 2.0], 0.5)
    (3.0, 2.0)
    """
    if not seconds:
        return math.nan
    return sorted(seconds)[max(0, math.ceil(share * len(seconds)) - 1)]


async def open_loop(
    asker: Asker, rates: Mapping[str, float], seconds: float, drawn: random.Random
) -> list[Reply]:
    """Let requests of each tenant come at its rate (a second) for so long; await every answer."""
    questions = [sample.question for sample in sample_questions()]
    arrivals = sorted(
        (at, tenant)
        for tenant, rate in rates.items()
        for at in itertools.takewhile(
            lambda at: at < seconds,
            itertools.accumulate(iter(lambda rate=rate: drawn.expovariate(rate), None)),
        )
    )
    started = time.perf_counter()

    async def one(at: float, tenant: str, question: str) -> Reply:
        status = await asker.search(tenant, question)
        return Reply(tenant, at, time.perf_counter() - started - at, status)

    tasks = []
    for at, tenant in arrivals:
        await asyncio.sleep(max(0.0, at - (time.perf_counter() - started)))
        tasks.append(asyncio.create_task(one(at, tenant, drawn.choice(questions))))
    return list(await asyncio.gather(*tasks))


async def closed_loop(
    asker: Asker, tenant: str, clients: int, seconds: float, drawn: random.Random
) -> list[Reply]:
    """Let so many clients ask, each as soon as it was answered, for so long."""
    questions = [sample.question for sample in sample_questions()]
    started = time.perf_counter()
    replies: list[Reply] = []

    async def client() -> None:
        while (at := time.perf_counter() - started) < seconds:
            status = await asker.search(tenant, drawn.choice(questions))
            replies.append(Reply(tenant, at, time.perf_counter() - started - at, status))

    await asyncio.gather(*(client() for _ in range(clients)))
    return replies


async def watch_health(asker: Asker, seconds: list[float]) -> None:
    """Ask for health until cancelled, and note what each answer took.

    Raises:
        AssertionError: the answer is not 200.
    """
    while True:
        started = time.perf_counter()
        status = await asker.health()
        seconds.append(time.perf_counter() - started)
        assert status == 200, f"health answered {status}"
        await asyncio.sleep(_HEALTH_EVERY_S)
