"""What is asked of knowledge bases by those who only search: one, or several (``Federation``)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from rag_engine.filters import Filter
from rag_engine.records import Hit
from rag_engine.search_arguments import History

__all__ = ["Searchable"]


@runtime_checkable
class Searchable(Protocol):
    """Finds passages: a ``KnowledgeBase`` does, and a ``Federation`` of them."""

    def search(
        self,
        question: str,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
    ) -> list[Hit]:
        """Return the ``k`` best passages: ``KnowledgeBase.search``."""
        ...

    async def asearch(
        self,
        question: str,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
    ) -> list[Hit]:
        """Return the same to a task that awaits it."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it after ``with``."""
        ...
