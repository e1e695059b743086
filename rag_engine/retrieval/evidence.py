"""The evidence for each candidate, in nats, from one stage of a search to the next.

First come the vectors and the words (``weigh``). Translation twins of the best may join, which
changes what the words of the others are worth (``joined_by``). Late interaction then weighs the
vectors anew, of those that were compared token by token (``with_late``). In the end evidence is
shared among twins and becomes a score (``scored``). Each stage computes what it changes, and no
more: what the words tell is the same with tokens and without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.fusion import (
    WITH_TOKENS,
    WITHOUT_TOKENS,
    FusionWeights,
    dense_evidence,
    lexical_evidence,
    probability,
)
from rag_engine.retrieval.twin_evidence import Pairs, join_twins

__all__ = ["Evidence", "best_first", "weigh"]

_MIN_LOGIT_GAP = 1e-3
"""Nats between the last candidate that was compared token by token and the first that was not."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates, and what vectors and what words tell of each: ``(n,)`` float32, in nats.

    ``fair`` tells whether a passage in the question's language has to be the better; ``weights``
    are those of the last stage.
    """

    candidates: Candidates
    dense: Float32Array
    lexical: Float32Array
    fair: bool
    weights: FusionWeights = WITHOUT_TOKENS

    def joined_by(self, others: Candidates) -> Evidence:
        """Return this evidence with that for other candidates, best first."""
        candidates = self.candidates.with_others(others)
        dense = _dense(others, WITHOUT_TOKENS, fair=self.fair)
        dense = np.concatenate([self.dense, dense])
        return Evidence(candidates, dense, _lexical(candidates), self.fair).best_first()

    def with_late(self, late: Float32Array) -> Evidence:
        """Return the evidence with that of late interaction above chance, ``late`` ``(n,)``.

        Candidates that were not compared (NaN) keep what their vectors told, less what puts them
        all below those that were.
        """
        candidates = replace(self.candidates, late=late)
        dense = _dense(candidates, WITH_TOKENS, fair=self.fair)
        known = np.isfinite(late)
        if not known.all():
            best = float((self.dense + self.lexical)[~known].max())
            worst = float((dense + self.lexical)[known].min())
            moved = self.dense - max(0.0, best - worst) - _MIN_LOGIT_GAP
            dense = np.where(known, dense, moved).astype(np.float32)
        return replace(self, candidates=candidates, dense=dense, weights=WITH_TOKENS)

    def scored(
        self, twins: Pairs | None, *, effective_corpus_size: float, log_odds: float
    ) -> Candidates:
        """Return the candidates with their scores, best first.

        ``twins`` are the places of passages and of their twins; evidence for one is evidence for
        all. ``log_odds`` are added where the model's evidence is usually worth more, or less.
        """
        totals = self.dense + self.lexical
        if twins is not None:
            totals = join_twins(twins, self.dense, self.lexical)
        weights = replace(self.weights, intercept=self.weights.intercept + log_odds)
        scores = probability(totals, effective_corpus_size, weights)
        return best_first(replace(self.candidates, scores=scores), totals)

    def best_first(self) -> Evidence:
        """Return the same evidence, the candidates with most of it first."""
        order = _order(self.candidates, self.dense + self.lexical)
        return replace(
            self,
            candidates=self.candidates.taken(order),
            dense=self.dense[order],
            lexical=self.lexical[order],
        )


def weigh(candidates: Candidates, *, fair: bool) -> Evidence:
    """Return what vectors and words tell of candidates, best first."""
    dense = _dense(candidates, WITHOUT_TOKENS, fair=fair)
    return Evidence(candidates, dense, _lexical(candidates), fair).best_first()


def best_first(candidates: Candidates, totals: Float32Array) -> Candidates:
    """Order candidates by ``totals`` ``(n,)`` descending, equal ones by id."""
    return candidates.taken(_order(candidates, totals))


def _order(candidates: Candidates, totals: Float32Array) -> npt.NDArray[np.intp]:
    order: npt.NDArray[np.intp] = np.lexsort((candidates.ids, -totals))
    return order


def _dense(candidates: Candidates, weights: FusionWeights, *, fair: bool) -> Float32Array:
    same_language = candidates.same_language_probability
    if not fair:
        same_language = np.zeros(len(candidates), dtype=np.float32)
    late = np.where(np.isnan(candidates.late), 0, candidates.late)
    return dense_evidence(candidates.z_scores, late, same_language, weights)


def _lexical(candidates: Candidates) -> Float32Array:
    return lexical_evidence(
        candidates.own_language_coverage, candidates.shared_term_coverage, candidates.languages
    )
