"""A reranker's word on the best candidates: it decides the order, the engine what a score means.

Rerankers speak on scales of their own: logits, similarities, numbers from 0 to 1 that are no
probabilities, mere ranks. None of them can be compared with a least score. So a reranker's scores
are used for the order alone, and a passage's score stays what it was, the engine's probability that
it answers the question, as far as the new order allows (``calibrated``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.arrays import Float32Array
from rag_engine.errors import ModelError
from rag_engine.ports import Reranker
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.formulations import mean_of
from rag_engine.store.view import View

__all__ = ["calibrated", "reranked"]


def reranked(
    reranker: Reranker, view: View, questions: Sequence[str], candidates: Candidates, pool: int
) -> Candidates:
    """Order the first ``pool`` candidates by a reranker's scores; the others follow as they were.

    ``questions`` are the formulations of one: a candidate has the mean of its scores, which orders
    alike whatever the scale's zero and unit are. Ties stay as they were. A candidate that vanished
    from a lenient view goes.

    Raises:
        ViewOutdated: a candidate vanished, and the view is not lenient.
        ServiceError: the reranker is a service that failed.
        ModelError: it gave another number of scores than it got passages, or one that is no number.
    """
    ids = candidates.ids[:pool].tolist()
    chunks = view.chunks(ids)
    places = [place for place, identifier in enumerate(ids) if identifier in chunks]
    if not places:
        return candidates
    texts = [chunks[ids[place]].chunk.text for place in places]
    rerank = np.full(len(candidates), np.nan, dtype=np.float32)
    scored = [
        _checked(reranker, reranker.score(question, texts), len(texts)) for question in questions
    ]
    rerank[places] = mean_of(scored)
    first = np.array(places)[np.argsort(-rerank[places], kind="stable")]
    rest = np.arange(pool, len(candidates))
    ordered = replace(candidates, rerank=rerank).taken(np.concatenate([first, rest]))
    return replace(ordered, scores=calibrated(ordered.scores))


def calibrated(scores: Float32Array) -> Float32Array:
    """Return scores ``(n,)`` that fall with an order, as near as can be to those from before it.

    ``scores`` are probabilities in the new order. Where one is greater than its predecessor the
    order denies that it is: both get their mean, and so on, until none is (isotonic regression by
    pooling adjacent violators, Ayer et al. 1955, "An empirical distribution function for sampling
    with incomplete information"; least squares). The sum stays: as many answers are expected among
    the passages as before, so that probabilities that were right on the average still are. An order
    that agrees changes no score; one that is reversed says nothing of probabilities, and all get
    the mean.

    >>> calibrated(np.array([0.25, 0.75, 0.5, 0.0], np.float32)).tolist()
    [0.5, 0.5, 0.5, 0.0]
    """
    means: list[float] = []
    sizes: list[int] = []
    for score in scores.tolist():
        mean, size = score, 1
        while means and means[-1] < mean:
            before, many = means.pop(), sizes.pop()
            mean = (mean * size + before * many) / (size + many)
            size += many
        means.append(mean)
        sizes.append(size)
    return np.repeat(np.array(means, np.float32), sizes)


def _checked(reranker: Reranker, scores: Float32Array, count: int) -> Float32Array:
    """Refuse what no order can be made of: NaN would stand anywhere."""
    if np.shape(scores) != (count,) or np.isnan(scores).any():
        raise ModelError(
            f"the reranker {reranker.name!r} scores each passage with a number, shape ({count},); "
            f"got shape {np.shape(scores)}, {int(np.isnan(scores).sum())} of them NaN"
        )
    return scores
