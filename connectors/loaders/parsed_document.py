"""What a parser gave, as the document that the engine takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.records import Document, MetadataValue, Span

__all__ = ["document_of"]


def document_of(
    parsed: Parsed,
    source: str,
    kind: str,
    more: Mapping[str, MetadataValue] = MappingProxyType({}),
) -> Document:
    """Return a parsed file as a document of the format ``kind``."""
    return Document(
        id=source,
        text=parsed.text,
        title=parsed.title,
        source=source,
        language_hint=parsed.language,
        spans=tuple(
            Span(
                start=stretch.start,
                end=stretch.end,
                section=stretch.section,
                page=stretch.page,
                language=stretch.language,
            )
            for stretch in parsed.stretches
        ),
        metadata={"format": kind, **parsed.metadata, **more},
    )
