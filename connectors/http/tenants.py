"""Tenants: each has a knowledge base of its own, in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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

    @property
    def model_name(self) -> str:
        """The embedder's name; of one that lies in a folder, the folder's own."""
        name = self.embedder.contract.model
        return Path(name).name if Path(name).is_absolute() else name


class Tenants:
    """All tenants by name. Nothing of the API takes a name: the caller's key decides."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._tenants = dict(tenants)

    def __len__(self) -> int:
        return len(self._tenants)

    def put(self, tenant: Tenant) -> None:
        """Let a tenant take the place of the one of the same name; the next request finds it."""
        self._tenants[tenant.name] = tenant

    def of(self, name: str) -> Tenant | None:
        """Return a tenant, or None."""
        return self._tenants.get(name)
