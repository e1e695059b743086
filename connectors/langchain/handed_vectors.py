"""LangChain ``Embeddings`` that compute nothing: they hand over vectors that are there already."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from langchain_core.embeddings import Embeddings

from rag_engine.errors import InvalidInput
from rag_engine.ports import Float32Array

__all__ = ["HandedVectors"]


class HandedVectors(Embeddings):
    """Gives a vector store the vectors of the texts that stand for them. Safe between threads.

    LangChain's stores take texts and embed them themselves, so each vector goes under a text of
    its own, and is handed over when the store asks for that text. While nothing is handed over,
    any text has the vector ``(1, 0, 0, ...)``: stores embed some word to learn the ``dimension``.

    >>> import numpy as np
    >>> vectors = HandedVectors(2)
    >>> with vectors.handing(["row 7"], np.array([[0.6, 0.8]])):
    ...     vectors.embed_documents(["row 7"])
    [[0.6, 0.8]]
    >>> vectors.embed_query("how wide?")
    [1.0, 0.0]
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._lock = threading.Lock()
        self._handed: dict[str, list[float]] = {}

    @contextmanager
    def handing(self, texts: Sequence[str], vectors: Float32Array) -> Iterator[None]:
        """Have vectors ``(n, dimension)`` ready under their texts, inside a ``with``."""
        with self._lock:
            self._handed.update(zip(texts, vectors.tolist(), strict=True))
        try:
            yield
        finally:
            with self._lock:
                for text in texts:
                    del self._handed[text]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors that stand under some texts.

        Raises:
            InvalidInput: vectors are handed over, and none of this text: the store changed it.
        """
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector that stands under a text, as ``embed_documents`` does."""
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        with self._lock:
            vector = self._handed.get(text)
            if vector is None and self._handed:
                raise InvalidInput(
                    f"the store embeds {text!r:.80}, which it was not given: it changes texts, so "
                    "it can not take vectors that were computed before"
                )
        return [1.0] + [0.0] * (self.dimension - 1) if vector is None else vector
