"""Is one run better than another, or is it the choice of questions? The paired bootstrap.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (the percentile
interval); Sakai 2006, "Evaluating evaluation metrics based on the bootstrap" (for rankings, paired
by question).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag_engine.errors import InvalidInput

__all__ = ["RESAMPLES", "Difference", "Standing", "paired_bootstrap"]

RESAMPLES = 2_000
_LEVEL = 0.95
_SEED = 20060806
"""Any number: the same questions give the same interval, on every machine."""
_AT_ONCE = 2_000_000
"""Drawn numbers that are in memory together."""

Standing = Literal["above", "not told apart", "below"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over questions, and where 95 % of resampled means lie."""

    mean: float
    low: float
    high: float

    @property
    def standing(self) -> Standing:
        """``below`` or ``above`` where the whole interval is on that side of 0."""
        if self.high < 0:
            return "below"
        return "above" if self.low > 0 else "not told apart"


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Return how far ``ours`` is above ``theirs``: the same questions, in the same order.

    Questions are drawn with replacement 2,000 times, as many as there are, each with both its
    values; the interval holds the middle 95 % of the means. It knows of no other chance than that
    of the questions, which it takes to be independent.

    Raises:
        InvalidInput: no questions, or not the same number twice.

    >>> paired_bootstrap([1.0, 0.5, 0.75], [0.5, 0.0, 0.25])
    Difference(mean=0.5, low=0.5, high=0.5)
    """
    if len(ours) != len(theirs) or not ours:
        raise InvalidInput(
            f"expected one value a question in both runs, got {len(ours)} and {len(theirs)} values"
        )
    differences = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    count = len(differences)
    generator = np.random.default_rng(_SEED)
    means = np.empty(RESAMPLES)
    step = max(1, _AT_ONCE // count)
    for start in range(0, RESAMPLES, step):
        drawn = generator.integers(0, count, (min(step, RESAMPLES - start), count))
        means[start : start + len(drawn)] = differences[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Difference(float(differences.mean()), float(low), float(high))
