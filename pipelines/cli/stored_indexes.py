"""What loads the indexes of a knowledge base that is not opened."""

from __future__ import annotations

from collections.abc import Mapping

from rag_engine.errors import RagEngineError
from rag_engine.ports import DenseIndexFactory, LexicalIndexFactory
from rag_engine.settings import read_stored

__all__ = ["stored_indexes"]


def stored_indexes(
    stored: Mapping[str, object],
) -> tuple[DenseIndexFactory, LexicalIndexFactory] | None:
    """Return what loads the indexes that the stored settings name, where that can be had here."""
    from rag_engine.connectors.wiring import build_dense, build_lexical

    try:
        settings = read_stored(dict(stored), origin="the catalogue")
        if {"milvus", "langchain"} & {settings.dense.kind, settings.lexical.kind}:
            return None  # they lie in a service
        return (
            build_dense(settings.dense, settings.milvus),
            build_lexical(settings.lexical, settings.milvus),
        )
    except RagEngineError:
        return None
