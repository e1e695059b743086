"""The settings that a knowledge base keeps, whichever version wrote them."""

from __future__ import annotations

from typing import Any

from rag_engine.settings.indexes import FEWEST_IN_LISTS
from rag_engine.settings.whole import Settings

__all__ = ["read_stored"]


def read_stored(stored: object, *, origin: str) -> Settings:
    """Return settings as a knowledge base keeps them; ``origin`` names it in an error.

    Version 0.1 wrote every field of every kind. Those that do nothing are left out, a reranker
    gets its kind and pool, and a model without a word about its adapter was made before there was
    one. What stands there may come from anybody: no module is imported on its word alone (see
    ``rag_engine.connectors.plugins``).

    Raises:
        SettingsError: they can not be used.

    >>> old = {"retrieval": {"rerank_pool": 20}, "reranker": {"model": "m", "device": "cpu"}}
    >>> read_stored(old, origin="kb").reranker.pool
    20
    >>> read_stored({"embedder": {"kind": "bundled"}}, origin="kb").embedder.adapter
    False
    """
    data = _of_today(stored) if isinstance(stored, dict) else {}
    return Settings.checked(data, origin=origin, stored=True)


def _of_today(stored: dict[str, Any]) -> dict[str, Any]:
    data = {stage: dict(v) if isinstance(v, dict) else v for stage, v in stored.items()}
    tables = {stage: table for stage, table in data.items() if isinstance(table, dict)}
    embedder = data.setdefault("embedder", {})
    if isinstance(embedder, dict) and embedder.get("kind", "bundled") == "bundled":
        embedder.setdefault("adapter", False)
    pool = tables.get("retrieval", {}).pop("rerank_pool", None)
    reranker = tables.get("reranker", {})
    if "kind" not in reranker and reranker.get("model"):
        reranker |= {"kind": "cross-encoder"} | ({} if pool is None else {"pool": pool})
    dense = tables.get("dense", {})
    if dense.get("kind") == "ivf-pq" and isinstance(dense.get("exact_below"), int):
        dense["exact_below"] = max(dense["exact_below"], FEWEST_IN_LISTS)
    return data
