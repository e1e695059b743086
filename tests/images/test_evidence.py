"""The probabilities of pictures: what chance gives, and what is above it."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.images.background import BACKGROUND
from rag_engine.images.evidence import background, evidence, posterior, tail, z_scores


def test_evidence_is_worth_one_by_chance():
    """The integral over p from 0 to 1: what makes it an e-value (Vovk and Wang 2021)."""
    x = np.linspace(0, 60, 2_000_001)  # p = exp(-x), dp = exp(-x) dx
    p = np.exp(-x[1:])
    whole = np.trapezoid(evidence(p) * p, x[1:]) if hasattr(np, "trapezoid") else None
    if whole is None:  # numpy 1
        whole = np.trapz(evidence(p) * p, x[1:])
    assert whole == pytest.approx(1, abs=0.02)  # what lies beyond x = 60 is 1 / 60
    assert (np.diff(evidence(np.linspace(1e-6, 1, 1_000))) < 0).all()


def test_evidence_is_finite_where_chance_never_goes():
    p = tail(np.array([-40.0, 0.0, 8.0, 60.0], np.float32))
    assert np.isfinite(evidence(p)).all()
    assert evidence(p)[0] == pytest.approx(0.5)


def test_probabilities_of_one_question_are_less_than_one_together():
    evidences = np.random.default_rng(1).exponential(size=500) ** 8
    assert 0.5 < posterior(evidences, 500).sum() < 1
    assert posterior(np.ones(500), 500).sum() == pytest.approx(0.5)
    assert posterior(np.ones(500), 5).sum() == pytest.approx(0.5)  # never fewer than pictures
    assert posterior(np.ones(500), 5_000).sum() == pytest.approx(0.05)
    assert (posterior(evidences, 600) < posterior(evidences, 500)).all()


@pytest.mark.parametrize("images", [1, 2, 5, 40])
def test_by_chance_scores_are_standard_normal(images):
    """For few pictures as for many, whatever a picture or a question adds to all its cosines."""
    chance = np.random.default_rng(images)
    found = []
    for _ in range(300):
        levels = chance.normal(0.2, 0.05, size=images)
        cosines = (
            levels
            + chance.normal(0, 0.03, size=(200, 1))
            + chance.normal(0, 0.02, size=(200, images))
        ).astype(np.float32)
        found.append(z_scores(cosines[0], background(cosines[1:])))
    scores = np.concatenate(found)
    assert abs(scores.mean()) < 0.15
    assert 0.9 < scores.std() < 1.15


def test_a_picture_that_answers_does_not_raise_its_own_bar():
    """Of two pictures one answers: were it counted among the others, half of it would be gone."""
    chance = np.random.default_rng(3)
    by_chance = background(
        (chance.normal(0, 0.03, (500, 1)) + chance.normal(0, 0.02, (500, 2))).astype(np.float32)
    )
    right, other = z_scores(np.array([0.25, 0.0], np.float32), by_chance)
    assert right > 7
    assert other < 0


def test_a_language_that_lies_nearer_to_every_picture_gains_nothing():
    chance = np.random.default_rng(4)
    english = chance.normal(0.2, 0.02, size=(16, 30)).astype(np.float32)
    swahili = english + chance.normal(0.1, 0.05, size=30).astype(np.float32)  # of each picture
    asked = english[0] + (swahili - english)[0]
    np.testing.assert_allclose(
        z_scores(asked, background(swahili)), z_scores(english[0], background(english)), atol=1e-3
    )


def test_every_language_has_the_same_questions():
    assert len({len(texts) for texts in BACKGROUND.values()}) == 1
    every = [text for texts in BACKGROUND.values() for text in texts]
    assert len(set(every)) == len(every)
