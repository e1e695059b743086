"""The write path: documents are cut into chunks, which are embedded and analysed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from rag_engine.cancellation import Cancelled
from rag_engine.components import Components
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.errors import InvalidDocument, InvalidInput, WriteStopped
from rag_engine.images.pictures import not_looked_at, why_reserved
from rag_engine.opening import OpenedStore
from rag_engine.ports import (
    Embedder,
    Float32Array,
    SparseEmbedder,
    SparseVector,
    TokenEmbedder,
    TokenVectors,
)
from rag_engine.records import AddReport, Document, Problem
from rag_engine.settings import ChunkingSettings
from rag_engine.store.progress import OnStage, Stop, never, silent
from rag_engine.store.row_codec import StoredChunk, StoredDocument, document_fingerprint
from rag_engine.store.token_vectors import token_code
from rag_engine.text.analysis import lexical_terms
from rag_engine.text.chunking import chunk_many, passage_text
from rag_engine.text.readings import readings_in
from rag_engine.under_prefix import UnderPrefix

__all__ = [
    "BATCH_CHARACTERS",
    "BATCH_DOCUMENTS",
    "add_batch",
    "add_documents",
    "batches",
    "chunk_budget",
    "prepare",
]

BATCH_CHARACTERS = 400_000
BATCH_DOCUMENTS = 1_000
_FIRST_CHARACTERS = 50_000
_BATCH_PICTURES = 64
_HEADING_TOKENS = 96
"""Room for prompt and heading in the model's window, so that no text is cut off by it.

A small window is shared half and half."""

_STEP_TEXTS = 64
"""Texts of a step that ``stop`` can not interrupt: a second or some of an embedder's work."""


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Gather documents into batches of about 400,000 characters, 1,000 documents or 64 pictures.

    A batch is what one transaction writes: large enough to keep an embedder busy, small enough
    that a killed job loses little. The first has about 50,000 characters, and each that follows
    twice as many as the one before, until they are whole: something is kept of a job that is
    interrupted soon. A document whose id came before in its batch ends the batch, so that the later
    one replaces the earlier.
    """
    most = min(_FIRST_CHARACTERS, BATCH_CHARACTERS)
    batch: list[Document] = []
    seen: set[str] = set()
    characters = pictures = 0
    for document in documents:
        if batch and (
            document.id in seen
            or characters + len(document.text) > most
            or len(batch) >= BATCH_DOCUMENTS
            or pictures >= _BATCH_PICTURES
        ):
            yield batch
            batch, seen, characters, pictures = [], set(), 0, 0
            most = min(2 * most, BATCH_CHARACTERS)
        batch.append(document)
        seen.add(document.id)
        characters += len(document.text)
        pictures += document.image is not None
    if batch:
        yield batch


def add_documents(
    store: OpenedStore,
    documents: Iterable[Document | Problem],
    *,
    prefix: str | None = None,
    sync: bool = False,
    allow_empty: bool = False,
    on_progress: Callable[[int], None] | None = None,
    stop: Stop = never,
) -> AddReport:
    """Write documents batch by batch; see ``KnowledgeBase.add``.

    Raises:
        InvalidInput: one document instead of several; ``sync`` without a prefix; or a prefix that
            belongs to a folder.
        FolderEmpty: ``sync`` without ``allow_empty`` would drop documents, and none came.
    """
    if isinstance(documents, Document):
        raise InvalidInput("add takes several documents: pass a list, [document]")
    if (sync or allow_empty) and prefix is None:
        raise InvalidInput(
            "sync drops what comes no more of the documents under a prefix; give one, such as "
            "prefix='wiki' (--prefix)"
        )
    problems: list[Problem] = []
    under = None if prefix is None else UnderPrefix(store, prefix)
    good = _without(problems, documents) if under is None else under.documents(documents)
    report = AddReport()
    done = 0
    for batch in batches(good):
        with store.writing():
            report += add_batch(batch, store, stop, done)
        done += len(batch)
        if on_progress is not None:
            on_progress(done)
    if under is not None and sync:
        gone = under.gone(allow_empty=allow_empty)
        with store.writing():
            report += AddReport(deleted=len(store.catalogue.delete(gone)) if gone else 0)
    return report + AddReport(problems=tuple(problems if under is None else under.problems))


def _without(problems: list[Problem], records: Iterable[Document | Problem]) -> Iterator[Document]:
    """Yield the documents, and gather the problems."""
    for record in records:
        if isinstance(record, Problem):
            problems.append(record)
        else:
            yield record


def add_batch(
    batch: Sequence[Document],
    store: OpenedStore,
    stop: Stop = never,
    done: int = 0,
    on_stage: OnStage = silent,
) -> AddReport:
    """Write the new and the changed documents of a batch in one transaction.

    ``done`` documents were written before it. A document that is longer than a batch is a stage
    of its own, whose passages ``on_stage`` is told of.

    Raises:
        InvalidInput: a document is a picture, and none are looked at.
        InvalidDocument: its metadata name a picture that is not there.
        InvalidVectors: the embedder gave vectors that can not be used.
        WriteStopped: ``stop`` said so before the transaction, or nobody waits for an embedder's
            server any more (``rag_engine.cancellation``); nothing of the batch is kept.
    """
    batch = _with_pictures_taken(batch, store)
    known = store.catalogue.fingerprints([document.id for document in batch])
    changed = [
        document for document in batch if known.get(document.id) != document_fingerprint(document)
    ]
    chunking = store.settings.chunking
    try:
        _check(stop)
        stored = prepare(changed, store.components, chunking, stop, on_stage) if changed else []
        _check(stop)
    except (WriteStopped, Cancelled) as stopped:
        raise WriteStopped(kept=done) from stopped
    if stored:
        store.catalogue.replace(stored)
    return AddReport(
        added=sum(document.id not in known for document in changed),
        updated=sum(document.id in known for document in changed),
        unchanged=len(batch) - len(changed),
        chunks=sum(len(written.chunks) for written in stored),
        empty=tuple(written.document.id for written in stored if not written.chunks),
    )


def _with_pictures_taken(batch: Sequence[Document], store: OpenedStore) -> Sequence[Document]:
    """Return documents that name their pictures, which are kept before them."""
    for document in batch:
        if reason := why_reserved(document, store.pictures):
            raise InvalidDocument(f"document {document.id!r:.80}: {reason}")
    if all(document.image is None for document in batch):
        return batch
    if store.pictures is None:
        raise not_looked_at(next(one for one in batch if one.image is not None))
    return store.pictures.taken(batch)


def _check(stop: Stop) -> None:
    if stop():
        raise WriteStopped(kept=0)


def prepare(
    documents: Sequence[Document],
    components: Components,
    settings: ChunkingSettings,
    stop: Stop = never,
    on_stage: OnStage = silent,
) -> list[StoredDocument]:
    """Make documents ready to be stored.

    Raises:
        InvalidVectors: the embedder gave vectors that can not be used.
        WriteStopped: ``stop`` said so.
    """
    embedder = components.embedder
    chunks = chunk_many(
        documents,
        count_tokens=embedder.count_tokens,
        detector=components.detector,
        max_tokens=chunk_budget(settings, embedder),
        overlap_sentences=settings.overlap_sentences,
    )
    texts = [
        passage_text(document.title, chunk, include_heading=settings.include_heading)
        for document, its_chunks in zip(documents, chunks, strict=True)
        for chunk in its_chunks
    ]
    tell = None
    longest = max(documents, key=lambda document: len(document.text))
    if len(longest.text) > BATCH_CHARACTERS and on_stage is not silent:
        tell = partial(on_stage, f"embedding {longest.source}")
    vectors, tokens = _embedded_in_steps(texts, components, stop, tell)
    rows = iter(zip(texts, vectors, tokens, strict=True))
    return [
        StoredDocument(
            document=document,
            chunks=tuple(
                StoredChunk(
                    chunk=chunk,
                    vector=vector,
                    terms=[
                        *lexical_terms(text, chunk.language),
                        *lexical_terms(readings_in(text, document.metadata), chunk.language),
                    ],
                    tokens=of_tokens.packed,
                    sparse=of_tokens.weights,
                )
                for chunk, (text, vector, of_tokens) in zip(its_chunks, rows, strict=False)
            ),
        )
        for document, its_chunks in zip(documents, chunks, strict=True)
    ]


def chunk_budget(settings: ChunkingSettings, embedder: Embedder) -> int:
    """Return the most tokens that a chunk has: the setting's, with room for its heading."""
    room = max(embedder.max_tokens // 2, embedder.max_tokens - _HEADING_TOKENS)
    return min(settings.max_tokens, room)


def _embedded_in_steps(
    texts: Sequence[str],
    components: Components,
    stop: Stop,
    tell: Callable[[int, int], None] | None,
) -> tuple[Float32Array, Sequence[_OfTokens]]:
    """Return what ``_embedded`` does; who may be stopped, or tells, embeds some at a time.

    Texts of like length go together, as they do within an embedder's own batches.

    Raises:
        WriteStopped: ``stop`` said so.
    """
    if (stop is never and tell is None) or len(texts) <= _STEP_TEXTS:
        _check(stop)
        return _embedded(texts, components)
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    vectors = np.empty((len(texts), components.embedder.dimension), np.float32)
    tokens = [_OfTokens()] * len(texts)
    for start in range(0, len(order), _STEP_TEXTS):
        _check(stop)
        if tell is not None:
            tell(start, len(order))
        rows = order[start : start + _STEP_TEXTS]
        vectors[rows], states = _embedded([texts[row] for row in rows], components)
        for row, of_text in zip(rows, states, strict=True):
            tokens[row] = of_text
    return vectors, tokens


class _OfTokens(NamedTuple):
    """What is kept of a text's tokens, where it is wanted: vectors as they are kept, weights."""

    packed: bytes = b""
    weights: SparseVector | None = None


def _embedded(
    texts: Sequence[str], components: Components
) -> tuple[Float32Array, Sequence[_OfTokens]]:
    """Return the vectors of texts, and what is wanted of their tokens."""
    embedder, space = components.embedder, components.token_space
    basis = None if space is None else space.basis
    weights: Sequence[SparseVector | None] = [None] * len(texts)
    states: Sequence[TokenVectors | None] | None = None
    if components.sparse and isinstance(embedder, SparseEmbedder):
        kinds = embedder.embed_passage_kinds(texts, basis)
        vectors, states, weights = kinds.vectors, kinds.tokens, kinds.sparse
    elif basis is not None and isinstance(embedder, TokenEmbedder):
        vectors, states = embedder.embed_passage_tokens(texts, basis)
    else:
        vectors = embedder.embed_passages(texts)
    packed = [b""] * len(texts)
    if space is not None and states is not None:
        code = token_code(space)
        none = np.empty((0, len(space.basis)), np.float32)
        vectors_of = [none if of_text is None else of_text.vectors for of_text in states]
        packed = code.pack_many(vectors_of)
    tokens = [_OfTokens(*of_text) for of_text in zip(packed, weights, strict=True)]
    return checked_vectors(vectors, rows=len(texts), dimension=embedder.dimension), tokens
