"""The constants of classification are found again in what was drawn with them."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.classification_scale import ClassificationScale
from rag_engine.pipelines.recipes.make_classification import fit_classification


def test_the_constants_are_found_again():
    generator = np.random.default_rng(0)
    true = ClassificationScale(slope=12.0, none=0.15)
    tasks = []
    for _ in range(8):
        cosines = generator.normal(0.1, 0.15, (4000, 3))
        chance = true.probabilities(cosines).cumsum(axis=1)
        truths = (generator.random((4000, 1)) > chance).sum(axis=1)
        # As many texts of none as of a label: then their weights are all alike.
        none, some = np.flatnonzero(truths == 3), np.flatnonzero(truths < 3)
        tasks.append((cosines, truths))
        assert abs(len(none) - len(some) / 3) < 1200
    found = fit_classification(tasks)
    assert found.slope == pytest.approx(12.0, rel=0.05)
    assert found.none == pytest.approx(0.15, abs=0.06)
