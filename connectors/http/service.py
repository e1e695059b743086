"""What all routes share: tenants, keys, pools, limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag_engine.connectors.http.keys import DEFAULT_TENANT, Key, KeyRing, Role
from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.metrics import Metrics
from rag_engine.connectors.http.pool import WorkPool
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
    stopping: bool = False
    searching: WorkPool = field(init=False)
    answering: WorkPool = field(init=False)
    writing: WorkPool = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        shared, limits = len(self.tenants) > 1, self.limits
        self.searching = WorkPool(
            "search", workers=limits.search_workers, queue=limits.search_queue, shared=shared
        )
        self.answering = WorkPool(
            "ask", workers=limits.ask_workers, queue=limits.ask_queue, shared=shared
        )
        self.writing = WorkPool(
            "write", workers=limits.write_workers, queue=limits.write_queue, shared=shared
        )
        self.metrics = Metrics(self.pools, tenants=len(self.tenants))

    @property
    def pools(self) -> tuple[WorkPool, ...]:
        """All pools."""
        return (self.searching, self.answering, self.writing)

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
