"""Which whole documents a search finds, where the engine finds passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rag_engine.records import Hit

__all__ = ["FoundDocument", "best_documents", "best_hits", "first_passages", "more_passages"]

_PASSAGES_A_DOCUMENT = 5
"""How many passages are looked at first for each document that is wanted."""
_MOST_PASSAGES = 1_000


class FoundDocument(NamedTuple):
    """The id of a document, and the score of its best passage."""

    id: str
    score: float


def first_passages(k: int) -> int:
    """Return how many passages to look at first, for ``k`` documents."""
    return min(_PASSAGES_A_DOCUMENT * k, _MOST_PASSAGES)


def more_passages(hits: Sequence[Hit], k: int, passages: int) -> int | None:
    """Return how many passages to look at next, if the ``passages`` of a search are too few.

    One long document may hold the best passages all by itself: then more are looked at. None: these
    are enough for ``k`` documents, or there are no others.
    """
    enough = len({hit.chunk.document_id for hit in hits}) >= k
    if enough or len(hits) < passages or passages == _MOST_PASSAGES:
        return None
    return min(8 * passages, _MOST_PASSAGES)


def best_hits(hits: Sequence[Hit]) -> list[Hit]:
    """Return the best hit of each document, best first."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.chunk.document_id, hit)
    return list(best.values())


def best_documents(hits: Sequence[Hit], k: int) -> list[FoundDocument]:
    """Return the ``k`` best documents of some hits, best first.

    Where there are fewer, those fill up the rest that say the same in other languages as a hit.
    """
    scores = {hit.chunk.document_id: hit.score for hit in best_hits(hits)}
    if len(scores) >= k:
        return [FoundDocument(*item) for item in scores.items()][:k]
    groups = [
        (hit.score, [hit.chunk.document_id, *(twin.chunk.document_id for twin in hit.twins)])
        for hit in hits
    ]
    more = dict.fromkeys(name for _, group in groups for name in group if name not in scores)
    chosen = {*scores, *list(more)[: k - len(scores)]}
    filled: dict[str, float] = {}
    for score, group in groups:
        for name in group:
            if name in chosen:
                filled.setdefault(name, score)
    return [FoundDocument(*item) for item in filled.items()]
