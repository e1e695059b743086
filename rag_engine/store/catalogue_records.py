"""What goes into the catalogue and comes out of it, besides documents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_engine.index_ports import ChunkFields
from rag_engine.records import Chunk, MetadataValue

__all__ = ["CatalogueStatistics", "FinishedSource", "FoundChunk"]

_BETWEEN_PARTS = re.compile("[/#]|(?<=#image)-")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChunk:
    """A chunk with what a hit tells of its document."""

    id: int
    chunk: Chunk
    packed_terms: bytes
    title: str
    source: str
    metadata: dict[str, MetadataValue]

    @property
    def fields(self) -> ChunkFields:
        """What the chunk may be filtered by."""
        chunk = self.chunk
        document: dict[str, MetadataValue] = {
            "document_id": chunk.document_id,
            "title": self.title,
            "source": self.source,
        }
        if chunk.page is not None:
            document["page"] = chunk.page
        return ChunkFields(language=chunk.language, document=document, metadata=self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSource:
    """A source (file) whose documents were all added: ``keep`` holds their ids.

    ``fingerprint`` is that of its bytes; an empty one never matches, so that the file is read
    again next time. ``replaces`` are the names under which an earlier version kept the same file.
    ``unread`` are the files in it that could not be read this time: what they gave before stays.
    """

    name: str
    fingerprint: bytes
    keep: frozenset[str]
    replaces: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()

    def keeps(self, document: str) -> bool:
        """Tell whether a document stays: it came, or it is of a file that could not be read.

        >>> unread = frozenset({"a.zip/b.csv"})
        >>> zipped = FinishedSource(name="a.zip", fingerprint=b"", keep=frozenset(), unread=unread)
        >>> zipped.keeps("a.zip/b.csv"), zipped.keeps("a.zip/b.csv#7"), zipped.keeps("a.zip/b.csv2")
        (True, True, False)
        >>> of_pictures = frozenset({"a.pdf#image"})
        >>> page = FinishedSource(name="a", fingerprint=b"", keep=frozenset(), unread=of_pictures)
        >>> page.keeps("a.pdf#image-2"), page.keeps("a.pdf#2"), page.keeps("a.pdf")
        (True, False, False)
        """
        if document in self.keep or document in self.unread:
            return True
        ends = _BETWEEN_PARTS.finditer(document) if self.unread else ()
        return any(document[: end.start()] in self.unread for end in ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueStatistics:
    """Counts of a catalogue; ``languages`` maps a language to its number of chunks."""

    documents: int
    chunks: int
    sources: int
    languages: dict[str, int]
