"""Which sentence of a passage speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag_engine.connectors.http.schemas import EvidenceOut
from rag_engine.ports import Embedder
from rag_engine.records import Hit
from rag_engine.text.sentences import sentences

__all__ = ["MOST_HITS", "nearest_sentences"]

MOST_HITS = 20
"""Hits that are looked at: each costs the embedding of its sentences."""


def nearest_sentences(
    question: str, hits: Sequence[Hit], embedder: Embedder
) -> list[list[EvidenceOut]]:
    """Return for each hit the sentence that is nearest to the question; none for late hits.

    Sentences of one passage are of one language, so that their cosines may be compared.
    """
    chunks = [hit.chunk for hit in hits[:MOST_HITS]]
    spans = [sentences(chunk.text, chunk.language) for chunk in chunks]
    several = [
        chunk.text[start:end]
        for chunk, of_text in zip(chunks, spans, strict=True)
        for start, end in of_text
        if len(of_text) > 1
    ]
    cosines: Iterator[float] = iter(())
    if several:
        products = embedder.embed_passages(several) @ embedder.embed_queries([question])[0]
        cosines = iter(products.tolist())
    evidence: list[list[EvidenceOut]] = [[] for _ in hits]
    for marked, of_text in zip(evidence, spans, strict=False):
        if of_text:
            scores = [next(cosines) if len(of_text) > 1 else 0.0 for _ in of_text]
            start, end = of_text[scores.index(max(scores))]
            marked.append(EvidenceOut(start=start, end=end))
    return evidence
