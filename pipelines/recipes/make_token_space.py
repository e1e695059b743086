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

from rag_engine.calibration.token_directions import TokenDirections
from rag_engine.calibration.token_space import TOKEN_SPACE_FILES
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.pipelines.recipes.make_prior import ADAPTED
from rag_engine.text.codes import normalise_language

__all__ = ["main"]

_VERSION = "2"
_SENTENCES = 100
"""Sentences a language: the covariance of 384 directions needs no more."""


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


def main(arguments: Sequence[str]) -> None:
    """Compute the token space of the bundled model and write it into the folder ``OUT``."""
    adapted = arguments[-1] == ADAPTED
    *paths, folder = (Path(each) for each in arguments[:3])
    embedder = BundledE5(adapter=adapted)
    directions = TokenDirections(embedder.dimension)
    whole = np.eye(embedder.dimension, dtype=np.float32)
    for _, texts in sorted(_sentences(paths).items()):
        directions.add(*embedder.embed_passage_tokens(texts, whole))
    basis, background = directions.found()
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
