"""Fits the scale of similarity of the bundled model: ``make_similarity PARALLEL CACHE``.

``PARALLEL`` is as for ``rag-engine bench similarity`` (FLORES); of its languages every other one is
fitted on, and the bench measures on the rest. ``CACHE`` is a folder of vectors: no text is embedded
twice. What is printed stands in ``rag_engine/calibration/prior.py``.

What is usual is fitted by least squares to cosines of unrelated sentences: whole ones and their
beginnings of a few words, as short texts are nearer to each other. The rest is a logistic
regression of translations against their nearest misses, all pairs of languages alike.
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

__all__ = ["beginnings", "fit_scale", "main"]

_SENTENCES, _SHORT = 300, 100
_LANGUAGES = 24
_WORDS, _CHARACTERS = 5, 14


def beginnings(texts: Sequence[str]) -> list[str]:
    """Return the first five words of each text, 14 characters of one that has no blanks.

    >>> beginnings(["one two three four five six"])
    ['one two three four five']
    """
    return [
        " ".join(words[:_WORDS]) if len(words := text.split()) > _WORDS else text[:_CHARACTERS]
        for text in texts
    ]


def fit_scale(
    whole: Mapping[str, Side], short: Mapping[str, Side], prior: LanguagePrior
) -> SimilarityScale:
    """Fit the scale to parallel sentences, and to beginnings of the same."""
    pairs = list(language_pairs(sorted(whole)))
    places = {code: _place(side.languages[0], prior) for code, side in whole.items()}
    spreads = {code: float(np.log(1 - place @ place)) for code, place in places.items()}
    rows, cosines = [], []
    for sides in (whole, short):
        for one, other in pairs:
            between = sides[one].vectors @ sides[other].vectors.T
            lengths = np.log(sides[one].tokens)[:, np.newaxis] + np.log(sides[other].tokens)
            apart = ~np.eye(len(between), dtype=np.bool_)
            product = np.full(between.shape, places[one] @ places[other])
            step = slice(None, None, 97)
            rows.append(np.stack([product[apart][step], lengths[apart][step]], axis=1))
            cosines.append(between[apart][step])
    design = np.concatenate(rows)
    design = np.column_stack([np.ones(len(design)), design])
    usual, by_places, by_length = np.linalg.lstsq(design, np.concatenate(cosines))[0]
    features, rights = [], []
    for one, other in pairs:
        lengths = np.log(whole[one].tokens)[:, np.newaxis] + np.log(whole[other].tokens)
        expected = usual + by_places * (places[one] @ places[other]) + by_length * lengths
        above = whole[one].vectors @ whole[other].vectors.T - expected
        for value, found in zip((1.0, 0.0), nearest_misses(above), strict=True):
            features.append(
                np.stack([found, np.full(len(found), spreads[one] + spreads[other])], axis=1)
            )
            rights.append(np.full(len(found), value))
    intercept, slope, by_spread = logistic_fit(np.concatenate(features), np.concatenate(rights))
    spread = float(np.mean(list(spreads.values())))
    return SimilarityScale(
        usual=float(usual),
        by_places=float(by_places),
        by_length=float(by_length),
        spread=spread,
        at=float(-(intercept + by_spread * 2 * spread) / slope),
        slope=float(slope),
        by_spread=float(by_spread),
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
    whole = {code: known[code] for code in fitted_on}
    short = {code: beginnings(texts[:_SHORT]) for code, texts in whole.items()}
    with VectorCache(folder) as cache, Bar() as bar:
        cached = CachedEmbedder(embedder, cache)
        sides = [embedded(texts, cached, bar.stage) for texts in (whole, short)]
    sys.stdout.write(f"{len(fitted_on)} languages: {' '.join(fitted_on)}\n")
    sys.stdout.write(f"{fit_scale(sides[0], sides[1], prior)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
