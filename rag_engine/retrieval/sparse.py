"""What learned weights of tokens match, calibrated against chance within each language.

A model that was trained for it says what each token of a text weighs (BGE-M3's lexical kind). Token
ids are shared over languages, so that names and numbers match across them as they are; all other
words match within a language alone. A sum of weights would therefore prefer the question's own
language, whatever its passages say. So it is compared with the sums of the other passages of the
same language: what most of them match as well says nothing, and to be in a language earns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, IdSelector, Int64Array, SparseVector
from rag_engine.store.snapshot import Snapshot

__all__ = ["SparseMatches", "match_sparse", "surprise_within"]

_SHARED = 20
"""The spread that languages have in common weighs as much as so many passages."""
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class SparseMatches:
    """What a question's tokens match in every passage of a snapshot.

    ``ids`` ``(n,)`` ascend; ``surprise`` ``(n,)`` float32 is that of ``surprise_within``.
    """

    ids: Int64Array
    surprise: Float32Array

    def of(self, ids: Int64Array) -> Float32Array:
        """Return the surprise of some passages, ``(n_ids,)``."""
        surprise: Float32Array = self.surprise[np.searchsorted(self.ids, ids)]
        return surprise

    def best(self, k: int, snapshot: Snapshot, allowed: IdSelector | None) -> Int64Array:
        """Return the ids of the ``k`` most surprising passages, of those that are it at all."""
        ids = snapshot.not_deleted(self.ids[self.surprise > 0])
        if allowed is not None:
            ids = ids[allowed.allows(ids)]
        return ids[np.lexsort((ids, -self.of(ids)))[:k]]


def match_sparse(query: SparseVector, snapshot: Snapshot) -> SparseMatches:
    """Compare what a question's tokens weigh with every passage, exactly."""
    ids, languages = snapshot.rows
    scores = snapshot.sparse_scores(query)
    return SparseMatches(ids, surprise_within(scores, languages, len(snapshot.language_names)))


def surprise_within(scores: Float32Array, groups: npt.NDArray[np.intp], count: int) -> Float32Array:
    """Return how surprising each score is among those of its group, ``(n,)`` in nats.

    ``groups`` ``(n,)`` are below ``count``. With ``z``, a score's distance above the mean of its
    group in standard deviations, it is ``ln(1 + z**2)``, and 0 below the mean: whatever the
    distribution, no more than one score in ``1 + z**2`` is so far above (Cantelli 1928). The
    variance of a group of ``n`` leans on the mean one within groups, which weighs as much as 20
    scores.

    >>> scores, groups = np.array([1, 1, 1, 4, 9, 9], np.float32), np.array([0, 0, 0, 0, 1, 1])
    >>> surprise = surprise_within(scores, groups, 2)
    >>> surprise.astype(float).round(3).tolist()  # 9 is nothing where all have it
    [0.0, 0.0, 0.0, 1.64, 0.0, 0.0]
    """
    sizes = np.maximum(np.bincount(groups, minlength=count), 1)
    above = scores - (np.bincount(groups, scores, count) / sizes)[groups]
    squares = np.bincount(groups, above**2, count)
    usual = squares.sum() / max(1, len(scores))
    variances = (squares + _SHARED * usual) / (sizes + _SHARED)
    ratios = np.maximum(above, 0) ** 2 / np.maximum(variances[groups], _SMALLEST)
    surprise: Float32Array = np.log1p(ratios).astype(np.float32)
    return surprise
