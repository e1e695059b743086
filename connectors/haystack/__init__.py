"""Haystack: retrieve from a knowledge base in a pipeline.

``RagEngineRetriever`` is a component that gives passages with their reasons. The class is loaded
when it is first asked for; Haystack sends telemetry unless ``HAYSTACK_TELEMETRY_ENABLED`` is
``False`` then.

Raises:
    MissingExtra: the extra ``haystack`` is not installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.haystack.retriever import RagEngineRetriever

__all__ = ["RagEngineRetriever"]

if find_spec("haystack") is None:
    raise MissingExtra("haystack", package="haystack-ai")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rag_engine.connectors.haystack.retriever import RagEngineRetriever

    return RagEngineRetriever


def __dir__() -> list[str]:
    return __all__
