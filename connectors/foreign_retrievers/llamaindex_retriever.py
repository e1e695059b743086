"""A retriever of LlamaIndex, asked as it is configured."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.foreign_retrievers.known_types import is_of
from rag_engine.connectors.foreign_retrievers.sync_or_async import SyncOrAsyncRetriever
from rag_engine.evaluation.audit import FoundPassage

__all__ = ["LlamaIndexRetriever", "is_llamaindex_retriever", "node_of_llamaindex"]

_SCHEMA = "llama_index.core.schema"


def is_llamaindex_retriever(thing: object) -> bool:
    """Tell whether something is a ``BaseRetriever``."""
    return is_of(thing, "llama_index.core.base.base_retriever", "BaseRetriever")


def node_of_llamaindex(item: object) -> FoundPassage | None:
    """Return what one of LlamaIndex' nodes says of itself; None: it is none.

    A node that was cut from a document knows the document's id, which the passage may have.
    """
    if is_of(item, _SCHEMA, "NodeWithScore"):
        scored: Any = item
        item = scored.node
    if not is_of(item, _SCHEMA, "BaseNode"):
        return None
    node: Any = item
    own = {"node id": node.node_id}
    if node.source_node is not None:
        own["id of the node's document"] = node.source_node.node_id
    return FoundPassage(own=own, metadata=node.metadata, text=node.get_content())


class LlamaIndexRetriever(SyncOrAsyncRetriever):
    """``retrieve``; where that is not implemented, ``aretrieve``.

    How many nodes come back is the retriever's own setting (``similarity_top_k``).
    """

    framework, called, awaited = "LlamaIndex", "retrieve", "aretrieve"
    passage_of = staticmethod(node_of_llamaindex)
