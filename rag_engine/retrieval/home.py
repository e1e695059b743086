"""How likely the answer stands at home: in a passage of the question's own language.

A corpus whose languages are about different things answers questions at home; one that says
everything once, in whatever language, does not. No constant is right for both, and nobody labels a
corpus. Every question tells by itself: by the languages of the passages that are nearest to it, and
by how much of it the best passage at home holds in its own words. Where the nearest passages are
translated, the language says nothing: all of them are right. What is left to take off there is the
lead that a model gives to passages in the question's language.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array

__all__ = ["HOME", "NEAREST", "HomeWeights", "best_at_home", "home_evidence"]

NEAREST = 20
"""So many of the nearest passages tell what the corpus says about a question, and where."""
_HALF = 0.5
"""Passages that are added at home and elsewhere, so that no share of the nearest is 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWeights:
    """What being at home weighs, in nats.

    ``usual`` is for a question of which as many of the nearest passages are at home as of all
    passages, and none of whose words are in one; ``nearest`` for each nat by which the odds of
    those exceed chance; ``words`` for a passage at home that holds all of its words. ``lead`` and
    ``lead_words`` are taken off where passages are translated.
    """

    usual: float
    nearest: float
    words: float
    lead: float
    lead_words: float


HOME = HomeWeights(usual=-3.0, nearest=1.0, words=4.0, lead=3.0, lead_words=4.0)


def best_at_home(coverage: Float32Array, languages: npt.NDArray[np.intp]) -> Float32Array:
    """Return the greatest share of a question in a passage of each passage's language, ``(n,)``.

    >>> best_at_home(np.array([0.2, 0.8, 0], np.float32), np.array([1, 1, 0])).round(1).tolist()
    [0.800000011920929, 0.800000011920929, 0.0]
    """
    best = np.zeros(languages.max(initial=0) + 1, dtype=np.float32)
    np.maximum.at(best, languages, coverage)
    return best[languages]


def home_evidence(
    dense: Float32Array,
    same_language: Float32Array,
    best_words: Float32Array,
    *,
    by_chance: float,
    translated: float,
    weights: HomeWeights = HOME,
) -> Float32Array:
    """Return what it is worth for each passage to be at home, ``(n,)`` in nats.

    ``dense`` ``(n,)`` is what vectors tell of passages, ``same_language`` ``(n,)`` how surely each
    is in the question's language, ``best_words`` ``(n,)`` the share of the question in the best
    passage of its language; ``by_chance`` the share of all passages that are at home and
    ``translated`` the share of the nearest that have translation twins. With the odds of being at
    home among the ``n = 20`` nearest, ``h`` of them, and among as many by chance, ``c * n``::

        odds = (h + 1/2) / (n - h + 1/2)
        chance = (c * n + 1/2) / (n - c * n + 1/2)
        (1 - translated) * (w.usual + w.nearest * ln(odds / chance) + w.words * best_words)
        - translated * (w.lead + w.lead_words * best_words)

    for a passage that is at home for sure, and as much less as it is not.

    >>> dense, same = np.array([9, 8, 1], np.float32), np.array([1, 0, 0], np.float32)
    >>> words = np.array([0.5, 0, 0], np.float32)
    >>> evidence = home_evidence(dense, same, words, by_chance=1 / 3, translated=0.0)
    >>> evidence.round(2).tolist()  # as many as by chance: -3 + 4 / 2
    [-1.0, -0.0, -0.0]
    """
    nearest = same_language[np.argsort(-dense, kind="stable")[:NEAREST]]
    odds = _log_odds(float(nearest.sum()), len(nearest))
    odds -= _log_odds(by_chance * len(nearest), len(nearest))
    own_subjects = weights.usual + weights.nearest * odds + weights.words * best_words
    lead = weights.lead + weights.lead_words * best_words
    total = same_language * ((1 - translated) * own_subjects - translated * lead)
    return total.astype(np.float32)


def _log_odds(count: float, of: int) -> float:
    return math.log((count + _HALF) / (of - count + _HALF))
