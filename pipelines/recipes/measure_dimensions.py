"""What the beginnings of vectors find: ``measure_dimensions MODEL... --sets SET_DIR...``.

``MODEL`` is ``bundled``, ``plain`` (the bundled model without its adapter) or a folder of
sentence-transformers. Of each set (BEIR layout) ``--questions`` are drawn, the passages that answer
them and others up to ``--passages``. Prints the nDCG@10 of dense search with the first so many
components of the vectors, made unit vectors again: as they are, and less what the engine takes off
them for their languages (``LanguageMeans``; with the prior of the model, where one is shipped, cut
like the vectors). Languages are those that the set states.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.connectors.ranking import best_of
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.pipelines.output import note
from rag_engine.ports import Detection, Embedder, Float32Array

__all__ = ["beginnings", "cut", "main", "sampled"]

_SEED = 20_261_130


def beginnings(vectors: Float32Array, width: int) -> Float32Array:
    """Return the first ``width`` components of each row, as unit vectors.

    >>> beginnings(np.array([[3, 4, 12]], np.float32) / 13, 2).round(3).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    first = vectors[:, :width]
    unit: Float32Array = first / np.linalg.norm(first, axis=1, keepdims=True)
    return unit


def cut(prior: LanguagePrior | None, width: int) -> LanguagePrior | None:
    """Return a prior for beginnings of vectors: longer by as much as those are made.

    What remains of a text's unit vector differs from text to text; that of the middle stands for
    all.
    """
    if prior is None or prior.middle is None:
        return None
    share = np.linalg.norm(prior.middle[:width]) / np.linalg.norm(prior.middle)
    return LanguagePrior(
        prior.languages, prior.offsets[:, :width] / share, prior.middle[:width] / share
    )


def sampled(test_set: TestSet, questions: int, passages: int) -> TestSet:
    """Return some questions, the passages that answer them, and others."""
    chance = random.Random(_SEED)
    asked = chance.sample(test_set.questions, min(questions, len(test_set.questions)))
    right = {name for each in asked for name in test_set.qrels[each.id]}
    others = [each for each in test_set.corpus if each.id not in right]
    more = chance.sample(others, max(0, min(passages - len(right), len(others))))
    kept = right | {each.id for each in more}
    return TestSet(
        name=test_set.name,
        corpus=tuple(each for each in test_set.corpus if each.id in kept),
        questions=tuple(asked),
        qrels={each.id: test_set.qrels[each.id] for each in asked},
        languages=test_set.languages,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: a row a model and set, a column a width."""
    parser = argparse.ArgumentParser(prog="measure_dimensions")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--sets", nargs="+", type=Path, required=True)
    parser.add_argument("--widths", nargs="+", type=int, default=[384, 256, 128, 64])
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--passages", type=int, default=1_000)
    given = parser.parse_args(arguments)
    sets = [sampled(load_test_set(each), given.questions, given.passages) for each in given.sets]
    for each in sets:
        note(f"{each.name}: {len(each.questions)} questions, {len(each.corpus)} passages")
    print(" | ".join(["model", "set", "", *map(str, given.widths)]), flush=True)  # noqa: T201
    for model in given.models:
        embedder = _opened(model)
        for test_set in sets:
            found = _measured(embedder, test_set, given.widths)
            for name, row in zip(("plain", "less languages"), found, strict=True):
                figures = [f"{each:.3f}" for each in row]
                print(" | ".join([Path(model).name, test_set.name, name, *figures]), flush=True)  # noqa: T201


def _opened(model: str) -> Embedder:
    if model in {"bundled", "plain"}:
        from rag_engine.connectors.embedders.bundled_e5 import BundledE5

        return BundledE5(adapter=model == "bundled")
    from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(model=model)


def _measured(
    embedder: Embedder, test_set: TestSet, widths: Sequence[int]
) -> tuple[list[float], list[float]]:
    passages = embedder.embed_passages([each.text for each in test_set.corpus])
    questions = embedder.embed_queries([each.text for each in test_set.questions])
    spoken = [test_set.languages[each.id] or "und" for each in test_set.corpus]
    asked = [[Detection(each.language or "und", 1.0)] for each in test_set.questions]
    prior = load_prior(embedder.contract.weights)
    plain, less = [], []
    for width in widths:
        one, other = beginnings(passages, width), beginnings(questions, width)
        plain.append(_ndcg(test_set, one, other))
        means = LanguageMeans.fit(one, spoken, prior=cut(prior, width))
        moved = [means.centre_query(v, a) for v, a in zip(other, asked, strict=True)]
        less.append(_ndcg(test_set, means.centre_passages(one, spoken), np.stack(moved)))
    return plain, less


def _ndcg(test_set: TestSet, passages: Float32Array, questions: Float32Array) -> float:
    places = np.arange(len(passages))
    total = 0.0
    for question, vector in zip(test_set.questions, questions, strict=True):
        judged = test_set.qrels[question.id]
        best = best_of(places, passages @ vector, 10).ids.tolist()
        found = [judged.get(test_set.corpus[place].id, 0) for place in best]
        total += ndcg(found, list(judged.values()))
    return total / len(test_set.questions)


if __name__ == "__main__":
    main()
