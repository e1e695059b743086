"""What a knowledge base tells of itself."""

from __future__ import annotations

from dataclasses import dataclass

from rag_engine.opening import OpenedStore
from rag_engine.store.failures import storage

__all__ = ["Inspection", "inspect_store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a knowledge base holds and was built with; ``bytes`` counts what it takes on disk."""

    documents: int
    chunks: int
    sources: int
    languages: dict[str, int]
    contract: dict[str, object]
    generation: int
    dense: str
    lexical: str
    published: bool
    bytes: dict[str, int]


def inspect_store(opened: OpenedStore) -> Inspection:
    """Gather what ``KnowledgeBase.inspect`` tells."""
    statistics = opened.readable.statistics()
    manifest = opened.index.manifest
    contract = opened.catalogue.meta("contract")
    files = manifest.files.values() if manifest else ()
    with storage("reading the catalogue", opened.catalogue.path):
        size = opened.catalogue.path.stat().st_size
    return Inspection(
        documents=statistics.documents,
        chunks=statistics.chunks,
        sources=statistics.sources,
        languages=statistics.languages,
        contract=contract if isinstance(contract, dict) else {},
        generation=manifest.number if manifest else 0,
        dense=manifest.dense if manifest else "",
        lexical=manifest.lexical if manifest else "",
        published=opened.index.is_published(),
        bytes={
            "catalogue": size,
            "index": sum(int(file["size"]) for file in files),
        },
    )
