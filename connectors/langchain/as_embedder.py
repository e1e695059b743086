"""What the engine and LangChain take for an embedding model, as the engine's ``Embedder``."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from rag_engine.connectors.langchain.engine_to_langchain import RagEngineEmbeddings
from rag_engine.connectors.langchain.langchain_to_engine import LangChainEmbedder
from rag_engine.ports import Embedder

__all__ = ["as_embedder"]


def as_embedder(embeddings: Embeddings | Embedder) -> Embedder:
    """Return embeddings of LangChain's as an embedder; what is one already stays.

    >>> from langchain_core.embeddings import DeterministicFakeEmbedding
    >>> as_embedder(DeterministicFakeEmbedding(size=6))
    LangChainEmbedder('DeterministicFakeEmbedding')
    """
    if isinstance(embeddings, RagEngineEmbeddings):
        return embeddings.embedder
    return LangChainEmbedder(embeddings) if isinstance(embeddings, Embeddings) else embeddings
