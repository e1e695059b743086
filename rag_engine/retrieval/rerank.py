"""A reranker's word on the best candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.ports import Reranker
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.formulations import mean_odds
from rag_engine.store.view import View

__all__ = ["reranked"]


def reranked(
    reranker: Reranker, view: View, questions: Sequence[str], candidates: Candidates, pool: int
) -> Candidates:
    """Order the first ``pool`` candidates by a reranker's scores; the others follow as they were.

    ``questions`` are the formulations of one: a candidate has the mean of its odds over them.

    Its scores are taken for logits: their logistic function is what a reader sees. Those that
    follow are shown with no more than the last of them has. Ties: by id. A candidate that
    vanished from a lenient view goes.

    Raises:
        ViewOutdated: a candidate vanished, and the view is not lenient.
    """
    ids = candidates.ids[:pool].tolist()
    chunks = view.chunks(ids)
    places = [place for place, identifier in enumerate(ids) if identifier in chunks]
    if not places:
        return candidates
    rerank = np.full(len(candidates), np.nan, dtype=np.float32)
    texts = [chunks[ids[place]].chunk.text for place in places]
    logits = [reranker.score(question, texts) for question in questions]
    rerank[places] = mean_odds(logits, slope=1.0)
    first = np.array(places)[np.lexsort((candidates.ids[places], -rerank[places]))]
    scores = candidates.scores.copy()
    scores[places] = 1 / (1 + np.exp(-np.clip(rerank[places], -30, 30)))
    scores[pool:] = np.minimum(scores[pool:], scores[first[-1]])
    rest = np.arange(pool, len(candidates))
    return replace(candidates, scores=scores, rerank=rerank).taken(np.concatenate([first, rest]))
