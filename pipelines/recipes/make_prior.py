"""Computes the shipped language prior: ``make_prior TATOEBA NTREX OUT [adapted]``.

``TATOEBA`` and ``NTREX`` are gzipped JSON Lines of parallel sentences: the first with the fields
``language`` (ISO 639-3), ``text`` and ``english``, the second with ``language``, ``sentence`` (the
same number for the same content) and ``text``. ``OUT`` receives ``prior_e5_small.npz``, or, with
the bundled adapter, ``prior_e5_small_adapted.npz``: a float16 offset a language, the middle that
they are offsets from, and the SHA-256 of the model's weights. The result depends on nothing else.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_places import joined_offsets, middle_of
from rag_engine.calibration.prior import PRIOR_FILES
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.ports import Embedder
from rag_engine.text.codes import normalise_language

__all__ = ["ADAPTED", "main", "sampled"]

ADAPTED = "adapted"
_EVERY = 40
"""One news sentence in so many, in every language, tells where the middle is."""
_OF_EACH = 8
"""Tatoeba sentences of each language that do."""

_Array = npt.NDArray[np.float64]


def sampled(tatoeba: Path, news: Path) -> list[list[tuple[str, str]]]:
    """Return a few texts and their languages, of both files, that tell where the middle is."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in _rows(tatoeba):
        groups[normalise_language(row["language"])].append(row["text"])
    spread = [
        (text, name)
        for name, texts in groups.items()
        for text in texts[:: max(1, len(texts) // _OF_EACH)][:_OF_EACH]
    ]
    rows = [row for row in _rows(news) if row["sentence"] % _EVERY == 0]
    return [spread, [(row["text"].strip(), normalise_language(row["language"])) for row in rows]]


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


def _news(path: Path, embedder: Embedder) -> dict[str, tuple[_Array, int]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for row in _rows(path):
        groups[normalise_language(row["language"])].append(row["text"].strip())
    return {
        name: (embedder.embed_passages(texts).astype(np.float64).mean(axis=0), len(texts))
        for name, texts in sorted(groups.items())
    }


def main(arguments: Sequence[str]) -> None:
    """Compute the prior of the bundled model and write it into the folder ``OUT``."""
    adapted = arguments[-1] == ADAPTED
    tatoeba, news, folder = (Path(each) for each in arguments[:3])
    embedder = BundledE5(adapter=adapted)
    offsets = joined_offsets([_tatoeba(tatoeba, embedder), _news(news, embedder)])
    samples = [
        (
            embedder.embed_passages([text for text, _ in sample]).astype(np.float64),
            [name for _, name in sample],
        )
        for sample in sampled(tatoeba, news)
    ]
    with (folder / PRIOR_FILES[adapted]).open("wb") as file:
        np.savez_compressed(
            file,
            weights=np.array(embedder.contract.weights),
            languages=np.array(sorted(offsets)),
            offsets=np.array([offsets[name] for name in sorted(offsets)], dtype=np.float16),
            middle=middle_of(samples, offsets).astype(np.float16),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
