"""How records become rows of the catalogue and come back, every row with a checksum.

The checksum covers all columns and the key, so that a row is neither changed nor another's. Of a
document it leaves out text and spans: its fingerprint covers them, and a hit does not read them.
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
from rag_engine.ports import Float32Array, SparseVector
from rag_engine.records import Chunk, Document, MetadataValue, Span
from rag_engine.store.checksums import NEXT_STEP, row_checksum
from rag_engine.store.sparse_index import pack_sparse

__all__ = [
    "CHUNK_COLUMNS",
    "DAMAGED_CHUNK",
    "DAMAGED_DOCUMENT",
    "DOCUMENT_COLUMNS",
    "HEAD_COLUMNS",
    "INCOMPLETE",
    "DocumentHead",
    "IndexRow",
    "StoredChunk",
    "StoredDocument",
    "chunk_values",
    "document_fingerprint",
    "document_from_row",
    "document_values",
    "index_row",
    "read_chunk",
    "read_head",
    "split_terms",
    "unpack_terms",
]

DAMAGED_CHUNK = f"chunk {{}} in the catalogue is damaged; {NEXT_STEP}"
DAMAGED_DOCUMENT = f"document {{!r}} in the catalogue is damaged; {NEXT_STEP}"
INCOMPLETE = f"the catalogue {{}} is damaged: {{}}; {NEXT_STEP}"

CHUNK_COLUMNS = (
    "c.id, c.document, c.revision, c.ordinal, c.start_offset, c.end_offset, c.language, "
    "c.section, c.page, c.token_bytes, c.text, c.vector, c.terms, c.checksum"
)
"""What ``read_chunk`` and ``index_row`` need, in their order."""

HEAD_COLUMNS = (
    "d.number, d.id, d.fingerprint, d.chunks, d.title, d.source, d.language_hint, d.metadata, "
    "d.checksum"
)
"""What ``read_head`` needs, in its order."""

DOCUMENT_COLUMNS = f"{HEAD_COLUMNS}, d.spans, d.text"
"""What ``document_from_row`` needs, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
    """A chunk with what the indexes are built from.

    ``vector`` is the embedder's own, not centred: shape ``(dimension,)``, unit length. It is kept
    as float16: on a unit vector of 384 components that moves a cosine by about 3e-5.
    """

    chunk: Chunk
    vector: Float32Array
    terms: Sequence[str]
    tokens: bytes = b""
    """The vectors of its tokens, where they are kept, packed by a ``TokenCode``."""
    sparse: SparseVector | None = None
    """What its tokens weigh, where the embedder tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document and its chunks, ready to be written in one transaction."""

    document: Document
    chunks: tuple[StoredChunk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """What a generation is built from: one chunk without its text, as it is kept.

    Behind the ``packed_terms`` stands what its tokens weigh, where that is known.
    """

    id: int
    checksum: int
    language: str
    token_bytes: int
    vector: bytes
    packed_terms: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentHead:
    """A document without its text; ``chunks`` counts its passages."""

    number: int
    id: str
    fingerprint: bytes
    chunks: int
    title: str
    source: str
    metadata: dict[str, MetadataValue]


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _span_list(document: Document) -> list[list[object]]:
    return [
        [span.start, span.end, list(span.section), span.page, *filter(None, [span.language])]
        for span in document.spans
    ]


def _five(span: list[Any]) -> list[Any]:
    """Return the values of a span, of which one that states no language keeps four."""
    return [*span, None] if len(span) == 4 else span


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


def document_values(number: int, stored: StoredDocument) -> tuple[object, ...]:
    """Return the values of a document's row, in the order of ``DOCUMENT_COLUMNS``."""
    document = stored.document
    head = (
        number,
        document.id,
        document_fingerprint(document),
        len(stored.chunks),
        document.title,
        document.source,
        document.language_hint,
        _canonical(dict(document.metadata)),
    )
    return (*head, row_checksum(head), _canonical(_span_list(document)), document.text)


def read_head(row: Sequence[Any]) -> DocumentHead:
    """Take what a hit tells of its document from a row of ``HEAD_COLUMNS``.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    number, identifier, fingerprint, chunks, title, source, _, metadata, checksum = row
    if row_checksum(row[:-1]) != checksum:
        raise StoreCorrupt(DAMAGED_DOCUMENT.format(identifier))
    return DocumentHead(
        number=number,
        id=identifier,
        fingerprint=fingerprint,
        chunks=chunks,
        title=title,
        source=source,
        metadata=json.loads(metadata),
    )


def document_from_row(row: Sequence[Any]) -> Document:
    """Rebuild a document from a row of ``DOCUMENT_COLUMNS``, refusing one that was damaged.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    *columns, spans, text = row
    head = read_head(columns)
    try:
        document = Document(
            id=head.id,
            text=text,
            title=head.title,
            source=head.source,
            language_hint=columns[6],
            spans=tuple(
                Span(start=start, end=end, section=tuple(section), page=page, language=language)
                for start, end, section, page, language in map(_five, json.loads(spans))
            ),
            metadata=head.metadata,
        )
        intact = document_fingerprint(document) == head.fingerprint
    except (ValueError, TypeError) as error:
        raise StoreCorrupt(DAMAGED_DOCUMENT.format(head.id)) from error
    if not intact:
        raise StoreCorrupt(DAMAGED_DOCUMENT.format(head.id))
    return document


def chunk_values(
    number: int, document: int, revision: int, stored: StoredChunk
) -> tuple[object, ...]:
    """Return the values of a chunk's row, in the order of ``CHUNK_COLUMNS``."""
    chunk = stored.chunk
    values: tuple[object, ...] = (
        number,
        document,
        revision,
        chunk.ordinal,
        chunk.start,
        chunk.end,
        chunk.language,
        _canonical(list(chunk.section)),
        chunk.page,
        len(stored.tokens),
        chunk.text,
        stored.vector.astype(np.float16).tobytes(),
        zlib.compress("\n".join(stored.terms).encode("utf-8"), 1)
        + (b"" if stored.sparse is None else pack_sparse(stored.sparse)),
    )
    return (*values, row_checksum(values))


def _verified(row: Sequence[Any]) -> Sequence[Any]:
    if row_checksum(row[:-1]) != row[-1]:
        raise StoreCorrupt(DAMAGED_CHUNK.format(row[0]))
    return row


def read_chunk(row: Sequence[Any], document_id: str) -> Chunk:
    """Rebuild a chunk from a row of ``CHUNK_COLUMNS``.

    Raises:
        StoreCorrupt: the row is not what was written.
    """
    _, _, _, ordinal, start, end, language, section, page, _, text, *_ = _verified(row)
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
    return IndexRow(
        id=row[0],
        checksum=row[13],
        language=row[6],
        token_bytes=row[9],
        vector=row[11],
        packed_terms=row[12],
    )


def unpack_terms(data: bytes) -> tuple[str, ...]:
    """Return the terms of a chunk as they were before they were stored."""
    return split_terms(data)[0]


def split_terms(data: bytes) -> tuple[tuple[str, ...], bytes]:
    """Return the terms of a chunk, and its packed sparse vector (empty where it has none)."""
    reader = zlib.decompressobj()  # it knows where what was compressed ends
    text = reader.decompress(data).decode("utf-8")
    return tuple(text.split("\n")) if text else (), reader.unused_data
