"""Sentences that say the same in many languages, and the nearest misses among them."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.parallel_files import LEFT_OUT
from rag_engine.ports import Embedder, Float32Array
from rag_engine.store.progress import OnStage
from rag_engine.tasks.similarity import Side, embedded_side, unread
from rag_engine.tasks.similarity_fit import language_pairs, logistic_fit, nearest_misses
from rag_engine.text.codes import normalise_language

__all__ = [
    "Parallel",
    "ReadParallel",
    "auroc",
    "embedded",
    "evenly",
    "halves",
    "language_pairs",
    "logistic_fit",
    "nearest_misses",
    "read_parallel",
]

Parallel = dict[str, list[str]]
"""The same sentences in the same order, by language as the file writes it."""


@dataclass(frozen=True, slots=True)
class ReadParallel:
    """Sentences in languages that the prior has, and in ``others`` that it has not."""

    known: Parallel
    others: Parallel


def read_parallel(path: Path, sentences: int, prior: LanguagePrior) -> ReadParallel:
    """Read JSON Lines (``.gz`` too) of ``language``, ``sentence`` (a number) and ``text``.

    The first ``sentences`` are taken that every language has.

    Raises:
        InvalidInput: a line can not be read, or no sentence is there in two languages.
    """
    texts: dict[str, dict[int, str]] = defaultdict(dict)
    number = 0
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007 (told in errors)
                row = json.loads(line)
                texts[row["language"]][row["sentence"]] = row["text"].strip()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can not be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path}, line {number}: {error!r}; a line is "
            '{"language": "...", "sentence": 1, "text": "..."}'
        ) from error
    common = set.intersection(*map(set, texts.values())) if texts else set()
    if len(texts) < 2 or len(common) < 2:
        raise InvalidInput(f"{path} does not hold two sentences in two languages")
    chosen = sorted(common)[:sentences]
    known: Parallel = {}
    others: Parallel = {}
    for code in sorted(set(texts) - LEFT_OUT):
        into = others if prior.place(normalise_language(code)) is None else known
        into[code] = [texts[code][sentence] for sentence in chosen]
    return ReadParallel(known, others)


def halves(codes: Sequence[str], prior: LanguagePrior) -> tuple[list[str], list[str]]:
    """Return every other language: those to fit constants on, and those to measure them on.

    Those that the model can not read are left out.
    """
    fitted, held_out = (
        [code for code in half if not unread([normalise_language(code)], prior)]
        for half in (codes[::2], codes[1::2])
    )
    return fitted, held_out


def evenly(codes: Sequence[str], count: int) -> list[str]:
    """Return so many of the languages, spread evenly; all if there are fewer.

    >>> evenly(["de", "en", "es", "fr", "pt"], 3)
    ['de', 'es', 'pt']
    """
    if count >= len(codes):
        return list(codes)
    return [codes[place] for place in np.linspace(0, len(codes) - 1, count).round().astype(int)]


def embedded(parallel: Parallel, embedder: Embedder, on_stage: OnStage) -> dict[str, Side]:
    """Embed the sentences of every language; the languages are those that the file says."""
    sides = {}
    for number, (code, texts) in enumerate(parallel.items()):
        on_stage("languages", number, len(parallel))
        side = embedded_side(texts, embedder, None)
        sides[code] = Side(side.vectors, [normalise_language(code)] * len(texts))
    return sides


def auroc(right: Float32Array, wrong: Float32Array) -> float:
    """Return how often one of ``right`` is above one of ``wrong``; equal ones count one half.

    >>> auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    ordered = np.sort(wrong)
    below = np.searchsorted(ordered, right, side="left")
    up_to = np.searchsorted(ordered, right, side="right")
    return float((below + up_to).mean() / 2 / len(wrong))
