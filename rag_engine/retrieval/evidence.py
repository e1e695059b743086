"""The evidence for each candidate, in nats, from one stage of a search to the next.

First come the vectors and the words, and what these two say of where the answer stands (``weigh``).
Translation twins of the best may join, which changes what the words of the others are worth
(``joined_by``). Late interaction then weighs the vectors anew, of those that were compared token by
token (``with_late``). In the end evidence is shared among twins and becomes a score (``scored``).
Each stage computes what it changes, and no more: what the words tell is the same with tokens and
without.
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
from rag_engine.retrieval.home import best_at_home, home_evidence
from rag_engine.retrieval.twin_evidence import Pairs, join_twins

__all__ = ["Evidence", "Outlook", "best_first", "weigh"]

_MIN_LOGIT_GAP = 1e-3
"""Nats between the last candidate that was compared token by token and the first that was not."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a question as a whole, before any passage is weighed.

    ``known`` is how surely its language is known, ``at_home`` the share of all
    passages that are in its language, ``translated`` the share of the nearest that have
    translation twins, all 0 to 1; ``fair`` tells whether it counts where an answer is likely to
    stand, or whether all languages are one.
    """

    known: float
    at_home: float
    translated: float
    fair: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates, and what vectors, their place and words tell of each: ``(n,)``, in nats.

    ``home`` is what it is worth to be in the question's language; ``weights`` are those of the
    last stage.
    """

    candidates: Candidates
    outlook: Outlook
    dense: Float32Array
    home: Float32Array
    lexical: Float32Array
    weights: FusionWeights = WITHOUT_TOKENS

    @property
    def totals(self) -> Float32Array:
        """All of it, ``(n,)``."""
        return self.dense + self.home + self.lexical

    def joined_by(self, others: Candidates) -> Evidence:
        """Return this evidence with that for other candidates, best first."""
        candidates = self.candidates.with_others(others)
        dense = np.concatenate([self.dense, _dense(others, self.outlook, WITHOUT_TOKENS)])
        return _with_places(candidates, self.outlook, dense).best_first()

    def with_late(self, late: Float32Array) -> Evidence:
        """Return the evidence with that of late interaction above chance, ``late`` ``(n,)``.

        Candidates that were not compared (NaN) keep what their vectors told, less what puts them
        all below those that were.
        """
        candidates = replace(self.candidates, late=late)
        dense = _dense(candidates, self.outlook, WITH_TOKENS)
        known = np.isfinite(late)
        home = _home(candidates, np.where(known, dense, -np.inf), self.outlook)
        if not known.all():
            best = float(self.totals[~known].max())
            worst = float((dense + home + self.lexical)[known].min())
            moved = self.dense - max(0.0, best - worst) - _MIN_LOGIT_GAP
            dense = np.where(known, dense, moved).astype(np.float32)
            home = np.where(known, home, self.home)
        return replace(self, candidates=candidates, dense=dense, home=home, weights=WITH_TOKENS)

    def scored(
        self, twins: Pairs | None, *, effective_corpus_size: float, log_odds: float
    ) -> Candidates:
        """Return the candidates with their scores, best first.

        ``twins`` are the places of passages and of their twins; evidence for one is evidence for
        all. ``log_odds`` are added where the model's evidence is usually worth more, or less.
        """
        totals = self.totals
        if twins is not None:
            totals = join_twins(twins, self.dense + self.home, self.lexical)
        weights = replace(self.weights, intercept=self.weights.intercept + log_odds)
        # To stand where the answer is likely says which passage it is, not that it is there.
        lead = max(0.0, float(self.home.max(initial=0)))
        scores = probability(totals - lead, effective_corpus_size, weights)
        return best_first(replace(self.candidates, scores=scores), totals)

    def best_first(self) -> Evidence:
        """Return the same evidence, the candidates with most of it first."""
        order = _order(self.candidates, self.totals)
        return replace(
            self,
            candidates=self.candidates.taken(order),
            dense=self.dense[order],
            home=self.home[order],
            lexical=self.lexical[order],
        )


def weigh(candidates: Candidates, outlook: Outlook) -> Evidence:
    """Return what vectors, their place and words tell of candidates, best first."""
    dense = _dense(candidates, outlook, WITHOUT_TOKENS)
    return _with_places(candidates, outlook, dense).best_first()


def best_first(candidates: Candidates, totals: Float32Array) -> Candidates:
    """Order candidates by ``totals`` ``(n,)`` descending, equal ones by id."""
    return candidates.taken(_order(candidates, totals))


def _order(candidates: Candidates, totals: Float32Array) -> npt.NDArray[np.intp]:
    order: npt.NDArray[np.intp] = np.lexsort((candidates.ids, -totals))
    return order


def _with_places(candidates: Candidates, outlook: Outlook, dense: Float32Array) -> Evidence:
    """Return the evidence of candidates of which ``dense`` ``(n,)`` is known."""
    home = _home(candidates, dense, outlook)
    return Evidence(candidates, outlook, dense, home, _lexical(candidates))


def _dense(candidates: Candidates, outlook: Outlook, weights: FusionWeights) -> Float32Array:
    late = np.where(np.isnan(candidates.late), 0, candidates.late)
    return dense_evidence(candidates.z_scores, late, outlook.known, weights)


def _home(candidates: Candidates, dense: Float32Array, outlook: Outlook) -> Float32Array:
    if not outlook.fair:
        return np.zeros(len(candidates), dtype=np.float32)
    return home_evidence(
        dense,
        candidates.same_language_probability,
        best_at_home(candidates.lexical, candidates.languages),
        by_chance=outlook.at_home,
        translated=outlook.translated,
    )


def _lexical(candidates: Candidates) -> Float32Array:
    return lexical_evidence(
        candidates.own_language_coverage,
        candidates.shared_term_coverage,
        candidates.literal_surprise,
        candidates.same_language_probability,
    )
