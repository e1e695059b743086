"""A LangChain embedding model as the engine's ``Embedder``."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings

from rag_engine.connectors.langchain.failures import service_errors
from rag_engine.connectors.token_estimates import estimated_tokens
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.errors import InvalidInput, InvalidVectors
from rag_engine.ports import Float32Array

__all__ = ["LangChainEmbedder"]


class LangChainEmbedder:
    """An ``Embedder`` that asks LangChain ``Embeddings``.

    Passages go to ``embed_documents``, questions to ``embed_query``: which prompts the model needs
    is LangChain's matter. ``name`` goes into the contract of the index; without one it is the
    class and the model's name, as far as the object tells it. ``max_tokens`` is how much of a text
    the model reads; tokens are estimated, as its tokenizer is out of reach. The first use embeds a
    word to learn how wide vectors are.

    LangChain does not tell which weights stand behind a name, so the contract can not notice when
    they change, unless their vectors have another width.

    Raises:
        InvalidInput: ``embeddings`` is none, or ``max_tokens`` is below 16.

    >>> from langchain_core.embeddings import DeterministicFakeEmbedding
    >>> LangChainEmbedder(DeterministicFakeEmbedding(size=6)).embed_queries(["foo", "bar"]).shape
    (2, 6)
    """

    def __init__(self, embeddings: Embeddings, *, name: str = "", max_tokens: int = 512) -> None:
        if not isinstance(embeddings, Embeddings) or max_tokens < 16:
            raise InvalidInput(
                "expected LangChain embeddings and max_tokens of at least 16, got "
                f"{type(embeddings).__name__} and {max_tokens!r}"
            )
        self.embeddings = embeddings
        self._name = name or _name(embeddings)
        self._max_tokens = max_tokens
        self._width: int | None = None
        self._width_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"LangChainEmbedder({self._name!r})"

    @property
    def dimension(self) -> int:
        """The width of a vector; the first use asks the model.

        Raises:
            ServiceError: the model failed.
        """
        with self._width_lock:
            if self._width is None:
                with service_errors(self.embeddings, self._name):
                    self._width = len(self.embeddings.embed_query("width"))
            return self._width

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text the model reads; an estimate."""
        return self._max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know; the first use asks the model for the width.

        Raises:
            ServiceError: the model failed.
        """
        return EmbedderContract(
            model=self._name,
            weights="langchain",
            dimension=self.dimension,
            pooling="langchain",
            normalised=True,
            query_prompt="",
            passage_prompt="",
            max_tokens=self._max_tokens,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate the tokens of each text, rather too many than too few."""
        return [estimated_tokens(text) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the model gave NaN, zeros or another width than before.
            ServiceError: the model failed.
        """
        with service_errors(self.embeddings, self._name):
            rows = [self.embeddings.embed_query(text) for text in texts]
        return self._checked(rows, len(texts))

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidVectors: the model gave NaN, zeros or another width than before.
            ServiceError: the model failed.
        """
        if not texts:
            return self._checked([], 0)
        with service_errors(self.embeddings, self._name):
            rows = self.embeddings.embed_documents(list(texts))
        return self._checked(rows, len(texts))

    def _checked(self, rows: Sequence[Sequence[float]], count: int) -> Float32Array:
        if not rows:
            rows = np.empty((0, self.dimension), np.float32)  # type: ignore[assignment]
        try:
            array = np.asarray(rows, dtype=np.float32)
        except (TypeError, ValueError) as exc:
            raise InvalidVectors(f"{self._name!r} gave no vectors of one width: {exc}") from exc
        return checked_vectors(array, rows=count, dimension=self.dimension)


def _name(embeddings: Embeddings) -> str:
    """Return the class and, where it tells it, the name of its model."""
    for attribute in ("model", "model_name", "model_id"):
        if isinstance(value := getattr(embeddings, attribute, None), str) and value:
            return f"{type(embeddings).__name__} {value}"
    return type(embeddings).__name__
