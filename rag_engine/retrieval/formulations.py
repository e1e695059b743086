"""Several formulations of one question: how what each tells of a passage becomes one.

Translations, rewritings and keywords of a question are to it what translation twins are to a
passage (``twin_evidence``), and are joined alike. What vectors tell is the less of a chance, the
more formulations agree: the mean counts. What words tell can only be seen by the formulation that
has the words: the best counts. Means and maxima of evidence are evidence: a score keeps its
meaning, and the same formulation twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag_engine.ports import Float32Array
from rag_engine.retrieval.candidates import Candidates

__all__ = ["best_of", "join_candidates", "mean_of"]


def mean_of(each: Sequence[Float32Array]) -> Float32Array:
    """Return the mean over formulations of what each tells of passages, ``(n,)`` each.

    >>> mean_of([np.array([1, 4], np.float32), np.array([3, 0], np.float32)]).tolist()
    [2.0, 2.0]
    """
    if len(each) == 1:
        return each[0]
    means: Float32Array = np.mean(each, axis=0, dtype=np.float32)
    return means


def best_of(each: Sequence[Float32Array]) -> Float32Array:
    """Return the greatest over formulations of what each tells of passages, ``(n,)`` each.

    >>> best_of([np.array([1, 4], np.float32), np.array([3, 0], np.float32)]).tolist()
    [3.0, 4.0]
    """
    best: Float32Array = np.max(each, axis=0)
    return best


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
