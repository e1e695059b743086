"""Several formulations of one question: how what each tells of a passage becomes one.

Each is asked as a question of its own, over the passages that any of them retrieves; the evidence
for a passage is the mean of the nats that each has for it, which is the geometric mean of their
odds. What speaks for a passage by chance speaks for it in one formulation and not in the next. The
mean is evidence of the same kind, so that a score keeps its meaning: the best of several, which is
the larger the more there are, would make passages likely that answer nothing. The same formulation
twice changes nothing. Measured in ``pipelines/bench/RESULTS.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.ports import Float32Array
from rag_engine.retrieval.candidates import Candidates

__all__ = ["join_candidates", "mean_of"]


def mean_of(each: Sequence[Float32Array]) -> Float32Array:
    """Return the mean over formulations of what each tells of passages, ``(n,)`` each.

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
    )
