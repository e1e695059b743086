"""Whether any passage answers: what each sign tells, and where signs come from."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rag_engine.calibration.null_distribution import ModelPrior
from rag_engine.calibration.twins import Twins
from rag_engine.retrieval.answerable import Signs, answerable, signs
from rag_engine.retrieval.candidates import Candidates

SEEN = Signs(nearest=4.5, lead=1.5, at_home=0.0, size=5.0, usual=True)
PRIOR = ModelPrior(0.4, 0.05)


def snapshot(prior=PRIOR, pairs=()):
    """Only what tells signs: the model's usual cosines, and which passages are translations."""
    null_distribution = SimpleNamespace(prior=prior)
    twins = Twins(np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return SimpleNamespace(
        calibration=SimpleNamespace(null_distribution=null_distribution), twins=twins
    )


def candidates(*scores, cosines=(0.6, 0.5), at_home=0.0):
    """Make passages 1, 2, ... with scores, best first; the cosines are in any order."""
    count = len(scores)
    nothing = np.zeros(count, dtype=np.float32)
    return Candidates(
        ids=np.arange(1, count + 1),
        languages=np.zeros(count, dtype=np.intp),
        same_language_probability=nothing + np.float32(at_home),
        scores=np.array(scores, dtype=np.float32),
        dense=np.resize(np.array(cosines, dtype=np.float32), count),
        dense_plain=nothing,
        z_scores=np.linspace(1, 3, count, dtype=np.float32),
        own_language_coverage=nothing,
        shared_term_coverage=nothing,
        literal_surprise=nothing,
        sparse=nothing,
        late=nothing,
        rerank=nothing,
        rank_before_rerank=np.zeros(count, dtype=np.int64),
    )


@pytest.mark.parametrize("usual", [True, False])
def test_each_sign_speaks_for_or_against_an_answer(usual):
    seen = replace(SEEN, usual=usual)
    usually = answerable(seen)
    assert 0 < usually < 1
    for likelier in (
        replace(seen, nearest=5.5),
        replace(seen, lead=2.5),
        replace(seen, size=4.0),
        replace(seen, at_home=-1.0),
    ):
        assert answerable(likelier) > usually


def test_nothing_found_is_no_answer():
    assert signs(candidates(), snapshot(), 9.0) is None
    assert answerable(None) == 0.0


def test_of_few_passages_an_unknown_model_tells_nothing():
    few = signs(candidates(0.9, 0.2), snapshot(prior=None), 20.0)
    assert answerable(few) is None
    assert answerable(signs(candidates(0.9, 0.2), snapshot(prior=None), 21.0)) is not None
    assert answerable(signs(candidates(0.9, 0.2), snapshot(), 2.0)) is not None


def test_signs_beyond_all_measure_are_certain():
    assert answerable(replace(SEEN, nearest=-1e6)) == pytest.approx(0, abs=1e-9)
    assert answerable(replace(SEEN, nearest=1e6)) == pytest.approx(1, abs=1e-9)


def test_the_nearest_is_told_by_what_the_model_gives_usually():
    assert signs(candidates(0.5, 0.2), snapshot(), 9.0).nearest == pytest.approx(4.0)
    assert signs(candidates(0.5, 0.2, cosines=(0.5, 0.6)), snapshot(), 9.0).nearest == (
        pytest.approx(4.0)
    )


def test_of_a_model_that_nobody_knows_the_corpus_tells():
    seen = signs(candidates(0.5, 0.2, 0.1), snapshot(prior=None), 9.0)
    assert (seen.nearest, seen.usual) == (3.0, False)
    assert answerable(seen) != answerable(replace(seen, usual=True))


def test_the_lead_is_over_those_that_follow_ten_in_all():
    assert signs(candidates(0.5, 0.5), snapshot(), 9.0).lead == 0
    odds = np.log(9)
    assert signs(candidates(0.9, 0.5, 0.5), snapshot(), 9.0).lead == pytest.approx(odds, abs=1e-5)
    many = candidates(0.9, *[0.5] * 9, *[0.1] * 20)
    assert signs(many, snapshot(), 9.0).lead == pytest.approx(odds, abs=1e-5)


def test_translations_of_the_best_are_no_rivals_of_it():
    found = candidates(0.9, 0.9, 0.5)
    alone = signs(found, snapshot(), 9.0).lead
    translated = signs(found, snapshot(pairs=[(1, 2)]), 9.0).lead
    assert translated == pytest.approx(np.log(9), abs=1e-5)
    assert translated > alone


def test_a_passage_that_is_alone_is_neither_favoured_nor_refused_for_it():
    seen = signs(candidates(0.5), snapshot(), 1.0)
    assert 1.5 < seen.lead < 5.4
    assert seen.size == pytest.approx(np.log(20))


def test_certain_scores_stay_numbers():
    assert np.isfinite(answerable(signs(candidates(1.0, 0.0), snapshot(), 9.0)))
