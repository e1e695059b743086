"""Fits the scale of similarity of the bundled model: ``make_similarity PARALLEL CACHE``.

``PARALLEL`` is as for ``rag-engine bench similarity`` (FLORES); of its languages every other one is
fitted on, and the bench measures on the rest. ``CACHE`` is a folder of vectors: no text is embedded
twice. What is printed stands in ``rag_engine/calibration/prior.py``.

What is usual is fitted by least squares to the mean cosines of unrelated sentences, a pair of
languages each. The rest is a logistic regression of translations against their nearest misses, all
pairs of languages alike.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.bench.parallel import (
    embedded,
    evenly,
    halves,
    language_pairs,
    logistic_fit,
    nearest_misses,
    read_parallel,
)
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Float32Array
from rag_engine.tasks.similarity import Side

__all__ = ["fit_scale", "main"]

_SENTENCES = 300
_LANGUAGES = 24


def fit_scale(sides: Mapping[str, Side], prior: LanguagePrior) -> SimilarityScale:
    """Fit the scale to parallel sentences in some languages."""
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
        raise SystemExit(f"the prior does not have the language {language!r}")
    return place


def main(arguments: Sequence[str]) -> None:
    """Fit the scale of the bundled model with its adapter, and print it."""
    path, folder = (Path(each) for each in arguments)
    embedder = BundledE5()
    prior = load_prior(embedder.contract.weights)
    if prior is None:
        raise SystemExit("the bundled model has no prior: make it first (make_prior)")
    known = read_parallel(path, _SENTENCES, prior).known
    fitted_on = evenly(halves(sorted(known), prior)[0], _LANGUAGES)
    with VectorCache(folder) as cache, Bar() as bar:
        cached = CachedEmbedder(embedder, cache)
        sides = embedded({code: known[code] for code in fitted_on}, cached, bar.stage)
    sys.stdout.write(f"{fit_scale(sides, prior)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
