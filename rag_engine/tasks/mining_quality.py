"""How good mined pairs are, where the true ones are known.

As the BUCC shared task has it (Zweigenbaum et al. 2017, "Overview of the Second BUCC Shared Task",
section 5): precision is the share of the mined pairs that are gold, recall that of the gold pairs
that were mined, F1 their harmonic mean.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rag_engine.tasks.mining import MinedPairs

__all__ = ["MiningQuality", "mining_quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningQuality:
    """The pairs that score ``threshold`` or more, against ``gold`` pairs; shares are 0 to 1."""

    threshold: float
    precision: float
    recall: float
    f1: float
    mined: int
    right: int
    gold: int


def mining_quality(
    pairs: MinedPairs, gold: Collection[tuple[int, int]], threshold: float | None = None
) -> MiningQuality:
    """Measure pairs, at a threshold or at the one with the greatest F1.

    The latter is midway between the score of the last pair taken and of the first that is not. Who
    chooses a threshold so, and measures with it on the same pairs, measures a little too well.

    >>> scores = np.array([0.9, 0.8, 0.7], np.float32)
    >>> pairs = MinedPairs(np.array([0, 1, 2]), np.array([0, 1, 0]), scores, scores)
    >>> best = mining_quality(pairs, {(0, 0), (1, 1)})
    >>> round(best.threshold, 3), best.precision, best.recall, best.f1
    (0.75, 1.0, 1.0, 1.0)
    >>> mining_quality(pairs, {(0, 0), (1, 1)}, 0.85).recall
    0.5
    """
    wanted = set(gold)
    found = zip(pairs.rows.tolist(), pairs.others.tolist(), strict=True)
    rights = np.cumsum([pair in wanted for pair in found]).astype(np.int64)
    if threshold is None:
        count, threshold = _best_cut(pairs, rights, len(wanted))
    else:
        count = len(pairs.above(threshold))
    right = int(rights[count - 1]) if count else 0
    return MiningQuality(
        threshold=threshold,
        precision=right / max(1, count),
        recall=right / max(1, len(wanted)),
        f1=2 * right / max(1, count + len(wanted)),
        mined=count,
        right=right,
        gold=len(wanted),
    )


def _best_cut(
    pairs: MinedPairs, rights: np.ndarray[tuple[int, ...], np.dtype[np.int64]], gold: int
) -> tuple[int, float]:
    """Return how many of the pairs make the greatest F1, and the threshold that takes them."""
    if not len(pairs):
        return 0, 0.0
    scores = pairs.scores.astype(np.float64)
    ends = np.flatnonzero(np.diff(scores, append=-np.inf) < 0)  # equal scores come together
    f1 = 2 * rights[ends] / np.maximum(1, ends + 1 + gold)
    end = int(ends[f1.argmax()])
    after = scores[end + 1] if end + 1 < len(scores) else scores[end]
    return end + 1, float((scores[end] + after) / 2)
