"""The scale of similarity: constants that made some vectors are found again in them."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.tasks.similarity import Side
from rag_engine.tasks.similarity_fit import fit_scale

LANGUAGES = ["aa", "ab", "af", "ak", "am", "an"]


def test_what_is_usual_is_found_again_and_half_lies_between_translations_and_misses():
    random = np.random.default_rng(3)
    count, width = 200, 64
    meanings = random.normal(size=(count, width)) / np.sqrt(width)
    middle = np.zeros(width)
    middle[0] = 0.8
    offsets = np.zeros((len(LANGUAGES), width))
    offsets[:, 1] = np.linspace(-0.3, 0.3, len(LANGUAGES))
    prior = LanguagePrior(tuple(LANGUAGES), offsets.astype(np.float32), middle.astype(np.float32))
    sides = {}
    for language, offset in zip(LANGUAGES, offsets, strict=True):
        noise = 0.3 * random.normal(size=(count, width)) / np.sqrt(width)
        vectors = middle + offset + 0.5 * (meanings + noise)
        sides[language] = Side(vectors.astype(np.float32), [language] * count)
    scale = fit_scale(sides, prior)
    assert scale.by_places == pytest.approx(1, abs=0.1)
    assert scale.usual == pytest.approx(0, abs=0.1)
    assert scale.slope > 0
    above = 0.25 * (meanings**2).sum(axis=1).mean()
    assert 0 < scale.at < above  # translations have about that above the usual
    spreads = np.float32(2 * scale.spread)
    assert scale.probability(np.float32(above), spreads) > 0.5
    assert scale.probability(np.float32(0), spreads) < 0.2
