"""Tenants: each has a knowledge base of its own, in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.ports import Embedder

__all__ = ["Tenant", "Tenants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A knowledge base, and the embedder that it works with (tenants may share one)."""

    name: str
    kb: KnowledgeBase
    embedder: Embedder
    read_only: bool = False


class Tenants:
    """All tenants by name. Nothing of the API takes a name: the caller's key decides."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._tenants = dict(tenants)

    def __len__(self) -> int:
        return len(self._tenants)

    def of(self, name: str) -> Tenant | None:
        """Return a tenant, or None."""
        return self._tenants.get(name)
