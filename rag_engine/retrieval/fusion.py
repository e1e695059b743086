"""How dense and lexical evidence become one score.

Each kind of evidence is first put on a scale that means the same for every question and every
language (standard deviations above passages at random, matches above chance, shares of a
question's words), then weighed and added. Every candidate has every figure, computed exactly, so
that none is missing from a list. The sum is evidence in nats, up to a constant of the question: it
orders the passages (equal ones by id), and ``probability`` turns it into a score from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.ports import Float32Array, Ranking

__all__ = [
    "WITHOUT_TOKENS",
    "WITH_TOKENS",
    "WORDS",
    "FusionWeights",
    "LexicalWeights",
    "dense_evidence",
    "lexical_evidence",
    "probability",
    "reciprocal_rank_fusion",
    "sparse_evidence",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionWeights:
    """What vectors weigh, in nats, and how nats become a probability.

    ``cosine`` is for one standard deviation above passages at random, ``late`` for a match of 1
    above chance; ``unknown_cosine`` and ``unknown_late`` are for a question in a language that
    nobody can tell. ``slope``, ``size`` and ``intercept`` are those of
    ``probability``.
    """

    cosine: float
    late: float
    unknown_cosine: float
    unknown_late: float
    slope: float
    size: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalWeights:
    """What a question's words weigh, in nats: see ``lexical_evidence``."""

    own_language: float
    shared: float
    literal: float


# One set for every corpus: near the best of eleven corpora together, rounded, and then moved a
# little by hand towards two of them. What each loses if it is left out of the choice, and what was
# moved, stands in pipelines/bench/RESULTS.md. The probabilities: logistic regression on the three
# best of each question, once with its right passages and once without them; ``size`` is of an
# earlier one, on whole corpora and on the same thinned to 1 in 70.
WITH_TOKENS = FusionWeights(
    cosine=0.9,
    late=22.0,
    unknown_cosine=1.7,
    unknown_late=10.0,
    slope=0.43,
    size=0.7,
    intercept=-0.5,
)
"""Where the tokens of passages are compared too. In a language that no detector knows,
they are told apart less well, and count half."""
WITHOUT_TOKENS = FusionWeights(
    cosine=1.5,
    late=0.0,
    unknown_cosine=1.5,
    unknown_late=0.0,
    slope=0.55,
    size=0.7,
    intercept=-1.2,
)
"""Where there is one vector a passage, and its words."""
WORDS = LexicalWeights(own_language=7.0, shared=5.0, literal=0.65)
"""With tokens and without."""
_FEWEST = 20.0
"""A corpus of fewer passages counts as one of so many: what comes by chance among three, nothing
tells."""


def dense_evidence(
    z_scores: Float32Array, late: Float32Array, known: float, weights: FusionWeights
) -> Float32Array:
    """Add up what vectors tell of passages, shape ``(n,)`` in nats.

    ``z_scores`` ``(n,)`` are cosines in standard deviations above passages at random, ``late``
    ``(n,)`` late interaction above chance; ``known`` is how surely the question's language is
    known, 0 to 1, by which the two kinds of weights are mixed::

        cosine * z_scores + late * late

    >>> one = np.ones(1, np.float32)
    >>> dense_evidence(4 * one, 0.1 * one, 1.0, WITH_TOKENS).round(2).tolist()
    [5.800000190734863]
    """
    cosine = known * weights.cosine + (1 - known) * weights.unknown_cosine
    token = known * weights.late + (1 - known) * weights.unknown_late
    return (cosine * z_scores + token * late).astype(np.float32)


def lexical_evidence(
    own_language: Float32Array,
    shared: Float32Array,
    literal: Float32Array,
    same_language: Float32Array,
    weights: LexicalWeights = WORDS,
) -> Float32Array:
    """Add up what words tell of passages, shape ``(n,)`` in nats.

    ``own_language`` ``(n,)`` is the share of the question's words that only passages in its
    language can hold, ``shared`` of those (names, numbers, codes) that every language writes
    alike; ``literal`` is how surprising it is, in nats, that a passage of another language holds
    words of the question as they stand; ``same_language`` how surely a passage is in the
    question's language, 0 to 1::

        same_language * w.own_language * own_language + w.shared * shared
        + (1 - same_language) * w.literal * literal

    A passage in a language that no word reaches gets nothing and loses nothing: there lexical
    search is blind, and silent. What words say for the question's language as a whole is in
    ``home.home_evidence``.

    >>> nothing, one = np.zeros(2, np.float32), np.array([1, 0], np.float32)
    >>> lexical_evidence(0.5 * one, nothing, 2 * (1 - one), same_language=one).tolist()
    [3.5, 1.2999999523162842]
    """
    total = same_language * weights.own_language * own_language + weights.shared * shared
    total = total + (1 - same_language) * weights.literal * literal
    return np.asarray(total, dtype=np.float32)


SPARSE = 0.25
"""What a nat of surprise weighs in learned weights of tokens. Not fitted: of the heads that can be
had here none earns (pipelines/bench/RESULTS.md), so it is what costs least."""


def sparse_evidence(
    surprise: Float32Array,
    best: Float32Array,
    same_language: Float32Array,
    weight: float = SPARSE,
) -> Float32Array:
    """Return what learned weights of tokens tell of passages, ``(n,)`` in nats.

    ``surprise`` ``(n,)`` is that of ``sparse.surprise_within``, ``best`` ``(n,)`` the greatest in a
    passage of the same language, ``same_language`` how surely a passage is in the question's
    language, 0 to 1::

        weight * same_language * (surprise - best)

    It orders the passages at home and lifts none of them: the best one keeps what it has, the
    others lose. So what words match in a language never speaks for that language. Elsewhere, where
    only names match, it is silent.

    >>> surprise, same = np.array([4, 2, 3], np.float32), np.array([1, 1, 0], np.float32)
    >>> best = np.array([4, 4, 3], np.float32)
    >>> sparse_evidence(surprise, best, same, weight=0.5).tolist()
    [0.0, -1.0, 0.0]
    """
    return np.asarray(weight * same_language * (surprise - best), dtype=np.float32)


def probability(
    evidence: Float32Array, effective_corpus_size: float, weights: FusionWeights
) -> Float32Array:
    """Turn evidence into the probability that a passage answers the question, ``(n,)``.

    The logistic function of ``slope * evidence - size * ln(effective_corpus_size) + intercept``,
    fitted to evidence as Platt (1999, "Probabilistic outputs for support vector machines", section
    2) does. The larger the corpus (in passages, of which translations count as one), the more
    likely the same evidence comes by chance; fewer than 20 count as 20. Half of the questions are
    supposed to have an answer at all.

    >>> weights = FusionWeights(
    ...     cosine=1, late=0, unknown_cosine=1, unknown_late=0, slope=0.5, size=0, intercept=-4
    ... )
    >>> probability(np.array([8.0, 20.0], np.float32), 1, weights).round(3).tolist()
    [0.5, 0.9980000257492065]
    """
    size = weights.size * math.log(max(_FEWEST, effective_corpus_size))
    logits = np.clip(weights.slope * evidence - size + weights.intercept, -30, 30)
    scores: Float32Array = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    return scores


def reciprocal_rank_fusion(rankings: Sequence[Ranking], rrf_k: int = 60) -> Ranking:
    """Fuse rankings by their ranks alone (Cormack, Clarke and Buettcher 2009, section 2).

    Each ranking gives ``1 / (rrf_k + rank)`` with ranks from 1; a document missing from a list
    gets 0 for it. Ties: by id. It is the usual default of hybrid search, kept as a baseline:
    across languages it is far worse than dense search alone.

    >>> one = Ranking(np.array([3, 1]), np.array([0.9, 0.8], np.float32))
    >>> two = Ranking(np.array([1]), np.array([7.0], np.float32))
    >>> reciprocal_rank_fusion([one, two]).ids.tolist()
    [1, 3]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, identifier in enumerate(ranking.ids.tolist(), start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1.0 / (rrf_k + rank)
    ids = np.array(sorted(scores, key=lambda chunk: (-scores[chunk], chunk)), dtype=np.int64)
    return Ranking(ids, np.array([scores[chunk] for chunk in ids.tolist()], dtype=np.float32))
