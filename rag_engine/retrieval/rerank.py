"""A reranker's word on the best candidates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rag_engine.ports import Reranker
from rag_engine.retrieval.candidates import Candidates
from rag_engine.store.view import View

__all__ = ["reranked"]


def reranked(
    reranker: Reranker, view: View, question: str, found: Candidates, pool: int
) -> Candidates:
    """Order the first ``pool`` candidates by a reranker's scores; the others follow as they were.

    Its scores are taken for logits: their logistic function is what a reader sees. Those that
    follow are shown with no more than the last of them has. Ties: by id. A candidate that
    vanished from a lenient view goes.

    Raises:
        ViewOutdated: a candidate vanished, and the view is not lenient.
    """
    chunks = view.chunks(found.ids[:pool].tolist())
    read = [place for place, each in enumerate(found.ids[:pool].tolist()) if each in chunks]
    if not read:
        return found
    texts = [chunks[int(found.ids[place])].chunk.text for place in read]
    rerank = np.full(len(found), np.nan, dtype=np.float32)
    rerank[read] = reranker.score(question, texts)
    first = np.array(read)[np.lexsort((found.ids[read], -rerank[read]))]
    scores = found.scores.copy()
    scores[read] = 1 / (1 + np.exp(-np.clip(rerank[read], -30, 30)))
    scores[pool:] = np.minimum(scores[pool:], scores[first[-1]])
    rest = np.arange(pool, len(found))
    return replace(found, scores=scores, rerank=rerank).taken(np.concatenate([first, rest]))
