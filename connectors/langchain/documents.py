"""Records of both sides: LangChain's documents as the engine's, and back; hits as documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.documents import Document as LangChainDocument

from rag_engine.connectors.passage_metadata import passage_id, passage_metadata
from rag_engine.errors import InvalidDocument
from rag_engine.records import Document, Hit, MetadataValue

__all__ = ["as_langchain", "as_passage", "as_stored"]

_STRUCTURED = "_langchain"
"""The metadata field that keeps, as JSON, what the engine's flat metadata can not hold."""


def as_stored(document: LangChainDocument, document_id: str) -> Document:
    """Return LangChain's document as the engine stores it, whole, under ``document_id``.

    ``as_langchain`` gives it back as it was. Its metadata can be filtered by, as far as it is
    texts, numbers and booleans; lists, mappings and None are kept as JSON. Texts under
    ``source``, ``title`` and ``language`` are the engine's source, title and language hint too.

    Raises:
        InvalidDocument: metadata that JSON can not hold, or what ``Document`` refuses.

    >>> bonjour = LangChainDocument("Bonjour", metadata={"source": "a.pdf", "tags": ["x", None]})
    >>> stored = as_stored(bonjour, "1")
    >>> stored.source, as_langchain(stored).metadata
    ('a.pdf', {'source': 'a.pdf', 'tags': ['x', None]})
    """
    metadata = document.metadata
    if _STRUCTURED in metadata:
        raise InvalidDocument(
            f"document {document_id!r:.80}: the metadata field {_STRUCTURED!r} is this "
            "connector's own; give yours another name"
        )
    flat = {key: value for key, value in metadata.items() if isinstance(value, MetadataValue)}
    structured = {key: value for key, value in metadata.items() if key not in flat}
    if structured:
        try:
            flat[_STRUCTURED] = json.dumps(structured, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidDocument(
                f"document {document_id!r:.80}: metadata holds what JSON can not "
                f"({error}), in one of {sorted(map(str, structured))}; make it a text or a number"
            ) from error
    return Document(
        id=document_id,
        text=document.page_content,
        title=_text(metadata, "title"),
        source=_text(metadata, "source"),
        language_hint=_text(metadata, "language") or None,
        metadata=flat,
    )


def as_langchain(document: Document) -> LangChainDocument:
    """Return a stored document as LangChain's: its whole text, its own metadata, its id."""
    return LangChainDocument(
        id=document.id, page_content=document.text, metadata=_own_metadata(document.metadata)
    )


def as_passage(hit: Hit) -> LangChainDocument:
    """Return a hit as LangChain's document; ``RagEngineRetriever`` says what its metadata holds.

    Its id names the passage, ``<document id>#<number of the passage>``.
    """
    return LangChainDocument(
        id=passage_id(hit),
        page_content=hit.chunk.text,
        metadata=passage_metadata(hit, _own_metadata(hit.metadata)),
    )


def _text(metadata: Mapping[str, Any], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) and value.strip() else ""


def _own_metadata(stored: Mapping[str, MetadataValue]) -> dict[str, Any]:
    """Return a document's metadata with what ``as_stored`` kept as JSON."""
    own: dict[str, Any] = dict(stored)
    structured = own.pop(_STRUCTURED, None)
    return own if structured is None else own | json.loads(str(structured))
