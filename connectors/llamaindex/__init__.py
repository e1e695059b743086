"""LlamaIndex: retrieve from a knowledge base.

``RagEngineRetriever`` gives passages with their reasons to any of LlamaIndex's query engines. The
class is loaded when it is first asked for.

Raises:
    MissingExtra: the extra ``llamaindex`` is not installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.llamaindex.retriever import RagEngineRetriever

__all__ = ["RagEngineRetriever"]

if find_spec("llama_index") is None or find_spec("llama_index.core") is None:
    raise MissingExtra("llamaindex", package="llama-index-core")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rag_engine.connectors.llamaindex.retriever import RagEngineRetriever

    return RagEngineRetriever


def __dir__() -> list[str]:
    return __all__
