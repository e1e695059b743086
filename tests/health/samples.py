"""Samples made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_engine.health.sample import Sample
from rag_engine.records import Chunk
from rag_engine.store.catalogue_records import FoundChunk


def sample_of(
    languages: Sequence[str],
    raw: np.ndarray | None = None,
    centred: np.ndarray | None = None,
    *,
    texts: Sequence[str] | None = None,
    documents: Sequence[str] | None = None,
    twins: Sequence[tuple[int, int]] = (),
) -> Sample:
    """Return passages, each a document of its own if no ``documents`` are told."""
    count = len(languages)
    names = sorted(set(languages))
    raw = np.eye(count, dtype=np.float32) if raw is None else unit(raw)
    texts = texts or [f"Text {number}." for number in range(count)]
    documents = documents or [f"d{number}" for number in range(count)]
    chunks = tuple(
        FoundChunk(
            id=number,
            chunk=Chunk(
                document_id=document,
                ordinal=0,
                start=0,
                end=len(text),
                text=text,
                language=language,
            ),
            packed_terms=b"",
            title="",
            source=document,
            metadata={},
        )
        for number, (language, text, document) in enumerate(
            zip(languages, texts, documents, strict=True)
        )
    )
    both = np.array([*twins, *(pair[::-1] for pair in twins)], dtype=np.intp).reshape(-1, 2)
    _, numbers = np.unique(np.array(documents), return_inverse=True)
    return Sample(
        ids=np.arange(count),
        raw=raw,
        centred=raw if centred is None else unit(centred),
        codes=np.array([names.index(language) for language in languages], dtype=np.intp),
        documents=numbers,
        languages=tuple(names),
        chunks=chunks,
        twins=(both[:, 0], both[:, 1]),
        of=count,
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
