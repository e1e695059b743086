"""A framework's retriever that is called, or, where it can only be awaited, awaited."""

from __future__ import annotations

from typing import Any, ClassVar

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import FoundPassage

__all__ = ["SyncOrAsyncRetriever"]


class SyncOrAsyncRetriever:
    """Asked by the method ``called``; where that is not implemented, by ``awaited``."""

    framework: ClassVar[str]
    called: ClassVar[str]
    awaited: ClassVar[str]

    def __init__(self, retriever: Any, loop: EventLoop) -> None:
        self.name = type(retriever).__name__
        self._retriever = retriever
        self._loop = loop
        self._is_awaited = False

    @staticmethod
    def passage_of(item: object) -> FoundPassage | None:
        """Return what one of the framework's documents says of itself; None: it is none."""
        raise NotImplementedError

    def ask(self, question: str, k: int) -> object:
        """Return its documents."""
        if not self._is_awaited:
            try:
                return getattr(self._retriever, self.called)(question)
            except NotImplementedError:
                self._is_awaited = True
        return self._loop.awaited(getattr(self._retriever, self.awaited), question)

    def read(self, returned: object) -> list[FoundPassage]:
        """Return the passages of its documents."""
        passages = []
        for item in returned if isinstance(returned, list | tuple) else [returned]:
            passage = self.passage_of(item)
            if passage is None:
                raise InvalidInput(
                    f"a {self.framework} retriever gives documents, got {item!r:.80}"
                )
            passages.append(passage)
        return passages
