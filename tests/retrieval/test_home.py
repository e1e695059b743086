"""How likely the answer is at home: what the nearest passages and the best words say of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rag_engine.retrieval.home import NEAREST, HomeWeights, best_at_home, home_evidence

PLAIN = HomeWeights(usual=-1.0, nearest=2.0, words=3.0, lead=0.5, lead_words=1.0)


def passages(at_home: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return dense evidence and whether at home: ``at_home`` of the nearest are."""
    dense = np.arange(count, 0, -1, dtype=np.float32)
    same = np.zeros(count, np.float32)
    same[:at_home] = 1
    same[NEAREST:] = 1
    return dense, same


def test_by_hand():
    dense, same = passages(at_home=5)
    words = np.full(40, 0.5, np.float32)
    expected = -1 + 2 * (math.log(5.5 / 15.5) - math.log(2.5 / 18.5)) + 3 * 0.5
    evidence, half = (
        home_evidence(dense, same, words, by_chance=0.1, translated=t, weights=PLAIN)
        for t in (0.0, 0.5)
    )
    np.testing.assert_allclose(evidence, same * expected, rtol=1e-5)
    np.testing.assert_allclose(half, same * (0.5 * expected - 0.5 * (0.5 + 0.5)), rtol=1e-5)


@pytest.mark.parametrize("words", [0.0, 0.4, 1.0])
def test_the_more_of_the_nearest_are_at_home_the_likelier_is_the_answer(words: float):
    best = np.full(40, words, np.float32)
    worth = [
        home_evidence(*passages(count), best, by_chance=0.2, translated=0.0)[0]
        for count in range(1, NEAREST + 1)
    ]
    assert (np.diff(worth) > 0).all()


def test_where_passages_are_translated_home_is_no_better():
    dense, same = passages(at_home=15)
    words = np.full(40, 0.8, np.float32)
    own_subjects, translated = (
        home_evidence(dense, same, words, by_chance=0.2, translated=t)[0] for t in (0.0, 1.0)
    )
    assert own_subjects > 0 > translated


def test_a_language_that_is_hardly_likely_weighs_hardly_anything():
    dense, same = passages(at_home=10)
    words = np.zeros(40, np.float32)
    sure, unsure = (
        home_evidence(dense, share * same, words, by_chance=0.2, translated=1.0)[0]
        for share in (1.0, 0.1)
    )
    assert unsure == pytest.approx(0.1 * sure)


def test_no_passages_at_all():
    nothing = np.empty(0, np.float32)
    assert best_at_home(nothing, np.empty(0, np.intp)).tolist() == []
    assert home_evidence(nothing, nothing, nothing, by_chance=0.0, translated=0.0).tolist() == []


def test_a_corpus_in_one_language_is_at_home_everywhere():
    dense, words = np.arange(30, 0, -1, dtype=np.float32), np.full(30, 0.5, np.float32)
    everywhere = np.ones(30, np.float32)
    worth = home_evidence(dense, everywhere, words, by_chance=1.0, translated=0.0, weights=PLAIN)
    np.testing.assert_allclose(worth, -1 + 3 * 0.5)
