"""How records become rows of the catalogue and come back, every row with a checksum.

SQLite does not notice a flipped bit inside a value; the checksum does.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag_engine.errors import StoreCorrupt
from rag_engine.ports import Float32Array
from rag_engine.records import Chunk, Document, Span

__all__ = [
    "CHUNK_COLUMNS",
    "DAMAGED_CHUNK",
    "IndexRow",
    "StoredChunk",
    "StoredDocument",
    "chunk_values",
    "document_fingerprint",
    "document_from_row",
    "document_values",
    "index_row",
    "read_chunk",
    "unpack_terms",
]

DAMAGED_CHUNK = (
    "chunk {} in the catalogue is damaged; restore the knowledge base from a backup or index its "
    "documents into a new one"
)

CHUNK_COLUMNS = (
    "c.id, c.ordinal, c.start_offset, c.end_offset, c.language, c.section, c.page, c.text, "
    "c.vector, c.terms, c.checksum"
)
"""What ``read_chunk`` and ``index_row`` need, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
    """A chunk with what the indexes are built from.

    ``vector`` is the embedder's own, not centred: shape ``(dimension,)``, unit length. It is kept
    as float16: on a unit vector of 384 components that moves a cosine by about 3e-5.
    """

    chunk: Chunk
    vector: Float32Array
    terms: Sequence[str]
    tokens: Float32Array | None = None
    """The vectors of its tokens, ``(n, width)``, where they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document and its chunks, ready to be written in one transaction."""

    document: Document
    chunks: tuple[StoredChunk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """What a generation is built from: one chunk without its text, as it is kept."""

    id: int
    language: str
    vector: bytes
    packed_terms: bytes


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _span_list(document: Document) -> list[list[object]]:
    return [[span.start, span.end, list(span.section), span.page] for span in document.spans]


def document_fingerprint(document: Document) -> bytes:
    """Return the SHA-256 of everything in a document; equal means nothing needs to be done.

    >>> document_fingerprint(Document(id="a", text="b")).hex()[:8]
    '6da92bbd'
    """
    content = [
        document.id,
        document.text,
        document.title,
        document.source,
        document.language_hint,
        _span_list(document),
        dict(document.metadata),
    ]
    return hashlib.sha256(_canonical(content).encode("utf-8")).digest()


def document_values(document: Document) -> tuple[object, ...]:
    """Return the values of a document's row, in the order of the INSERT statement."""
    return (
        document.id,
        document_fingerprint(document),
        document.title,
        document.source,
        document.language_hint,
        _canonical(_span_list(document)),
        _canonical(dict(document.metadata)),
        document.text,
    )


def document_from_row(row: Sequence[Any]) -> Document:
    """Rebuild a document from its row (fingerprint first), refusing one that was damaged.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    fingerprint, identifier, title, source, language_hint, spans, metadata, text = row
    try:
        document = Document(
            id=identifier,
            text=text,
            title=title,
            source=source,
            language_hint=language_hint,
            spans=tuple(
                Span(start=start, end=end, section=tuple(section), page=page)
                for start, end, section, page in json.loads(spans)
            ),
            metadata=json.loads(metadata),
        )
        intact = document_fingerprint(document) == fingerprint
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(f"document {identifier!r} in the catalogue is damaged") from error
    if not intact:
        raise StoreCorrupt(f"document {identifier!r} in the catalogue is damaged")
    return document


def _checksum(values: Sequence[object]) -> int:
    data = [value if isinstance(value, bytes) else repr(value).encode("utf-8") for value in values]
    return zlib.crc32(b"".join(data))


def chunk_values(stored: StoredChunk) -> tuple[object, ...]:
    """Return the values of a chunk's row, in the order of the INSERT statement."""
    chunk = stored.chunk
    values: tuple[object, ...] = (
        chunk.ordinal,
        chunk.start,
        chunk.end,
        chunk.language,
        _canonical(list(chunk.section)),
        chunk.page,
        chunk.text,
        stored.vector.astype(np.float16).tobytes(),
        zlib.compress("\n".join(stored.terms).encode("utf-8"), 1),
    )
    return (*values, _checksum(values))


def _verified(row: Sequence[Any]) -> Sequence[Any]:
    if _checksum(row[1:-1]) != row[-1]:
        raise StoreCorrupt(DAMAGED_CHUNK.format(row[0]))
    return row


def read_chunk(row: Sequence[Any], document_id: str) -> Chunk:
    """Rebuild a chunk from a row of ``CHUNK_COLUMNS``.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    _, ordinal, start, end, language, section, page, text, *_ = _verified(row)
    return Chunk(
        document_id=document_id,
        ordinal=ordinal,
        start=start,
        end=end,
        text=text,
        language=language,
        section=tuple(json.loads(section)),
        page=page,
    )


def index_row(row: Sequence[Any]) -> IndexRow:
    """Take from a row of ``CHUNK_COLUMNS`` what an index is built from.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    _verified(row)
    return IndexRow(id=row[0], language=row[4], vector=row[8], packed_terms=row[9])


def unpack_terms(data: bytes) -> tuple[str, ...]:
    """Return the terms of a chunk as they were before they were stored."""
    text = zlib.decompress(data).decode("utf-8")
    return tuple(text.split("\n")) if text else ()
