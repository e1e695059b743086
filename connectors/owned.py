"""What frameworks' objects over a knowledge base share: who opened it, closes it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.searchable import Searchable

__all__ = ["OwnsKnowledgeBase"]


class OwnsKnowledgeBase:
    """Has a ``knowledge_base``, which it closes if it opened it itself."""

    knowledge_base: Searchable
    _owned: bool

    @classmethod
    def _owning(cls, knowledge_base: KnowledgeBase, make: Callable[..., Self]) -> Self:
        """Return what is made over a knowledge base that was opened for it.

        ``make`` takes it as ``knowledge_base``; where that fails, it is closed.
        """
        try:
            made = make(knowledge_base=knowledge_base)
        except BaseException:
            knowledge_base.close()
            raise
        made._owned = True
        return made

    def close(self) -> None:
        """Close the knowledge base if ``open`` opened it; one that was given stays open."""
        if self._owned:
            self.knowledge_base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._owned:
            self.knowledge_base.__exit__(kind, error, trace)
