"""Pictures among the passages that a search of texts found.

A passage that is a picture has a text as well: what is said of it, what stands in it, the name of
its file. Its score is the larger of two probabilities, what the text search gives that text and
what the picture shows. The two do not know of each other, so they are not multiplied: a caption
says what the picture shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.images.pictures import FoundPictures
from rag_engine.retrieval.candidates import Candidates, featurise
from rag_engine.retrieval.formulations import join_candidates
from rag_engine.retrieval.query import PreparedQuery
from rag_engine.store.view import View

__all__ = ["pictured"]


def pictured(
    view: View,
    queries: Sequence[PreparedQuery],
    candidates: Candidates,
    found: FoundPictures,
    k: int,
) -> tuple[Candidates, dict[int, float]]:
    """Return candidates, best first, with the ``k`` likeliest pictures among them.

    With them comes how probable each picture is, by the id of its passage.
    """
    there = view.shown(found.ids)
    ids, probabilities = found.ids[there], found.probabilities[there]
    best = np.lexsort((ids, -probabilities))[:k]
    others = np.setdiff1d(ids[best], candidates.ids)
    if len(others):
        more = join_candidates([featurise(query, view.snapshot, others) for query in queries])
        ranks = np.arange(1, len(others) + 1) + len(candidates)
        scores = np.zeros(len(others), dtype=np.float32)
        candidates = candidates.with_others(replace(more, scores=scores, rank_before_rerank=ranks))
    known = dict(zip(ids.tolist(), probabilities.tolist(), strict=True))
    of_images = np.array([known.get(chunk, 0.0) for chunk in candidates.ids.tolist()])
    scores = np.maximum(candidates.scores, of_images.astype(np.float32))
    order = np.argsort(-scores, kind="stable")  # equal ones stay as they were: those of texts first
    return replace(candidates, scores=scores).taken(order), known
