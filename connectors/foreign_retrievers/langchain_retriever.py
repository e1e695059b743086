"""A retriever of LangChain, asked as it is configured."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.known_types import is_of
from rag_engine.errors import InvalidInput
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


class LangChainRetriever:
    """``invoke``; where that is not implemented, ``ainvoke``.

    How many documents come back is the retriever's own setting (``k``, ``search_kwargs``).
    """

    def __init__(self, retriever: Any, loop: EventLoop) -> None:
        self.name = type(retriever).__name__
        self._retriever = retriever
        self._loop = loop
        self._awaited = False

    def ask(self, question: str, k: int) -> object:
        """Return its documents."""
        if not self._awaited:
            try:
                return self._retriever.invoke(question)
            except NotImplementedError:
                self._awaited = True
        return self._loop.awaited(self._retriever.ainvoke, question)

    def read(self, returned: object) -> list[FoundPassage]:
        """Return the passages of its documents."""
        documents = list(returned) if isinstance(returned, list | tuple) else [returned]
        found = [document_of_langchain(each) for each in documents]
        for document, passage in zip(documents, found, strict=True):
            if passage is None:
                raise InvalidInput(f"a LangChain retriever gives documents, got {document!r:.80}")
        return [passage for passage in found if passage is not None]
