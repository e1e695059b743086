"""A model of the engine as LangChain ``Embeddings``."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder

__all__ = ["RagEngineEmbeddings"]


class RagEngineEmbeddings(Embeddings):
    """Embeds with ``embedder``, by default the bundled multilingual-E5-small (no torch).

    Documents are embedded as passages and queries as questions, each with the prompt that the
    model was trained with. Vectors have unit length. Async calls run in a thread.

    Raises:
        InvalidInput: ``embedder`` is none.
        MissingExtra: a package of the ``cpu`` extra, which brings the bundled model, is missing.

    >>> embeddings = RagEngineEmbeddings()
    >>> len(embeddings.embed_query("Wie hoch ist der Berg?"))
    384
    """

    def __init__(self, embedder: Embedder | None = None) -> None:
        if embedder is None:
            from rag_engine.connectors.embedders.bundled_e5 import BundledE5

            embedder = BundledE5()
        if not isinstance(embedder, Embedder):
            raise InvalidInput(
                "expected an embedder with embed_queries and embed_passages, got "
                f"{type(embedder).__name__}"
            )
        self.embedder = embedder

    def __repr__(self) -> str:
        return f"RagEngineEmbeddings({self.embedder!r})"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages; an empty list gives an empty list."""
        vectors: list[list[float]] = self.embedder.embed_passages(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Embed one question."""
        vector: list[float] = self.embedder.embed_queries([text])[0].tolist()
        return vector
