"""The evidence for each candidate, in nats, from one stage of a search to the next.

First come the vectors and the words, and what these two say of where the answer stands (``weigh``).
Translation twins of the best may join, which changes what the words of the others are worth
(``joined_by``). Late interaction then weighs the vectors anew, of those that were compared token by
token (``with_late``). In the end evidence is shared among twins and becomes a score (``scored``).
Each stage computes what it changes, and no more: what the words tell is the same with tokens and
without.

A question that is asked in several formulations has the evidence of each for the same passages,
joined at every stage (``formulations``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, Int64Array
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.formulations import join_candidates, mean_odds
from rag_engine.retrieval.fusion import (
    WITH_TOKENS,
    WITHOUT_TOKENS,
    FusionWeights,
    dense_evidence,
    lexical_evidence,
    probability,
    sparse_evidence,
)
from rag_engine.retrieval.home import best_at_home, home_evidence
from rag_engine.retrieval.twin_evidence import Pairs, join_twins

__all__ = ["Evidence", "Formulation", "Outlook", "best_first", "weigh"]

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
class Formulation:
    """One formulation of a question: what is known of it, and of each passage by it."""

    candidates: Candidates
    outlook: Outlook

    def taken(self, places: npt.NDArray[np.intp]) -> Formulation:
        """Return the same for the passages at some places, in their order."""
        return replace(self, candidates=self.candidates.taken(places))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates, and what vectors, their place and words tell of each: ``(n,)``, in nats.

    ``formulations`` are those of the question, the asker's own first: all of the same candidates,
    in the same order. ``home`` is what it is worth to be in the question's language; ``weights``
    are those of the last stage.
    """

    formulations: tuple[Formulation, ...]
    dense: Float32Array
    home: Float32Array
    lexical: Float32Array
    weights: FusionWeights = WITHOUT_TOKENS

    @property
    def ids(self) -> Int64Array:
        """The ids of the candidates, ``(n,)``."""
        return self.formulations[0].candidates.ids

    @property
    def candidates(self) -> Candidates:
        """The candidates, with the figures of all formulations."""
        return join_candidates([one.candidates for one in self.formulations])

    @property
    def totals(self) -> Float32Array:
        """All of it, ``(n,)``."""
        return self.dense + self.home + self.lexical

    def joined_by(self, others: Sequence[Candidates]) -> Evidence:
        """Return this evidence with that for other candidates, best first.

        ``others`` are these as each of the formulations sees them.
        """
        return weigh(
            *(
                replace(one, candidates=one.candidates.with_others(new))
                for one, new in zip(self.formulations, others, strict=True)
            )
        )

    def with_late(self, late: Sequence[Float32Array]) -> Evidence:
        """Return the evidence with that of late interaction above chance.

        ``late`` is that of each formulation, ``(n,)``, of the same candidates. Those that were not
        compared (NaN) keep what their vectors told, less what puts them all below those that were.
        """
        formulations = tuple(
            replace(one, candidates=replace(one.candidates, late=its_late))
            for one, its_late in zip(self.formulations, late, strict=True)
        )
        each = [_dense(one, WITH_TOKENS) for one in formulations]
        known = np.isfinite(late[0])
        dense = mean_odds(each, WITH_TOKENS.slope)
        compared = [np.where(known, one, -np.inf) for one in each]
        home = _home(formulations, compared, WITH_TOKENS)
        if not known.all():
            best = float(self.totals[~known].max())
            worst = float((dense + home + self.lexical)[known].min())
            moved = self.dense - max(0.0, best - worst) - _MIN_LOGIT_GAP
            dense = np.where(known, dense, moved).astype(np.float32)
            home = np.where(known, home, self.home)
        return replace(self, formulations=formulations, dense=dense, home=home, weights=WITH_TOKENS)

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
        order = _order(self.ids, self.totals)
        return replace(
            self,
            formulations=tuple(one.taken(order) for one in self.formulations),
            dense=self.dense[order],
            home=self.home[order],
            lexical=self.lexical[order],
        )


def weigh(*formulations: Formulation) -> Evidence:
    """Return what vectors, their place and words tell of candidates, best first.

    All ``formulations`` of the question are of the same candidates, in the same order.
    """
    each = [_dense(one, WITHOUT_TOKENS) for one in formulations]
    return Evidence(
        formulations,
        dense=mean_odds(each, WITHOUT_TOKENS.slope),
        home=_home(formulations, each, WITHOUT_TOKENS),
        lexical=mean_odds([_lexical(one.candidates) for one in formulations], WITHOUT_TOKENS.slope),
    ).best_first()


def best_first(candidates: Candidates, totals: Float32Array) -> Candidates:
    """Order candidates by ``totals`` ``(n,)`` descending, equal ones by id."""
    return candidates.taken(_order(candidates.ids, totals))


def _order(ids: Int64Array, totals: Float32Array) -> npt.NDArray[np.intp]:
    order: npt.NDArray[np.intp] = np.lexsort((ids, -totals))
    return order


def _dense(one: Formulation, weights: FusionWeights) -> Float32Array:
    late = np.where(np.isnan(one.candidates.late), 0, one.candidates.late)
    return dense_evidence(one.candidates.z_scores, late, one.outlook.known, weights)


def _home(
    formulations: Sequence[Formulation], dense: Sequence[Float32Array], weights: FusionWeights
) -> Float32Array:
    each = [
        _home_of_one(one, its_dense) for one, its_dense in zip(formulations, dense, strict=True)
    ]
    return mean_odds(each, weights.slope)


def _home_of_one(one: Formulation, dense: Float32Array) -> Float32Array:
    candidates, outlook = one.candidates, one.outlook
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
    words = lexical_evidence(
        candidates.own_language_coverage,
        candidates.shared_term_coverage,
        candidates.literal_surprise,
        candidates.same_language_probability,
    )
    if not candidates.sparse.any():
        return words
    best = best_at_home(candidates.sparse, candidates.languages)
    return words + sparse_evidence(candidates.sparse, best, candidates.same_language_probability)
