"""``rag-engine bench bitext``: does a sentence find its translation?

The test of Artetxe and Schwenk (2019, "Massively Multilingual Sentence Embeddings for Zero-Shot
Cross-Lingual Transfer and Beyond", section 4.3): of all English sentences that a language's
sentences have as translations, the nearest must be a sentence's own. The accuracy is the mean over
languages of the share that is right.

And are pairs mined from texts of which only half have a translation (``rag-engine mine``)? Of every
other sentence the translation is taken away, and as many of other languages' English sentences are
put in their place. The F1 is that of the best threshold of each language; raw vectors with the
ratio are the method as Artetxe and Schwenk published it ("Margin-based Parallel Corpus Mining",
section 3), with this model.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from rag_engine.calibration.margins import Margin
from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Float32Array, Int64Array, VectorRows
from rag_engine.settings import Settings
from rag_engine.tasks.mining import centred_sides, nearest_neighbours, pairs_of_neighbours
from rag_engine.tasks.mining_quality import mining_quality

__all__ = ["bench_bitext", "found_again"]

_PUBLISHED, _CENTRED = "raw, ratio", "centred, distance"
_BLOCK = 1_024
_SHOWN = 5


def bench_bitext(path: Path, settings: Settings) -> Outcome:
    """Measure on JSON Lines (``.gz`` too) of ``language``, ``text`` and ``english``.

    Both sides are embedded as questions. ``centred`` is with the mean of each side taken out, in
    mining with what ``centred_sides`` takes out.

    Raises:
        InvalidInput: a line can not be read, or there is none.
    """
    pairs = _read(path)
    embedder = build_embedder(settings.embedder)
    prior = prior_of(embedder)
    english = list(dict.fromkeys(translation for rows in pairs.values() for _, translation in rows))
    place = {text: number for number, text in enumerate(english)}
    rows: list[dict[str, Any]] = []
    with Bar() as bar:
        known = _embedded(embedder.embed_queries, english, bar, "English")
        for number, (language, texts) in enumerate(sorted(pairs.items())):
            bar.stage("languages", number, len(pairs))
            vectors = embedder.embed_queries([text for text, _ in texts])
            distinct = list(dict.fromkeys(translation for _, translation in texts))
            own = np.array([distinct.index(translation) for _, translation in texts])
            translations = known[[place[sentence] for sentence in distinct]]
            rows.append(
                {
                    "language": language,
                    "sentences": len(texts),
                    "accuracy": found_again(vectors, translations, own),
                    "centred": found_again(
                        vectors - vectors.mean(axis=0),
                        translations - translations.mean(axis=0),
                        own,
                    ),
                    "mining": _mined(_half(vectors, own, translations, known), language, prior),
                }
            )
    mean = {
        "language": f"mean of {len(rows)}",
        "sentences": sum(row["sentences"] for row in rows),
        "accuracy": float(np.mean([row["accuracy"] for row in rows])),
        "centred": float(np.mean([row["centred"] for row in rows])),
        "mining": {
            way: {
                figure: float(np.mean([row["mining"][way][figure] for row in rows]))
                for figure in ("precision", "recall", "f1")
            }
            for way in rows[0]["mining"]
        },
    }
    worst = sorted(rows, key=lambda row: float(row["accuracy"]))[:_SHOWN]
    result = {"machine": machine(), "mean": mean, "languages": rows}
    return Outcome(result=result, lines=[*table(_shown(mean, worst)), "", *table(_ways(mean))])


def _shown(mean: dict[str, Any], worst: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "language": row["language"],
            "sentences": row["sentences"],
            "accuracy": f"{row['accuracy']:.3f}",
            "centred": f"{row['centred']:.3f}",
            "F1": f"{row['mining'][_PUBLISHED]['f1']:.3f}",
            "F1 centred": f"{row['mining'][_CENTRED]['f1']:.3f}",
        }
        for row in (mean, *worst)
    ]


def _ways(mean: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"mining": way, **{name: f"{value:.3f}" for name, value in figures.items()}}
        for way, figures in mean["mining"].items()
    ]


@dataclass(frozen=True, slots=True)
class _Half:
    """Sentences, English ones of which half translate one of them, and the true pairs."""

    vectors: Float32Array
    others: Float32Array
    gold: set[tuple[int, int]]


def _half(
    vectors: Float32Array, own: Int64Array, translations: Float32Array, english: Float32Array
) -> _Half:
    """Take away every other translation, and put other English sentences in their place."""
    kept = np.arange(0, len(translations), 2)
    own_ones = {row.tobytes() for row in translations}
    strangers = [row for row in english if row.tobytes() not in own_ones]
    count = min(len(strangers), len(translations) - len(kept))
    drawn = np.linspace(0, max(0, len(strangers) - 1), count).astype(int)
    others = np.concatenate([translations[kept], *(strangers[row][np.newaxis] for row in drawn)])
    place = {int(row): number for number, row in enumerate(kept)}
    gold = {(row, place[int(of)]) for row, of in enumerate(own) if int(of) in place}
    return _Half(vectors, others, gold)


def _mined(half: _Half, language: str, prior: LanguagePrior | None) -> dict[str, dict[str, float]]:
    """Return how well the pairs of one language are mined, each way."""
    centred = centred_sides(half.vectors, half.others, [language, "en"], prior=prior)
    index = ExactIndexFactory()
    figures = {}
    ways: dict[str, tuple[VectorRows, VectorRows]] = {
        "raw": (half.vectors, half.others),
        "centred": centred,
    }
    for name, (one, other) in ways.items():
        forth = nearest_neighbours(one, other, index)
        back = nearest_neighbours(other, one, index)
        for margin in get_args(Margin):
            pairs = pairs_of_neighbours(forth, back, margin=margin)
            figures[f"{name}, {margin}"] = asdict(mining_quality(pairs, half.gold))
    return figures


def found_again(vectors: Float32Array, others: Float32Array, own: Sequence[int] | Any) -> float:
    """Return the share of ``vectors`` whose nearest of ``others``, by cosine, is number ``own``.

    >>> eye = np.eye(2, dtype=np.float32)
    >>> found_again(eye, eye[::-1], np.array([1, 1]))
    0.5
    """
    length = np.linalg.norm(others, axis=1, keepdims=True)
    units = others / np.maximum(length, np.finfo(np.float32).tiny)
    right = 0
    for start in range(0, len(vectors), _BLOCK):
        nearest = (vectors[start : start + _BLOCK] @ units.T).argmax(axis=1)
        right += int((nearest == np.asarray(own)[start : start + _BLOCK]).sum())
    return right / len(vectors)


def _embedded(embed: Any, texts: Sequence[str], bar: Bar, what: str) -> Float32Array:
    parts = []
    for start in range(0, len(texts), _BLOCK):
        bar.stage(what, start, len(texts))
        parts.append(embed(texts[start : start + _BLOCK]))
    return np.concatenate(parts)


def _read(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Return each language's sentences with their translations."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            lines = [line for line in file if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can not be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            pairs[row["language"]].append((row["text"], row["english"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{path}, line {number}: {error!r}; a line is "
                '{"language": "...", "text": "...", "english": "..."}'
            ) from error
    if not pairs:
        raise InvalidInput(f"{path} holds no pair of sentences")
    return dict(pairs)
