"""LlamaIndex: QueryFusionRetriever (reciprocal ranks) over FAISS and its BM25 retriever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import faiss
import numpy as np
from llama_index.core import Settings, StorageContext, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.faiss import FaissVectorStore
from peer import DEPTH, POOL, measure


def build(
    model: str, ids: list[str], texts: list[str], vectors: Any
) -> Callable[[str], Sequence[str]]:
    """Index the corpus; vectors that are given are not computed."""
    Settings.embed_model = HuggingFaceEmbedding(
        model_name=model,
        query_instruction="query: ",
        text_instruction="passage: ",
        normalize=True,
    )
    Settings.llm = MockLLM()  # asked for nothing: there is one query a question
    nodes = [TextNode(id_=each, text=text) for each, text in zip(ids, texts, strict=True)]
    if vectors is not None:
        for node, vector in zip(nodes, np.asarray(vectors).tolist(), strict=True):
            node.embedding = vector
    dimension = 384 if vectors is None else vectors.shape[1]
    store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(dimension))
    index = VectorStoreIndex(
        nodes, storage_context=StorageContext.from_defaults(vector_store=store)
    )
    retriever = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=POOL),
            BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=POOL),
        ],
        mode="reciprocal_rerank",
        num_queries=1,
        similarity_top_k=DEPTH,
        use_async=False,
    )
    return lambda question: [each.node.node_id for each in retriever.retrieve(question)]


measure(build)
