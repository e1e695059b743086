"""A retriever of LlamaIndex, asked as it is configured."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.known_types import is_of
from rag_engine.errors import InvalidInput
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


class LlamaIndexRetriever:
    """``retrieve``; where that is not implemented, ``aretrieve``.

    How many nodes come back is the retriever's own setting (``similarity_top_k``).
    """

    def __init__(self, retriever: Any, loop: EventLoop) -> None:
        self.name = type(retriever).__name__
        self._retriever = retriever
        self._loop = loop
        self._awaited = False

    def ask(self, question: str, k: int) -> object:
        """Return its nodes."""
        if not self._awaited:
            try:
                return self._retriever.retrieve(question)
            except NotImplementedError:
                self._awaited = True
        return self._loop.awaited(self._retriever.aretrieve, question)

    def read(self, returned: object) -> list[FoundPassage]:
        """Return the passages of its nodes."""
        nodes = list(returned) if isinstance(returned, list | tuple) else [returned]
        found = [node_of_llamaindex(each) for each in nodes]
        for node, passage in zip(nodes, found, strict=True):
            if passage is None:
                raise InvalidInput(f"a LlamaIndex retriever gives nodes, got {node!r:.80}")
        return [passage for passage in found if passage is not None]
