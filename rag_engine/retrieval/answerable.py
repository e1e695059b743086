"""How probable it is that any passage here answers a question.

A hit's score compares passages with others of the same corpus, and something is always the best.
Whether it is an answer, four signs tell together (``Signs``): how near the nearest passage is, by
what the model gives usually and not by what this corpus does; how far the best stands out from
those after it, for where several are about the same equally probable each may be a near miss; the
language, since passages in the question's own look better than they are; and how many passages
there are, as the more there are, the nearer comes a near miss. A logistic regression turns them
into a probability.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.log_odds import log_odds
from rag_engine.store.snapshot import Snapshot

__all__ = [
    "BEST",
    "KNOWN_MODEL",
    "OTHER_MODEL",
    "AnswerableWeights",
    "Signs",
    "answerable",
    "lead_of",
    "log_size",
    "signs",
]

BEST = 10
"""So many of the best passages are compared with each other."""
_ALONE = 3.0
"""The lead of a passage that is alone: between those of the best of three that answers (5.4 at the
median) and that does not (1.5)."""
_FEWEST = 20.0
"""A corpus of fewer passages counts as one of so many, as in ``fusion``."""
_MOST = 30.0
"""Nats; beyond, a probability is 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a search tells of whether anything answers.

    ``nearest`` is the greatest cosine after centring, in standard deviations above those that the
    model gives usually; of a model of which these are not known (``usual`` is False), above those
    of this corpus. ``lead`` is the log-odds of the best passage less the mean of those that follow,
    ten in all, its translations left out. ``at_home`` is how surely it is in the question's
    language, 0 to 1; ``size`` the logarithm of how many different passages there are.
    """

    nearest: float
    lead: float
    at_home: float
    size: float
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerableWeights:
    """What each sign weighs, in nats."""

    nearest: float
    lead: float
    at_home: float
    size: float
    intercept: float


# Fitted by pipelines/recipes/make_answerable.py, which says to what; what came of it, also for
# languages that were left out, stands in pipelines/bench/RESULTS.md.
KNOWN_MODEL = AnswerableWeights(nearest=0.77, lead=0.41, at_home=-1.15, size=-0.30, intercept=-2.05)
"""For a model whose usual cosines are known: the bundled one."""
OTHER_MODEL = AnswerableWeights(nearest=0.68, lead=0.47, at_home=-1.17, size=-0.36, intercept=-1.60)
"""For any other. What is about something else altogether is then told less well."""


def signs(candidates: Candidates, snapshot: Snapshot, effective_corpus_size: float) -> Signs | None:
    """Return what ranked candidates tell, best first, with their scores; None without any.

    ``effective_corpus_size`` counts the passages that may be found, translations as one.
    """
    if len(candidates) == 0:
        return None
    prior = snapshot.calibration.null_distribution.prior
    nearest = float(candidates.z_scores.max())
    if prior is not None:
        nearest = (float(candidates.dense.max()) - prior.mean) / prior.std
    ids = candidates.ids[:1]
    alike = snapshot.twins.of(ids).get(int(ids[0]), ())
    distinct = candidates.scores[~np.isin(candidates.ids, alike)][:BEST]
    return Signs(
        nearest=nearest,
        lead=lead_of(distinct),
        at_home=float(candidates.same_language_probability[0]),
        size=log_size(effective_corpus_size),
        usual=prior is not None,
    )


def lead_of(scores: npt.ArrayLike) -> float:
    """Return the log odds of the best score less the mean of those that follow it.

    >>> round(lead_of([0.75, 0.5, 0.5]), 4)
    1.0986
    """
    best, *others = log_odds(scores).tolist()
    return float(best - sum(others) / len(others)) if others else _ALONE


def log_size(size: float) -> float:
    """Return the logarithm of how many different things are said.

    >>> log_size(3) == log_size(20) == math.log(20)
    True
    """
    return math.log(max(_FEWEST, size))


def answerable(seen: Signs | None) -> float | None:
    """Return the probability, 0 to 1, that anything answers; half of the questions have an answer.

    None: nobody can tell. Of a model whose usual cosines are not known a few passages tell nothing:
    of one alone its own cosine is the mean.

    >>> near = Signs(nearest=5.0, lead=2.0, at_home=0.0, size=5.0, usual=True)
    >>> far = Signs(nearest=2.0, lead=0.5, at_home=0.0, size=5.0, usual=True)
    >>> round(answerable(near), 2), round(answerable(far), 2), answerable(None)
    (0.75, 0.14, 0.0)
    """
    if seen is None:
        return 0.0
    if not seen.usual and seen.size <= log_size(0):
        return None
    *told, usual = astuple(seen)
    *weights, intercept = astuple(KNOWN_MODEL if usual else OTHER_MODEL)
    logit = intercept + sum(weight * sign for weight, sign in zip(weights, told, strict=True))
    return 1 / (1 + math.exp(-max(-_MOST, min(logit, _MOST))))
