"""Computes the shipped token space: ``make_token_space TATOEBA NTREX OUT [adapted]``.

The files are those of ``make_prior``, from which this takes sentences of every language. ``OUT``
receives ``token_space_e5_small.npz``, or, with the bundled adapter,
``token_space_e5_small_adapted.npz``: a float16 basis, a float16 background and the SHA-256 of the
model's weights. No sentence can be read from it. The result depends on nothing else.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TOKEN_SPACE_FILES
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.pipelines.recipes.make_prior import ADAPTED
from rag_engine.ports import Float32Array, TokenEmbedder
from rag_engine.text.codes import normalise_language

__all__ = ["main", "principal_directions"]

_VERSION = "2"
_WIDTH = 128
_SENTENCES = 100
"""Sentences a language: the covariance of 384 directions needs no more."""
_BACKGROUND = 64
_SEED = 20_261_124


def principal_directions(covariance: npt.NDArray[np.float64], width: int) -> Float32Array:
    """Return the ``width`` directions of greatest variance, ``(width, dimension)`` float32.

    >>> principal_directions(np.diag([1.0, 3.0]), 1).round(3).tolist()
    [[0.0, 1.0]]
    """
    found: Float32Array = np.linalg.eigh(covariance)[1][:, ::-1][:, :width].T.astype(np.float32)
    signs: Float32Array = np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])
    return found * signs[:, np.newaxis]


def _sentences(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Gather the first sentences of each language, English among them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                for language, text in (
                    (normalise_language(row["language"]), row["text"].strip()),
                    ("en", row.get("english", "")),
                ):
                    if text and len(found[language]) < _SENTENCES:
                        found[language].append(text)
    return found


def _states(
    embedder: TokenEmbedder, texts: Sequence[str]
) -> tuple[npt.NDArray[np.float64], Float32Array]:
    """Return the language-centred token vectors of texts, full width, and their weights."""
    whole = np.eye(embedder.dimension, dtype=np.float32)
    vectors, tokens = embedder.embed_passage_tokens(texts, whole)
    states = np.concatenate([each.vectors for each in tokens]).astype(np.float64)
    return states - vectors.mean(axis=0), np.concatenate([each.weights for each in tokens])


def main(arguments: Sequence[str]) -> None:
    """Compute the token space of the bundled model and write it into the folder ``OUT``."""
    adapted = arguments[-1] == ADAPTED
    *paths, folder = (Path(each) for each in arguments[:3])
    embedder = BundledE5(adapter=adapted)
    random = np.random.default_rng(_SEED)
    covariance = np.zeros((embedder.dimension, embedder.dimension))
    pooled: list[npt.NDArray[np.float64]] = []
    for _, texts in sorted(_sentences(paths).items()):
        states, weights = _states(embedder, texts)
        covariance += states.T @ states / len(states)
        chances = weights.astype(np.float64) / weights.sum(dtype=np.float64)
        pooled.append(states[random.choice(len(states), 16, p=chances)])
    basis = principal_directions(covariance, _WIDTH)
    sample = np.concatenate(pooled)[random.permutation(16 * len(pooled))[:_BACKGROUND]] @ basis.T
    background = sample / np.linalg.norm(sample, axis=1, keepdims=True)
    with (folder / TOKEN_SPACE_FILES[adapted]).open("wb") as file:
        np.savez_compressed(
            file,
            version=np.array(_VERSION),
            weights=np.array(embedder.contract.weights),
            basis=basis.astype(np.float16),
            background=background.astype(np.float16),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
