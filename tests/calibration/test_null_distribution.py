"""The null distribution: moments by hand, small corpora, and what a sample of a corpus says."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.null_distribution import (
    TOKENS,
    ModelPrior,
    NullDistribution,
    joined_tokens,
)
from rag_engine.calibration.token_space import centred_tokens

MODEL = ModelPrior(0.3, 0.07, log_odds=-0.3)


def unit(count: int, width: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return centred_tokens(drawn, np.zeros(width, np.float32))


def test_moments_by_hand():
    passages = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    null = NullDistribution(passages, np.empty((0, 0), np.float32), prior=None)
    moments = null.cosine_moments(np.array([1, 0], np.float32))
    assert moments.mean == pytest.approx(np.mean([1, 0.6, 0]))
    assert moments.std == pytest.approx(np.std([1, 0.6, 0]))


def test_few_passages_lean_on_what_is_usual():
    question = unit(1, 8, 1)[0]
    one = NullDistribution(question[np.newaxis], np.empty((0, 0), np.float32), prior=MODEL)
    assert one.cosine_moments(question).mean == pytest.approx(1 / 21 + 20 / 21 * 0.3, abs=1e-6)
    assert one.cosine_moments(question).std == pytest.approx(20 / 21 * 0.07, abs=1e-6)
    none = NullDistribution(np.empty((0, 8), np.float32), np.empty((0, 0), np.float32), prior=MODEL)
    assert none.cosine_moments(question).mean == pytest.approx(0.3)


def test_equal_cosines_do_not_divide_by_zero():
    question = unit(1, 8, 1)[0]
    alike = NullDistribution(np.tile(question, (50, 1)), np.empty((0, 0), np.float32), prior=None)
    assert alike.cosine_moments(question).std > 0


def test_a_chance_match_is_what_one_token_in_a_hundred_exceeds():
    tokens, question = unit(20_000, 64, 2), unit(5, 64, 3)
    weights = np.array([1, 2, 3, 4, 5], dtype=np.float32)
    chance = NullDistribution(unit(1, 8, 1), tokens, prior=None).chance_match(question, weights)
    exceeded = [float(np.quantile(tokens @ each, 0.99)) for each in question]
    assert chance == pytest.approx(np.average(exceeded, weights=weights), abs=0.01)


def test_no_weight_no_match():
    null = NullDistribution(unit(1, 8, 1), unit(10, 8, 2), prior=None)
    assert null.chance_match(unit(2, 8, 3), np.zeros(2, np.float32)) == 0


@pytest.mark.parametrize(("corpus_tokens", "own"), [(0, 0), (5_000, 32), (500_000, 63)])
def test_a_small_corpus_is_filled_up_by_shipped_tokens(corpus_tokens: int, own: int):
    mine, shipped = np.zeros((1_000, 4), np.float32), np.ones((TOKENS, 4), np.float32)
    joined = joined_tokens(mine, corpus_tokens, shipped, np.random.default_rng(1))
    assert joined.shape == (TOKENS, 4)
    assert int((joined[:, 0] == 0).sum()) == own


def test_arrays_there_and_back():
    null = NullDistribution(unit(5, 8, 1), unit(3, 4, 2), prior=MODEL)
    again = NullDistribution.from_arrays(null.to_arrays())
    np.testing.assert_allclose(again.passages, null.passages, atol=1e-3)
    np.testing.assert_allclose(again.tokens, null.tokens, atol=1e-3)
    assert again.prior == MODEL
    nothing = NullDistribution(unit(5, 8, 1), unit(3, 4, 2), prior=None)
    assert NullDistribution.from_arrays(nothing.to_arrays()).prior is None


def test_arrays_from_before_models_had_priors_of_their_own():
    arrays = NullDistribution(unit(5, 8, 1), unit(3, 4, 2), prior=MODEL).to_arrays()
    assert NullDistribution.from_arrays({**arrays, "usual": np.array(True)}).prior == ModelPrior(
        0.44, 0.047
    )
    assert NullDistribution.from_arrays({**arrays, "usual": np.array(False)}).prior is None
