"""LlamaIndex: retrieve from a knowledge base.

``RagEngineRetriever`` gives passages with their reasons to any of LlamaIndex's query engines;
``RagEngineQuery`` is a question with other formulations and the conversation before it. The
classes are loaded when they are first asked for.

Raises:
    MissingExtra: the extra ``llamaindex`` is not installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.llamaindex.retriever import RagEngineQuery, RagEngineRetriever

__all__ = ["RagEngineQuery", "RagEngineRetriever"]

if find_spec("llama_index") is None or find_spec("llama_index.core") is None:
    raise MissingExtra("llamaindex", package="llama-index-core")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rag_engine.connectors.llamaindex import retriever

    return getattr(retriever, name)


def __dir__() -> list[str]:
    return __all__
