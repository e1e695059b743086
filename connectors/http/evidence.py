"""Which sentence of a passage speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag_engine.ports import Embedder
from rag_engine.records import Hit
from rag_engine.text.sentences import sentences

__all__ = ["MOST_HITS", "nearest_sentences"]

MOST_HITS = 20
"""Hits that are looked at: each costs the embedding of its sentences."""


def nearest_sentences(
    question: str, hits: Sequence[Hit], embedder: Embedder
) -> dict[int, list[tuple[int, int]]]:
    """Return for each of the first hits the sentence that is nearest to the question.

    By chunk id, as characters from and to which it goes in the passage's text. Sentences of one
    passage are of one language, so that their cosines may be compared.
    """
    spans = {hit.chunk_id: sentences(hit.chunk.text) for hit in hits[:MOST_HITS]}
    texts = [
        hit.chunk.text[start:end]
        for hit in hits[:MOST_HITS]
        for start, end in spans[hit.chunk_id]
        if len(spans[hit.chunk_id]) > 1
    ]
    cosines: Iterator[float] = iter(())
    if texts:
        products = embedder.embed_passages(texts) @ embedder.embed_queries([question])[0]
        cosines = iter(products.tolist())
    found: dict[int, list[tuple[int, int]]] = {}
    for identifier, its_spans in spans.items():
        if len(its_spans) > 1:
            scores = [next(cosines) for _ in its_spans]
            found[identifier] = [its_spans[scores.index(max(scores))]]
        else:
            found[identifier] = list(its_spans)
    return found
