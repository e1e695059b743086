"""LangChain: EnsembleRetriever over FAISS and BM25Retriever, its documented hybrid search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from peer import POOL, measure


def build(
    model: str, ids: list[str], texts: list[str], vectors: Any
) -> Callable[[str], Sequence[str]]:
    """Index the corpus; vectors that are given are not computed."""
    embeddings = HuggingFaceEmbeddings(
        model_name=model,
        encode_kwargs={"prompt_name": "document", "normalize_embeddings": True},
        query_encode_kwargs={"prompt_name": "query", "normalize_embeddings": True},
    )
    named = [{"id": each} for each in ids]
    if vectors is None:
        store = FAISS.from_texts(texts, embeddings, metadatas=named)
    else:
        pairs = zip(texts, vectors.tolist(), strict=True)
        store = FAISS.from_embeddings(list(pairs), embeddings, metadatas=named)
    documents = [
        Document(page_content=text, metadata={"id": each})
        for each, text in zip(ids, texts, strict=True)
    ]
    retriever = EnsembleRetriever(
        retrievers=[
            store.as_retriever(search_kwargs={"k": POOL}),
            BM25Retriever.from_documents(documents, k=POOL),
        ],
        weights=[0.5, 0.5],
        id_key="id",
    )
    return lambda question: [each.metadata["id"] for each in retriever.invoke(question)]


measure(build)
