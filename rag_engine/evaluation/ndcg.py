"""nDCG of one ranking, without a library: for where many are measured while something runs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

__all__ = ["ndcg"]


def ndcg(ranked: Sequence[int], judged: Sequence[int], k: int = 10) -> float:
    """Return the discounted gain of the first ``k`` grades over that of the best possible order.

    ``ranked`` are the grades of the passages found, best first, ``judged`` those of all that
    answer. The gain of a passage is its grade, its discount the binary logarithm of its rank
    (from 1) plus 1: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR
    techniques", as trec_eval computes it. Without a right answer it is 0.

    >>> round(ndcg([0, 1], [1]), 4)
    0.6309
    """
    best = _gain(sorted(judged, reverse=True), k)
    return _gain(ranked, k) / best if best > 0 else 0.0


def _gain(grades: Sequence[int], k: int) -> float:
    return sum(max(grade, 0) / log2(rank + 1) for rank, grade in enumerate(grades[:k], start=1))
