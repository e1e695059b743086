"""Evidence from stage to stage: what a stage does not change is what it would be computed anew."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.evidence import Formulation, Outlook, weigh
from rag_engine.retrieval.fusion import WITH_TOKENS, WITHOUT_TOKENS, dense_evidence

CERTAIN = Outlook(known=1.0, at_home=0.3, translated=0.0, fair=True)


def candidates(count: int, seed: int) -> Candidates:
    drawn = np.random.default_rng(seed)
    figures = {
        field.name: drawn.random(count).astype(np.float32)
        for field in fields(Candidates)
        if field.name not in {"ids", "languages"}
    }
    figures["late"] = np.full(count, np.nan, np.float32)
    languages = drawn.integers(0, 4, count)
    return Candidates(ids=np.arange(count) + 1, languages=languages, **figures)


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_those_that_join_are_weighed_as_if_they_had_been_there(seed: int, fair: bool):
    every = candidates(40, seed)
    first, others = np.arange(30), np.arange(30, 40)
    outlook = Outlook(known=0.7, at_home=0.3, translated=0.2, fair=fair)
    joined = weigh(Formulation(every.taken(first), outlook)).joined_by([every.taken(others)])
    at_once = weigh(Formulation(every, outlook))
    assert joined.candidates.ids.tolist() == at_once.candidates.ids.tolist()
    np.testing.assert_array_equal(joined.dense, at_once.dense)
    np.testing.assert_array_equal(joined.home, at_once.home)
    assert joined.home.any() == fair
    np.testing.assert_array_equal(joined.lexical, at_once.lexical)


@pytest.mark.parametrize("seed", range(5))
def test_late_interaction_weighs_vectors_anew_and_words_not(seed: int):
    before = weigh(Formulation(candidates(40, seed), CERTAIN))
    late = np.random.default_rng(seed).normal(scale=0.1, size=40).astype(np.float32)
    late[25:] = np.nan
    after = before.with_late([late])
    found = after.candidates
    expected = dense_evidence(found.z_scores, late, 1.0, WITH_TOKENS)
    np.testing.assert_array_equal(after.dense[:25], expected[:25])
    np.testing.assert_array_equal(after.lexical, before.lexical)
    assert after.totals[25:].max() < after.totals[:25].min(), "what was not compared follows"
    moved = before.totals[25:] - after.totals[25:]
    assert moved.min() >= 0
    assert np.ptp(moved) < 1e-4, "and keeps its order"


@pytest.mark.parametrize("late", [False, True])
def test_evidence_of_each_kind_has_the_mean_odds_of_all_formulations(late: bool):
    one, other = candidates(30, 3), candidates(30, 4)
    other = replace(other, ids=one.ids, languages=one.languages)
    outlooks = CERTAIN, Outlook(known=0.4, at_home=0.1, translated=0.5, fair=True)
    formulations = [Formulation(*parts) for parts in zip((one, other), outlooks, strict=True)]
    weights = WITH_TOKENS if late else WITHOUT_TOKENS
    each, together = [weigh(formulation) for formulation in formulations], weigh(*formulations)
    if late:
        matches = np.random.default_rng(5).normal(scale=0.1, size=(2, 31)).astype(np.float32)
        each = [
            evidence.with_late([match[evidence.ids]])
            for evidence, match in zip(each, matches, strict=True)
        ]
        together = together.with_late([match[together.ids] for match in matches])
    for kind in ("dense", "home", "lexical"):
        by_id = [getattr(evidence, kind)[np.argsort(evidence.ids)] for evidence in each]
        slope = WITHOUT_TOKENS.slope if kind == "lexical" else weights.slope
        expected = np.log(np.mean(np.exp(slope * np.array(by_id, np.float64)), axis=0)) / slope
        joined = getattr(together, kind)[np.argsort(together.ids)]
        np.testing.assert_allclose(joined, expected, atol=1e-4, err_msg=kind)


def test_scores_fall_with_the_evidence_and_with_the_size_of_the_corpus():
    evidence = weigh(Formulation(candidates(20, 1), CERTAIN))
    small, large = (
        evidence.scored(None, effective_corpus_size=size, log_odds=0.0) for size in (30, 10_000)
    )
    assert small.ids.tolist() == evidence.candidates.ids.tolist() == large.ids.tolist()
    assert (np.diff(small.scores) <= 0).all()
    assert (large.scores < small.scores).all()
    likelier = evidence.scored(None, effective_corpus_size=10, log_odds=1.0)
    assert (likelier.scores > small.scores).all()
