"""Fits the scale of similarity of the bundled model: ``make_similarity PARALLEL CACHE``.

``PARALLEL`` is as for ``rag-engine bench similarity`` (FLORES); of its languages every other one is
fitted on, and the bench measures on the rest. ``CACHE`` is a folder of vectors: no text is embedded
twice. What is printed stands in ``rag_engine/calibration/prior.py``.

How it is fitted, and for any other model, is in ``rag_engine/tasks/similarity_fit.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rag_engine.calibration.prior import load_prior
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.bench.parallel import (
    embedded,
    evenly,
    halves,
    read_parallel,
)
from rag_engine.pipelines.progress import Bar
from rag_engine.tasks.similarity_fit import fit_scale

__all__ = ["main"]

_SENTENCES = 300
_LANGUAGES = 24


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
