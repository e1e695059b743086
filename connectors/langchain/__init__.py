"""LangChain: retrieve from a knowledge base, store into one, embed with its model, let one answer.

``RagEngineRetriever`` gives passages with their reasons, ``RagEngineVectorStore`` whole documents
as they were added. ``RagEngineEmbeddings`` hands a model of the engine to LangChain, and
``FairEmbeddings`` any model, less what only tells a text's language; the other way round,
``LangChainEmbedder`` and ``ChatModelGenerator`` hand LangChain's models to the engine.

A class is loaded when it is first asked for.

Raises:
    MissingExtra: the extra ``langchain`` is not installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.langchain.chat_generator import ChatModelGenerator
    from rag_engine.connectors.langchain.engine_to_langchain import RagEngineEmbeddings
    from rag_engine.connectors.langchain.fair_embeddings import FairEmbeddings
    from rag_engine.connectors.langchain.langchain_to_engine import LangChainEmbedder
    from rag_engine.connectors.langchain.retriever import RagEngineRetriever
    from rag_engine.connectors.langchain.vector_store import RagEngineVectorStore

__all__ = [
    "ChatModelGenerator",
    "FairEmbeddings",
    "LangChainEmbedder",
    "RagEngineEmbeddings",
    "RagEngineRetriever",
    "RagEngineVectorStore",
]

_MODULES = {
    "ChatModelGenerator": "chat_generator",
    "FairEmbeddings": "fair_embeddings",
    "LangChainEmbedder": "langchain_to_engine",
    "RagEngineEmbeddings": "engine_to_langchain",
    "RagEngineRetriever": "retriever",
    "RagEngineVectorStore": "vector_store",
}

if find_spec("langchain_core") is None:
    raise MissingExtra("langchain", package="langchain_core")


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
