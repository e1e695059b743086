"""What a knowledge base holds, read without a question: documents, passages, files, figures."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.inspection import Inspection, inspect_store
from rag_engine.opening import OpenedStore
from rag_engine.passages import Passage, likeness, read_passages
from rag_engine.records import Document

__all__ = ["Contents"]


class Contents:
    """The side of ``KnowledgeBase`` that shows what is there; every method is one of it."""

    def __init__(self, opened: OpenedStore) -> None:
        """Read from an open store."""
        self._opened = opened
        self._index = opened.index

    def sources(self) -> dict[str, bytes]:
        """Return the fingerprint of every source (file); of one left half-way it is empty.

        Example: ``print(sorted(kb.sources()))``
        """
        return self._opened.readable.sources()

    def passage_ids(self) -> list[int]:
        """Return the ids of all passages (a hit's ``chunk_id``), ascending.

        Example: ``assert kb.search("pump", k=1)[0].chunk_id in kb.passage_ids()``
        """
        return sorted(self._opened.readable.documents_of_chunks())

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Return those passages of ``ids`` that are still there, in the order of ``ids``.

        Example: ``texts = [passage.chunk.text for passage in kb.passages(kb.passage_ids())]``
        """
        self._opened.check_open()
        return self._index.read(lambda view: read_passages(view, ids))

    def likeness(self, passage: int, others: Sequence[int]) -> dict[int, float]:
        """Return how alike passages are to one in meaning, -1 to 1, by their ids.

        Empty where languages are not centred (``FairnessSettings``).

        Example: ``ids = kb.passage_ids(); alike = kb.likeness(ids[0], ids[1:])``
        """
        self._opened.check_open()
        return likeness(self._index.snapshot(), passage, others)

    def document(self, document_id: str) -> Document | None:
        """Return a document as it was added, or None.

        Example: ``document = kb.document("1")``
        """
        return self._opened.readable.document(document_id)

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, sorted.

        Example: ``assert "1" in kb.document_ids()``
        """
        return self._opened.readable.document_ids()

    def inspect(self) -> Inspection:
        """Tell what the knowledge base holds, what it was built with, and how large it is.

        Example: ``print(kb.inspect().documents, kb.inspect().languages)``
        """
        return inspect_store(self._opened)
