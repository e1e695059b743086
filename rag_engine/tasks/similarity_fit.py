"""Fits how a model's cosines become probabilities: see ``calibration.similarity_scale``.

What is usual is fitted by least squares to the mean cosines of unrelated sentences, a pair of
languages each. The rest is a logistic regression of translations against their nearest misses, all
pairs of languages alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.errors import InvalidInput
from rag_engine.ports import Float32Array
from rag_engine.tasks.similarity import Side

__all__ = ["fit_scale", "language_pairs", "logistic_fit", "nearest_misses"]

_STEPS = 30


def fit_scale(sides: Mapping[str, Side], prior: LanguagePrior) -> SimilarityScale:
    """Fit the scale to the same sentences in some languages, each side in one of them.

    Raises:
        InvalidInput: the prior does not have a language.
    """
    pairs = list(language_pairs(sorted(sides)))
    places = {code: _place(side.languages[0], prior) for code, side in sides.items()}
    spreads = {code: float(np.log(1 - place @ place)) for code, place in places.items()}
    products = np.array([places[one] @ places[other] for one, other in pairs])
    cosines = [sides[one].vectors @ sides[other].vectors.T for one, other in pairs]
    means = [between[~np.eye(len(between), dtype=np.bool_)].mean() for between in cosines]
    by_places, usual = np.polyfit(products, means, 1)
    features, rights = [], []
    for (one, other), product, between in zip(pairs, products, cosines, strict=True):
        above = between - (usual + by_places * product)
        for value, found in zip((1.0, 0.0), nearest_misses(above), strict=True):
            spread = np.full(len(found), spreads[one] + spreads[other])
            features.append(np.stack([found, spread], axis=1))
            rights.append(np.full(len(found), value))
    intercept, slope, by_spread = logistic_fit(np.concatenate(features), np.concatenate(rights))
    middle = float(np.mean(list(spreads.values())))
    return SimilarityScale(
        usual=float(usual),
        by_places=float(by_places),
        spread=middle,
        at=float(-(intercept + by_spread * 2 * middle) / slope),
        slope=float(slope),
        by_spread=float(by_spread),
        fitted_on=tuple(side.languages[0] for side in sides.values()),
    )


def _place(language: str, prior: LanguagePrior) -> Float32Array:
    place = prior.place(language)
    if place is None:
        raise InvalidInput(f"the prior does not have the language {language!r}")
    return place


def language_pairs(codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every two languages."""
    return combinations(codes, 2)


def nearest_misses(similarities: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return the similarity of each sentence with its translation, and with its nearest miss.

    ``similarities`` is ``(n, n)``, translations on the diagonal; a miss is any other sentence.

    >>> right, wrong = nearest_misses(np.array([[0.9, 0.2, 0.3], [0.1, 0.8, 0.0], [0, 0, 0.7]]))
    >>> right.tolist(), wrong.tolist()
    ([0.9, 0.8, 0.7], [0.3, 0.1, 0.0])
    """
    others = similarities.copy()
    np.fill_diagonal(others, -np.inf)
    return np.diag(similarities).copy(), others.max(axis=1)


def logistic_fit(
    features: npt.NDArray[np.floating], right: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return intercept and weights of a logistic regression, by Newton's method.

    >>> weights = logistic_fit(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1.0]))
    >>> round(float(-weights[0] / weights[1]), 3)
    1.5
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    design = np.column_stack([np.ones(len(features)), (features - mean) / deviation])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        curvature = (design * (probability * (1 - probability))[:, np.newaxis]).T @ design
        weights += np.linalg.solve(curvature, design.T @ (right - probability))
    slopes = weights[1:] / deviation
    return np.concatenate([[weights[0] - slopes @ mean], slopes])
