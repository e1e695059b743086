"""The frameworks that can be measured, and the packages that each is installed with."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["REQUIREMENTS", "Peer"]


class Peer(StrEnum):
    """A framework that can be measured."""

    LANGCHAIN = "langchain"
    HAYSTACK = "haystack"
    TXTAI = "txtai"
    LLAMAINDEX = "llamaindex"


REQUIREMENTS: dict[str, tuple[str, ...]] = {
    Peer.LANGCHAIN: (
        "langchain-classic",
        "langchain-community",
        "langchain-huggingface",
        "faiss-cpu",
        "rank-bm25",
    ),
    Peer.HAYSTACK: ("haystack-ai", "sentence-transformers-haystack"),
    Peer.TXTAI: ("txtai",),
    Peer.LLAMAINDEX: (
        "llama-index-core",
        "llama-index-embeddings-huggingface",
        "llama-index-retrievers-bm25",
        "llama-index-vector-stores-faiss",
        "faiss-cpu",
    ),
}
