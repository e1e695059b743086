"""Stores of LangChain as retrievers of a test set, with plain and with fair embeddings.

What somebody has who changes nothing but the embeddings: the passages of a set in a store of
LangChain's, ten hits a question. Each function is one for ``--retriever``::

    stores=rag_engine.pipelines.recipes.langchain_stores
    rag-engine evaluate SET_DIR --retriever $stores:qdrant
    rag-engine evaluate SET_DIR --retriever $stores:fair_qdrant

``faiss`` and ``fair_faiss`` need ``langchain-community``, the others ``langchain-qdrant``.
``unknown_qdrant`` takes the bundled model for one that nothing is known of beforehand, as any other
model is. ``RAG_ENGINE_VECTORS`` names a folder in which vectors are kept, so that no text is
embedded twice.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore

from rag_engine.connectors.langchain import FairEmbeddings, RagEngineEmbeddings
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache

__all__ = ["fair_faiss", "fair_qdrant", "faiss", "qdrant", "unknown_qdrant"]

_HITS = 10


class _Unknown(Embeddings):
    """The bundled model, so that nobody knows it."""

    model = "unknown"

    def __init__(self) -> None:
        self._embeddings = _bundled()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._embeddings.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self._embeddings.embed_query(text)


def qdrant(folder: Path) -> BaseRetriever:
    """Qdrant in memory, compared by cosine, with the bundled model as it is."""
    return _filled(_qdrant(_bundled()), folder)


def fair_qdrant(folder: Path) -> BaseRetriever:
    """The same with ``FairEmbeddings``, fitted to the passages."""
    return _filled(_qdrant(_fair(folder)), folder)


def unknown_qdrant(folder: Path) -> BaseRetriever:
    """The same with ``FairEmbeddings`` around a model that has no prior."""
    return _filled(_qdrant(_fair(folder, _Unknown())), folder)


def faiss(folder: Path) -> BaseRetriever:
    """LangChain's FAISS, compared by inner product, with the bundled model as it is."""
    return _filled(_faiss(_bundled()), folder)


def fair_faiss(folder: Path) -> BaseRetriever:
    """The same with ``FairEmbeddings``, fitted to the passages."""
    return _filled(_faiss(_fair(folder)), folder)


def _bundled() -> RagEngineEmbeddings:
    embeddings = RagEngineEmbeddings()
    home = os.environ.get("RAG_ENGINE_VECTORS")
    if not home:
        return embeddings
    cache = VectorCache(Path(home))
    return RagEngineEmbeddings(CachedEmbedder(embeddings.embedder, cache))


def _fair(folder: Path, embeddings: Embeddings | None = None) -> FairEmbeddings:
    texts = [document.page_content for document in _documents(folder)]
    path = Path(tempfile.mkdtemp()) / "means.npz"
    return FairEmbeddings.fit(texts, path, embeddings=embeddings or _bundled())


def _qdrant(embeddings: Embeddings) -> VectorStore:
    from langchain_qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient
    from qdrant_client.models import Distance, VectorParams

    client = QdrantClient(":memory:")
    width = len(embeddings.embed_query("width"))
    client.create_collection("set", VectorParams(size=width, distance=Distance.COSINE))
    store: VectorStore = QdrantVectorStore(client, "set", embeddings)
    return store


def _faiss(embeddings: Embeddings) -> VectorStore:
    from faiss import IndexFlatIP
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_community.vectorstores import FAISS

    index = IndexFlatIP(len(embeddings.embed_query("width")))
    store: VectorStore = FAISS(embeddings, index, InMemoryDocstore({}), {})
    return store


def _documents(folder: Path) -> Iterable[Document]:
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = "\n".join(filter(None, (row.get("title"), row["text"])))
            yield Document(text, metadata={"id": row["_id"]})


def _filled(store: VectorStore, folder: Path) -> BaseRetriever:
    store.add_documents(list(_documents(folder)))
    return store.as_retriever(search_kwargs={"k": _HITS})
