"""``rag-engine bench bitext``: does a sentence find its translation?

The test of Artetxe and Schwenk (2019, "Massively Multilingual Sentence Embeddings for Zero-Shot
Cross-Lingual Transfer and Beyond", section 4.3): of all English sentences that a language's
sentences have as translations, the nearest must be a sentence's own. The accuracy is the mean over
languages of the share that is right.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Float32Array
from rag_engine.settings import Settings

__all__ = ["bench_bitext", "found_again"]

_BLOCK = 1_024
_SHOWN = 5


def bench_bitext(path: Path, settings: Settings) -> Outcome:
    """Measure on JSON Lines (``.gz`` too) of ``language``, ``text`` and ``english``.

    Both sides are embedded as questions. ``centred`` is with the mean of each side taken out.

    Raises:
        InvalidInput: a line can not be read, or there is none.
    """
    pairs = _read(path)
    embedder = build_embedder(settings.embedder)
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
                }
            )
    mean = {
        "language": f"mean of {len(rows)}",
        "sentences": sum(row["sentences"] for row in rows),
        "accuracy": float(np.mean([row["accuracy"] for row in rows])),
        "centred": float(np.mean([row["centred"] for row in rows])),
    }
    worst = sorted(rows, key=lambda row: float(row["accuracy"]))[:_SHOWN]
    shown = [
        {**row, "accuracy": f"{row['accuracy']:.3f}", "centred": f"{row['centred']:.3f}"}
        for row in (mean, *worst)
    ]
    result = {"machine": machine(), "mean": mean, "languages": rows}
    return Outcome(result=result, lines=table(shown))


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
