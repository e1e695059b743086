"""What learned weights of tokens match, calibrated against chance within each language."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag_engine.ports import Float32Array, IdSelector, Int64Array, SparseVector
from rag_engine.store.snapshot import Snapshot

__all__ = ["SparseMatches", "match_sparse"]


@dataclass(frozen=True, slots=True)
class SparseMatches:
    """What a question's tokens match in every passage of a snapshot.

    ``ids`` ``(n,)`` ascend; ``above_chance`` ``(n,)`` float32 is what ``match_sparse`` tells.
    """

    ids: Int64Array
    above_chance: Float32Array

    def of(self, ids: Int64Array) -> Float32Array:
        """Return what some passages match, ``(n_ids,)``."""
        matches: Float32Array = self.above_chance[np.searchsorted(self.ids, ids)]
        return matches

    def best(self, k: int, snapshot: Snapshot, allowed: IdSelector | None) -> Int64Array:
        """Return the ids of the ``k`` passages that match most, of those that match at all."""
        places = np.flatnonzero(self.above_chance > 0)
        ids = snapshot.not_deleted(self.ids[places])
        if allowed is not None:
            ids = ids[allowed.allows(ids)]
        return ids[np.lexsort((ids, -self.of(ids)))[:k]]


def match_sparse(query: SparseVector, snapshot: Snapshot) -> SparseMatches:
    """Z-scores within language."""
    ids, codes = snapshot.rows
    scores = snapshot.sparse_scores(query)
    n = np.bincount(codes, minlength=len(snapshot.language_names)).clip(1)
    mean = np.bincount(codes, scores, minlength=len(n)) / n
    var = np.bincount(codes, scores**2, minlength=len(n)) / n - mean**2
    std = np.sqrt(np.maximum(var, 1e-12))
    return SparseMatches(ids, ((scores - mean[codes]) / std[codes]).astype(np.float32))
