"""``rag-engine bench similarity``: are translations told from near misses, by one threshold?

For every two languages, each sentence's translation stands against its nearest miss: the other
sentence of that language that the measure itself finds most similar. Within one pair of languages
raw cosines and ours order alike; what ours are for is that a figure means the same in all pairs.
So, over all pairs together:

- **AUROC**: how often a translation is above a miss, be they of the same pair or of others.
- **accuracy** at one threshold: 0.5 for ours, fixed before; for raw cosines the best there is for
  these very pairs.
- **calibration error**: by how much a figure differs from how often it is right, the mean over
  tenths (Naeini et al. 2015, "Obtaining Well Calibrated Probabilities", section 2), over all and
  as the mean over pairs of languages. Raw cosines become probabilities by the best logistic map for
  these very pairs.

The constants of ours were fitted on other languages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.bench.parallel import (
    ReadParallel,
    auroc,
    embedded,
    evenly,
    halves,
    language_pairs,
    logistic_fit,
    nearest_misses,
    read_parallel,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Float32Array
from rag_engine.settings import Settings
from rag_engine.tasks.similarity import Side, compared, scaled_prior
from rag_engine.text.codes import normalise_language

__all__ = ["bench_similarity", "best_threshold", "calibration_error", "logistic_map"]

_OTHERS = 8
"""Languages that the prior does not have: so many are measured too."""
_BINS = 10
_SHOWN = 5

_Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class _Found:
    """Of one pair of languages the figures of translations and of their nearest misses."""

    pair: tuple[str, str]
    right: _Floats
    wrong: _Floats

    @property
    def figures(self) -> _Floats:
        return np.concatenate([self.right, self.wrong])

    @property
    def truths(self) -> _Floats:
        return np.repeat([1.0, 0.0], [len(self.right), len(self.wrong)])


def bench_similarity(
    path: Path, settings: Settings, *, sentences: int, languages: int | None, cache: Path | None
) -> Outcome:
    """Measure on parallel sentences (``read_parallel``) in languages that nothing was fitted on.

    Raises:
        InvalidInput: the file can not be read; too few sentences or languages; a model without a
            scale.
    """
    if sentences < 2 or (languages is not None and languages < 2):
        raise InvalidInput(
            "near misses need two sentences and two languages, got --sentences "
            f"{sentences} and --languages {languages}"
        )
    embedder = build_embedder(settings.embedder)
    prior = scaled_prior(embedder)
    read = read_parallel(path, sentences, prior)
    assert prior.similarity is not None
    fitted = prior.similarity.fitted_on
    held_out = [
        code
        for code in halves(sorted(read.known), prior)[1]
        if normalise_language(code) not in fitted
    ]
    codes = evenly(held_out, languages or len(held_out))
    others = evenly(sorted(read.others), _OTHERS)
    if len(codes) < 2:
        raise InvalidInput(f"{path} has fewer than two languages to measure on, got {codes}")
    with ExitStack() as opened, Bar() as bar:
        if cache is not None:
            store = opened.enter_context(VectorCache(cache))
            embedder = CachedEmbedder(embedder, store)
        sides = embedded(_chosen(read, [*codes, *others]), embedder, bar.stage)
    pairs = list(language_pairs(codes))
    mixed = [(code, other) for other in others for code in codes]
    groups = [(f"{len(codes)} languages held out", pairs)]
    groups += [(f"the same with {len(others)} unknown ones", mixed)] if others else []
    rows = []
    for name, group in groups:
        raw = _measure(group, sides, None)
        ours = _measure(group, sides, prior)
        rows.append({"pairs": name, "figure": "raw cosine", **_of_raw(raw)})
        rows.append({"pairs": name, "figure": "similarity", **_summary(ours, 0.5, None)})
    raw, ours = (_measure(pairs, sides, each) for each in (None, prior))
    threshold = _of_raw(raw)["threshold"]
    by_pair = [_of_pair(one, other, threshold) for one, other in zip(raw, ours, strict=True)]
    worst = sorted(by_pair, key=lambda row: float(row["similarity: accuracy"]))[:_SHOWN]
    result = {
        "machine": machine(),
        "sentences": len(next(iter(read.known.values()))),
        "languages": codes,
        "unknown": others,
        "rows": rows,
        "pairs": by_pair,
    }
    return Outcome(result=result, lines=[*table(_shown(rows)), "", *table(_shown(worst))])


def _chosen(read: ReadParallel, codes: Sequence[str]) -> dict[str, list[str]]:
    every = {**read.known, **read.others}
    return {code: every[code] for code in codes}


def _measure(
    pairs: Sequence[tuple[str, str]], sides: dict[str, Side], prior: LanguagePrior | None
) -> list[_Found]:
    return [
        _Found(pair, *nearest_misses(_similarities(sides[pair[0]], sides[pair[1]], prior)))
        for pair in pairs
    ]


def _similarities(one: Side, other: Side, prior: LanguagePrior | None) -> Float32Array:
    return compared(one, other, prior, matrix=True)


def _of_raw(found: list[_Found]) -> dict[str, float]:
    """Return the figures of raw cosines, at their best threshold and by their best map."""
    figures = np.concatenate([each.figures for each in found])
    truths = np.concatenate([each.truths for each in found])
    return _summary(found, best_threshold(figures, truths), logistic_map(figures, truths))


def _summary(
    found: list[_Found], threshold: float, to_probability: Callable[[_Floats], _Floats] | None
) -> dict[str, float]:
    right = np.concatenate([each.right for each in found])
    wrong = np.concatenate([each.wrong for each in found])
    accuracies = np.sort([_accuracy(each, threshold) for each in found])
    mapped = to_probability or (lambda figures: figures)
    errors = [calibration_error(mapped(each.figures), each.truths) for each in found]
    truths = np.repeat([1.0, 0.0], [len(right), len(wrong)])
    return {
        "AUROC": auroc(right, wrong),
        "threshold": threshold,
        "accuracy": float(accuracies.mean()),
        "worst tenth": float(accuracies[: max(1, len(accuracies) // 10)].mean()),
        "error": calibration_error(mapped(np.concatenate([right, wrong])), truths),
        "error by pair": float(np.mean(errors)),
    }


def _accuracy(found: _Found, threshold: float) -> float:
    return float(((found.right >= threshold).mean() + (found.wrong < threshold).mean()) / 2)


def _of_pair(raw: _Found, ours: _Found, threshold: float) -> dict[str, Any]:
    return {
        "pair": " ".join(ours.pair),
        "AUROC": auroc(ours.right, ours.wrong),
        "raw: accuracy": _accuracy(raw, threshold),
        "similarity: accuracy": _accuracy(ours, 0.5),
        "error": calibration_error(ours.figures, ours.truths),
    }


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]


def best_threshold(figures: _Floats, truths: _Floats) -> float:
    """Return from which figure on to say yes, so that most are right.

    >>> best_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 0, 1, 1.0]))
    0.6
    """
    order = np.argsort(-figures, kind="stable")
    gained = np.cumsum(np.where(truths[order] == 1, 1, -1))
    ends = np.flatnonzero(np.diff(figures[order], append=-np.inf) < 0)
    return float(figures[order][ends[gained[ends].argmax()]])


def calibration_error(probabilities: _Floats, truths: _Floats) -> float:
    """Return the expected calibration error over ten bins of equal width.

    >>> round(calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1, 0, 0, 0.0])), 3)
    0.25
    """
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    wrong = np.bincount(bins, truths - probabilities, minlength=_BINS)
    return float(np.abs(wrong).sum() / len(truths))


def logistic_map(figures: _Floats, truths: _Floats) -> Callable[[_Floats], _Floats]:
    """Return the logistic function of a figure that fits best what is true.

    >>> to_probability = logistic_map(np.array([0.0, 1, 2, 3]), np.array([0, 1, 0, 1.0]))
    >>> round(float(to_probability(1.5)), 3)
    0.5
    """
    intercept, slope = logistic_fit(figures[:, np.newaxis], truths)
    return lambda given: 1 / (1 + np.exp(-(intercept + slope * given)))
