"""A retriever of LangChain, asked as it is configured."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.foreign_retrievers.known_types import is_of
from rag_engine.connectors.foreign_retrievers.sync_or_async import SyncOrAsyncRetriever
from rag_engine.evaluation.audit import FoundPassage

__all__ = ["LangChainRetriever", "document_of_langchain", "is_langchain_retriever"]


def is_langchain_retriever(thing: object) -> bool:
    """Tell whether something is a ``BaseRetriever``."""
    return is_of(thing, "langchain_core.retrievers", "BaseRetriever")


def document_of_langchain(item: object) -> FoundPassage | None:
    """Return what one of LangChain's documents says of itself; None: it is none."""
    if not is_of(item, "langchain_core.documents", "Document"):
        return None
    document: Any = item
    own = {"document id": document.id} if document.id is not None else {}
    return FoundPassage(own=own, metadata=document.metadata, text=document.page_content)


class LangChainRetriever(SyncOrAsyncRetriever):
    """``invoke``; where that is not implemented, ``ainvoke``.

    How many documents come back is the retriever's own setting (``k``, ``search_kwargs``).
    """

    framework, called, awaited = "LangChain", "invoke", "ainvoke"
    passage_of = staticmethod(document_of_langchain)
