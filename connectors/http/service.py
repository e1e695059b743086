"""What all routes share: tenants, keys, pools, limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag_engine.connectors.http.keys import DEFAULT_TENANT, Key, KeyRing, Role
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.metrics import Metrics
from rag_engine.connectors.http.pool import WorkPool
from rag_engine.connectors.http.stopping import Stopping
from rag_engine.connectors.http.tenants import Tenant, Tenants

__all__ = ["Caller", "Service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the only place that a route learns its tenant from."""

    key: str
    role: Role
    tenant: Tenant | None


@dataclass(kw_only=True)
class Service:
    """Everything that the application works with.

    Without ``keys`` every caller is the administrator of the one knowledge base: for a service
    that only its own machine can reach.
    """

    tenants: Tenants
    keys: KeyRing | None = None
    limits: Limits = field(default_factory=Limits)
    hosts: frozenset[str] = frozenset()
    """Without keys: the names that a request may have in its Host header."""
    stop: Stopping = field(init=False)
    searching: WorkPool = field(init=False)
    answering: WorkPool = field(init=False)
    writing: WorkPool = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self.stop = Stopping(limits.stop_s)
        self.searching = self._pool(
            "search", limits.search_workers, limits.search_queue, limits.max_wait_s
        )
        self.answering = self._pool("ask", limits.ask_workers, limits.ask_queue, limits.max_wait_s)
        self.writing = self._pool(
            "write", limits.write_workers, limits.write_queue, limits.write_wait_s
        )
        self.metrics = Metrics(self.pools, tenants=len(self.tenants))

    def _pool(self, name: str, workers: int, queue: int, wait_s: float | None) -> WorkPool:
        shared = len(self.tenants) > 1
        return WorkPool(name, workers=workers, queue=queue, shared=shared, wait_s=wait_s)

    @property
    def pools(self) -> tuple[WorkPool, ...]:
        """All pools."""
        return (self.searching, self.answering, self.writing)

    def pool_of(self, kind: Kind) -> WorkPool:
        """Return the pool whose workers do work of a kind."""
        if kind in {Kind.SEARCH, Kind.READ, Kind.EMBED, Kind.COUNT}:
            return self.searching
        # What waits for a language model takes no worker from those who wait for none.
        return self.answering if kind in {Kind.ASK, Kind.TRANSLATE} else self.writing

    def caller(self, key: Key | None) -> Caller | None:
        """Return who presents a key; None: somebody unknown."""
        if self.keys is None:
            tenant = self.tenants.of(DEFAULT_TENANT)
            return Caller(key="none", role=Role.ADMIN, tenant=tenant)
        if key is None:
            return None
        tenant = None if key.role is Role.METRICS else self.tenants.of(key.tenant)
        if tenant is None and key.role is not Role.METRICS:
            return None
        return Caller(key=key.name, role=key.role, tenant=tenant)
