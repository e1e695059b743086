"""Haystack: embedding and BM25 retrievers joined by reciprocal rank fusion, as its guide shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from peer import DEPTH, POOL, measure


def build(
    model: str, ids: list[str], texts: list[str], vectors: Any
) -> Callable[[str], Sequence[str]]:
    """Index the corpus; vectors that are given are not computed."""
    documents = [
        Document(content=text, meta={"name": each}) for each, text in zip(ids, texts, strict=True)
    ]
    if vectors is None:
        embedder = SentenceTransformersDocumentEmbedder(
            model=model, prefix="passage: ", normalize_embeddings=True, progress_bar=False
        )
        embedder.warm_up()
        documents = embedder.run(documents)["documents"]
    else:
        for document, vector in zip(documents, vectors.tolist(), strict=True):
            document.embedding = vector
    store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
    store.write_documents(documents)
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder",
        SentenceTransformersTextEmbedder(
            model=model, prefix="query: ", normalize_embeddings=True, progress_bar=False
        ),
    )
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=POOL))
    pipeline.add_component("lexical", InMemoryBM25Retriever(store, top_k=POOL))
    pipeline.add_component(
        "joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH)
    )
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("dense", "joiner")
    pipeline.connect("lexical", "joiner")

    def search(question: str) -> Sequence[str]:
        found = pipeline.run({"embedder": {"text": question}, "lexical": {"query": question}})
        return [each.meta["name"] for each in found["joiner"]["documents"]]

    return search


measure(build)
