"""Figures for Prometheus, without anything that tells one tenant from another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from rag_engine.connectors.http.pool import Reason, WorkPool

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one application, in a registry of their own."""

    def __init__(self, pools: Sequence[WorkPool], *, tenants: int) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "rag_engine_requests",
            "Requests by route, method and status",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rag_engine_request_seconds",
            "Seconds from a request's first byte to its answer's last",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "rag_engine_requests_in_progress",
            "Requests that are being answered",
            registry=self.registry,
        )
        jobs = Gauge(
            "rag_engine_jobs",
            "Jobs that run or wait for a worker",
            ["pool"],
            registry=self.registry,
        )
        waiting = Gauge(
            "rag_engine_jobs_waiting",
            "Jobs that wait for a worker",
            ["pool"],
            registry=self.registry,
        )
        wait = Histogram(
            "rag_engine_wait_seconds",
            "Seconds that a job waited for a worker before it was begun",
            ["pool"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        refused = Counter(
            "rag_engine_jobs_refused",
            "Jobs that were not done: no place (queue), too long a wait (wait), it waited (late)",
            ["pool", "reason"],
            registry=self.registry,
        )
        for pool in pools:
            jobs.labels(pool.name).set_function(partial(getattr, pool, "under_way"))
            waiting.labels(pool.name).set_function(partial(getattr, pool, "waiting"))
            pool.on_begin = wait.labels(pool.name).observe
            pool.on_refusal = partial(_count, refused, pool.name)
            for reason in get_args(Reason):  # so that all of them are there from the start
                refused.labels(pool.name, reason)
        knowledge_bases = Gauge(
            "rag_engine_knowledge_bases", "Knowledge bases served", registry=self.registry
        )
        knowledge_bases.set(tenants)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is the template of its path, never the path."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self.registry)


def _count(refused: Counter, pool: str, reason: Reason) -> None:
    refused.labels(pool, reason).inc()
