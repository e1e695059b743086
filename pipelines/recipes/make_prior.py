"""Computes the shipped language prior: ``make_prior TATOEBA NTREX OUT [adapted]``.

``TATOEBA`` and ``NTREX`` are gzipped JSON Lines of parallel sentences: the first with the fields
``language`` (ISO 639-3), ``text`` and ``english``, the second with ``language``, ``sentence`` (the
same number for the same content) and ``text``. ``OUT`` receives ``prior_e5_small.npz``, or, with
the bundled adapter, ``prior_e5_small_adapted.npz``: a float16 offset a language and the SHA-256 of
the model's weights. The result depends on nothing else.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.prior import PRIOR_FILES
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.ports import Embedder
from rag_engine.text.codes import normalise_language

__all__ = ["ADAPTED", "main", "prior_offsets"]

ADAPTED = "adapted"
_FULL_TRUST = 600
"""Sentences from which a mean is as good as it gets; fewer weigh less."""
_ENOUGH = 100

_Array = npt.NDArray[np.float64]


def prior_offsets(
    tatoeba: Mapping[str, tuple[_Array, int]], news: Mapping[str, _Array]
) -> dict[str, _Array]:
    """Join two estimates of each language's offset into one, around the mean of all languages.

    ``tatoeba`` maps a language to its mean less that of its English translations, and the number
    of sentences; ``news`` to the mean over the same sentences in every language. The second is
    moved into the frame of the first by the languages that both have.
    """
    common = [name for name in sorted(news) if name in tatoeba and tatoeba[name][1] >= _ENOUGH]
    shift = np.mean([news[name] - tatoeba[name][0] for name in common], axis=0)
    joined: dict[str, _Array] = {}
    for name in sorted({*tatoeba, *news}):
        estimates: list[tuple[_Array, float]] = []
        if name in tatoeba:
            mean, count = tatoeba[name]
            estimates.append((mean, min(1.0, count / _FULL_TRUST)))
        if name in news:
            estimates.append((news[name] - shift, 1.0))
        joined[name] = np.average(
            [estimate for estimate, _ in estimates],
            axis=0,
            weights=[weight for _, weight in estimates],
        )
    centre = np.mean(list(joined.values()), axis=0)
    return {name: offset - centre for name, offset in joined.items()}


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _tatoeba(path: Path, embedder: Embedder) -> dict[str, tuple[_Array, int]]:
    rows = _rows(path)
    english = sorted({row["english"] for row in rows})
    place = {text: number for number, text in enumerate(english)}
    english_vectors = embedder.embed_passages(english)
    vectors = embedder.embed_passages([row["text"] for row in rows])
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[normalise_language(row["language"])].append(number)
    found = {
        name: (
            vectors[numbers].astype(np.float64).mean(axis=0)
            - english_vectors[[place[rows[number]["english"]] for number in numbers]].mean(axis=0),
            len(numbers),
        )
        for name, numbers in groups.items()
    }
    return {**found, "en": (np.zeros(embedder.dimension), len(english))}


def _news(path: Path, embedder: Embedder) -> dict[str, _Array]:
    groups: dict[str, list[str]] = defaultdict(list)
    for row in _rows(path):
        groups[normalise_language(row["language"])].append(row["text"].strip())
    return {
        name: embedder.embed_passages(texts).astype(np.float64).mean(axis=0)
        for name, texts in sorted(groups.items())
    }


def main(arguments: Sequence[str]) -> None:
    """Compute the prior of the bundled model and write it into the folder ``OUT``."""
    adapted = arguments[-1] == ADAPTED
    tatoeba, news, folder = (Path(each) for each in arguments[:3])
    embedder = BundledE5(adapter=adapted)
    offsets = prior_offsets(_tatoeba(tatoeba, embedder), _news(news, embedder))
    with (folder / PRIOR_FILES[adapted]).open("wb") as file:
        np.savez_compressed(
            file,
            weights=np.array(embedder.contract.weights),
            languages=np.array(sorted(offsets)),
            offsets=np.array([offsets[name] for name in sorted(offsets)], dtype=np.float16),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
