"""Several formulations of one question: how what each tells of a passage becomes one.

Each is asked as a question of its own, over the passages that any of them retrieves. What each has
for a passage is a likelihood ratio, in nats; which of them asks best is not known, and so the mean
of the ratios counts, for each kind of evidence (vectors, home, words). That is evidence of the same
kind, and a score keeps its meaning: the greatest ratio would make passages likely that answer
nothing, the more so the more formulations there are; the mean of the nats would let one formulation
that finds nothing undo what another finds. The same formulation twice changes nothing. What was
measured stands in ``pipelines/bench/RESULTS.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.ports import Float32Array
from rag_engine.retrieval.candidates import Candidates

__all__ = ["join_candidates", "mean_odds", "mean_of"]


def mean_odds(each: Sequence[Float32Array], slope: float) -> Float32Array:
    """Return the evidence of all formulations, from what each has for the passages, ``(n,)``.

    ``slope`` turns the evidence of ``each``, ``(n,)``, into log-odds. Over formulations::

        ln(mean(exp(slope * each))) / slope

    >>> evidence = mean_odds([np.array([3, 1], np.float32), np.array([3, 9], np.float32)], 0.5)
    >>> evidence.round(2).tolist()  # the second is nearly that of the one that finds it
    [3.0, 7.650000095367432]
    """
    if len(each) == 1:
        return each[0]
    logits = slope * np.asarray(each, dtype=np.float64)
    most = logits.max(axis=0)
    joined = (most + np.log(np.exp(logits - most).mean(axis=0))) / slope
    return np.asarray(joined, dtype=np.float32)


def mean_of(each: Sequence[Float32Array]) -> Float32Array:
    """Return the mean over formulations of a figure of passages, ``(n,)`` each.

    >>> mean_of([np.array([1, 4], np.float32), np.array([3, 0], np.float32)]).tolist()
    [2.0, 2.0]
    """
    if len(each) == 1:
        return each[0]
    means: Float32Array = np.mean(each, axis=0, dtype=np.float32)
    return means


def join_candidates(each: Sequence[Candidates]) -> Candidates:
    """Return passages with the figures of all formulations, for a reader.

    ``each`` are the same passages in the same order. What vectors say is the mean, and the words
    are those of the formulation of which a passage holds the most; all else is as the question's
    own, the first, has it.
    """
    first = each[0]
    if len(each) == 1:
        return first
    most = np.argmax([one.lexical for one in each], axis=0)
    passages = np.arange(len(first))

    def of_most(name: str) -> Float32Array:
        figures: Float32Array = np.stack([getattr(one, name) for one in each])[most, passages]
        return figures

    return replace(
        first,
        dense=mean_of([one.dense for one in each]),
        dense_plain=mean_of([one.dense_plain for one in each]),
        z_scores=mean_of([one.z_scores for one in each]),
        late=mean_of([one.late for one in each]),
        own_language_coverage=of_most("own_language_coverage"),
        shared_term_coverage=of_most("shared_term_coverage"),
        literal_surprise=of_most("literal_surprise"),
        sparse=of_most("sparse"),
    )
