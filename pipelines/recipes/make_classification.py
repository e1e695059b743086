"""Fits the scale of classification of the bundled model: ``make_classification FOLDER CACHE``.

``FOLDER`` is SIB-200's ``data/annotated``; the languages are those that the scale of similarity was
fitted on, and the texts its ``train`` split. ``CACHE`` is a folder of vectors: no text is embedded
twice. What is printed stands in ``rag_engine/calibration/prior.py``.

Labels are the seven topics, by name in one of eight languages or with a description. Sets of two to
six are drawn of them; texts of the others are those that no label fits, and weigh together what the
texts of one label do. Slope and "none" have the greatest likelihood there. Each topic is left out
of fitting in turn, and what it then changes is printed too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.classification_scale import ClassificationScale
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.bench.sib200 import DESCRIBED, NAMES, languages_of, read_topics
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Embedder, Float32Array
from rag_engine.tasks.classification import Label, embedded_labels, label_cosines
from rag_engine.tasks.similarity import Side, embedded_side
from rag_engine.text.codes import normalise_language

__all__ = ["Task", "fit_classification", "main"]

_SETS = 4
"""Sets of labels a language and a form of the labels."""
_STEPS = 12

Task = tuple[npt.NDArray[np.floating], npt.NDArray[np.intp]]
"""Cosines ``(n, n_labels)``, and which label each text is of: ``n_labels`` for none."""


def fit_classification(tasks: Sequence[Task]) -> ClassificationScale:
    """Return the constants with the greatest likelihood, by Newton's method.

    The logits are linear in the slope and in the logit of "none", so there is one greatest.
    """
    weights = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        gradient, curvature = np.zeros(2), np.zeros((2, 2))
        for task in tasks:
            of_task = _derivatives(weights, task)
            gradient += of_task[0]
            curvature += of_task[1]
        weights += np.linalg.solve(curvature, gradient)
    slope, logit = weights.tolist()
    return ClassificationScale(slope=round(slope, 2), none=round(logit / slope, 4))


def _derivatives(
    weights: npt.NDArray[np.float64], task: Task
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return gradient and curvature of a task's mean log likelihood.

    Texts of no label weigh together what those of one label do.
    """
    cosines, truths = task[0].astype(np.float64), task[1]
    count = cosines.shape[1]
    outside = truths == count
    share = np.ones(len(truths))
    share[outside] = (~outside).sum() / count / max(1, outside.sum())
    share /= share.sum()
    slope, logit = weights.tolist()
    scale = ClassificationScale(slope=slope, none=logit / slope)
    every = scale.probabilities(cosines)
    of_labels, of_none = every[:, :-1], every[:, -1]
    expected = np.stack([(of_labels * cosines).sum(axis=1), of_none], axis=1)
    found = np.zeros_like(expected)
    found[outside, 1] = 1
    inside = np.flatnonzero(~outside)
    found[inside, 0] = cosines[inside, truths[inside]]
    squares = np.stack([(of_labels * cosines**2).sum(axis=1), of_none], axis=1)
    curvature = np.diag((share[:, np.newaxis] * squares).sum(axis=0))
    curvature -= (share[:, np.newaxis] * expected).T @ expected
    return (share[:, np.newaxis] * (found - expected)).sum(axis=0), curvature


def _tasks(
    sides: Sequence[tuple[Side, list[str]]],
    embedder: Embedder,
    prior: LanguagePrior,
    without: str | None,
) -> list[Task]:
    """Return tasks whose labels are all but one, which no text is of either."""
    forms = [[Label(name, "", code) for name in names] for code, names in NAMES.items()]
    every = [embedded_labels(form, embedder, None) for form in forms]
    described = embedded_labels(DESCRIBED, embedder, None)
    topics = [label.name for label in DESCRIBED]
    usable = [place for place, topic in enumerate(topics) if topic != without]
    generator = np.random.default_rng(0)
    found: list[Task] = []
    for number, (side, of) in enumerate(sides):
        truths = np.array([topics.index(topic) for topic in of], dtype=np.intp)
        rows = np.flatnonzero(np.isin(truths, usable))
        kept = Side(side.vectors[rows], [side.languages[row] for row in rows.tolist()])
        for labels in (every[0], every[number % len(every)], described):
            cosines = label_cosines(kept, labels, prior)
            found += [_drawn(cosines, truths[rows], usable, generator) for _ in range(_SETS)]
    return found


def _drawn(
    cosines: Float32Array,
    truths: npt.NDArray[np.intp],
    usable: Sequence[int],
    generator: np.random.Generator,
) -> Task:
    """Draw a set of two labels at least, and leave one at least out."""
    chosen = generator.permutation(usable)[: int(generator.integers(2, len(usable)))]
    places = {int(label): place for place, label in enumerate(chosen)}
    return cosines[:, chosen], np.array([places.get(int(t), len(chosen)) for t in truths])


def main(arguments: Sequence[str]) -> None:
    """Fit the scale of the bundled model with its adapter, and print it."""
    folder, kept = (Path(each) for each in arguments)
    embedder = BundledE5()
    prior = load_prior(embedder.contract.weights)
    if prior is None or prior.similarity is None:
        raise SystemExit("the bundled model has no scale of similarity: make it first")
    fitted_on = set(prior.similarity.fitted_on)
    codes: dict[str, str] = {}
    for code in languages_of(folder):
        if (name := normalise_language(code)) in fitted_on:
            codes.setdefault(name, code)
    sides = []
    with VectorCache(kept) as cache, Bar() as bar:
        cached = CachedEmbedder(embedder, cache)
        for number, (name, code) in enumerate(sorted(codes.items())):
            bar.stage("languages", number, len(codes))
            read = read_topics(folder, code, ["train"])
            sides.append((embedded_side(read.texts, cached, None, name), list(read.topics)))
        for without in (None, *(label.name for label in DESCRIBED)):
            scale = fit_classification(_tasks(sides, cached, prior, without))
            sys.stdout.write(f"without {without}: {scale}\n")
    sys.stdout.write(f"fitted_on={tuple(sorted(codes))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
