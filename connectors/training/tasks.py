"""What an embedder is trained to do: data and losses for sentence-transformers' trainer.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.training.dense_losses import FirstOfBatch, dense_loss
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.retrieval_loss import RetrievalLoss
from rag_engine.connectors.training.similarity_loss import SimilarityLoss
from rag_engine.connectors.training.streamed_table import streamed_table
from rag_engine.connectors.training.training_records import (
    AnchorTexts,
    HeldPairs,
    Pairs,
    StreamedPairs,
)
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import Float32Array

try:
    import datasets
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import losses
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["Task", "distillation_task", "hold_similarities", "reduced", "retrieval_task"]

_TEACHER_BATCH = 16
_SAMPLED = 64
"""Passages of a part by whose tokens directions are chosen."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained on: data and losses, each by the name of a part."""

    data: dict[str, Any]
    losses: dict[str, Any]


def retrieval_task(
    model: Any,
    parts: Sequence[Pairs | StreamedPairs],
    anchors: AnchorTexts,
    settings: EmbedderTraining,
    prompts: Prompts,
    on_disk: Path,
    on_laid: Callable[[int, int], None] = lambda done, total: None,
) -> Task:
    """Return the task to find each question's positive, by the loss that the settings ask for.

    What is streamed is laid out in the folder ``on_disk``; ``on_laid`` is told how far that is.
    """
    loss: Any = dense_loss(model, settings)
    if settings.matryoshka:
        width = int(model.get_sentence_embedding_dimension())
        if max(settings.matryoshka) > width or set(settings.matryoshka) == {width}:
            raise InvalidInput(
                f"matryoshka is some of 1 to {width - 1}, the model's vectors have {width} "
                f"components; got {', '.join(map(str, settings.matryoshka))}"
            )
        sizes = sorted({width, *settings.matryoshka}, reverse=True)
        loss = losses.MatryoshkaLoss(model, loss, matryoshka_dims=sizes)
    elif not settings.mini_batch:
        weight = settings.late_interaction_weight
        loss = RetrievalLoss(model, loss, weight, prompts, _sample(parts, prompts))
    named = {f"retrieve{number}": part for number, part in enumerate(parts)}
    task = Task({}, dict.fromkeys(named, loss))
    for name, part in named.items():
        task.data[name] = (
            streamed_table(part, prompts, on_disk / f"{name}.arrow", on_laid)
            if isinstance(part, StreamedPairs)
            else datasets.Dataset.from_dict(_table(part, prompts, settings))
        )
    texts = [prompts.query + question for question in anchors.questions]
    texts += [prompts.passage + passage for passage in anchors.passages]
    if texts:  # the parts take turns by their sizes
        examples = sum(map(len, (task.data[name] for name in named)))
        size = max(settings.batch, examples // settings.anchor_every)
        vectors = _vectors(model, texts)
        task.data["anchors"] = _labelled(list(islice(cycle(texts), size)), texts, vectors)
        near = _near(model, settings.anchor_weight)
        few = settings.mini_batch
        task.losses["anchors"] = FirstOfBatch(near, few) if few else near
    return task


def hold_similarities(
    task: Task,
    model: Any,
    held: Sequence[HeldPairs],
    original: Any,
    settings: EmbedderTraining,
    prompts: Prompts,
) -> None:
    """Add to a task that similarities stay as the model ``original`` sees them."""
    reading = RetrievalLoss(model, None, 0.0, prompts)
    loss = SimilarityLoss(reading, settings.temperature, settings.hold_weight)
    for number, part in enumerate(held):
        known = [
            _vectors_of_each(original, prompt, texts, settings)
            for prompt, texts in (
                (prompts.query, part.original_questions),
                (prompts.passage, part.original_passages),
            )
        ]
        task.data[f"hold{number}"] = datasets.Dataset.from_dict(
            {
                "question": [prompts.query + text for text in part.questions],
                "positive": [prompts.passage + text for text in part.passages],
                "label": np.concatenate(known, axis=1),
            }
        )
        task.losses[f"hold{number}"] = loss


def _vectors_of_each(
    model: Any, prompt: str, texts: Sequence[str], settings: EmbedderTraining
) -> Float32Array:
    """Return vectors ``(n, dimension)``; of what comes twice, computed once."""
    distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    with torch.autocast(model.device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
        vectors = _vectors(model, [prompt + text for text in distinct])
    return vectors[[distinct[text] for text in texts]]


def _sample(parts: Sequence[Pairs | StreamedPairs], prompts: Prompts) -> list[str]:
    """Return some passages of each part, with their prompt."""
    return [
        prompts.passage + passage
        for part in parts
        for passage in (
            part.sample if isinstance(part, StreamedPairs) else part.positives[:_SAMPLED]
        )
    ]


def distillation_task(
    model: Any,
    parts: Sequence[Pairs],
    teacher: Path,
    settings: EmbedderTraining,
    prompts: Prompts,
) -> Task:
    """Return the task to give each text the vector that a teacher gives it.

    Of a sentence and its translation (a ``symmetric`` example), both get the vector of the
    sentence: so a student learns a language that the teacher may not know (Reimers and Gurevych
    2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation",
    section 3). Wider vectors of a teacher are reduced first.

    Raises:
        InvalidInput: the teacher's vectors are shorter than the student's.
    """
    known = SentenceTransformer(str(teacher), device=str(model.device))
    own = resolve_prompts(teacher.name, own=known.prompts)
    # What the student reads, and of what the teacher tells the vector.
    taught_by: dict[str, str] = {}
    laid_out: list[list[str]] = []
    for part in parts:
        texts: list[str] = []
        for question, positive, same in zip(
            part.questions, part.positives, part.symmetric, strict=True
        ):
            answer = prompts.query if same else prompts.passage
            texts += [prompts.query + question, answer + positive]
            taught_by[texts[-2]] = own.query + question
            taught_by[texts[-1]] = own.query + question if same else own.passage + positive
        laid_out.append(texts)
    teacher_texts = list(dict.fromkeys(taught_by.values()))
    width = int(model.get_sentence_embedding_dimension())
    vectors = dict(zip(teacher_texts, reduced(_vectors(known, teacher_texts), width), strict=True))
    labels = np.stack([vectors[text] for text in taught_by.values()])
    named = {f"distil{number}": texts for number, texts in enumerate(laid_out)}
    return Task(
        {name: _labelled(texts, list(taught_by), labels) for name, texts in named.items()},
        dict.fromkeys(named, _near(model, 1.0)),
    )


def reduced(vectors: Float32Array, width: int) -> Float32Array:
    """Return unit vectors ``(n, width)`` whose cosines are as near to those of ``vectors`` as can.

    They lie along the ``width`` directions that hold most of the vectors (a principal component
    analysis without a mean: what is compared are cosines).

    Raises:
        InvalidInput: the vectors are shorter than ``width``, or fewer.

    >>> rows = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    >>> abs(reduced(rows, 2) @ reduced(rows, 2).T).round(3).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if vectors.shape[1] == width:
        return vectors
    if vectors.shape[1] < width or len(vectors) < width:
        raise InvalidInput(
            f"a student of {width} dimensions learns from vectors of at least as many, and at "
            f"least as many texts; got {len(vectors)} texts of {vectors.shape[1]} dimensions"
        )
    directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)[1][:, -width:]
    shorter = vectors @ directions.astype(np.float32)
    unit: Float32Array = shorter / np.linalg.norm(shorter, axis=1, keepdims=True)
    return unit


def _vectors(model: Any, texts: Sequence[str]) -> Float32Array:
    """Return the model's vectors of texts that have their prompts."""
    vectors: Float32Array = model.encode(
        list(texts), prompt="", batch_size=_TEACHER_BATCH, normalize_embeddings=True
    )
    return vectors


def _labelled(texts: Sequence[str], known: Sequence[str], vectors: Float32Array) -> Any:
    """Return a table of texts and the vectors that they ought to have."""
    place = {text: number for number, text in enumerate(known)}
    labels = [vectors[place[text]].tolist() for text in texts]
    return datasets.Dataset.from_dict({"text": list(texts), "label": labels})


def _near(model: Any, weight: float) -> Any:
    """Return a loss: the squared distance of vectors from what they ought to be, times a weight."""
    width = int(model.get_sentence_embedding_dimension())
    return _Weighted(losses.MSELoss(model), weight * width)


def _table(pairs: Pairs, prompts: Prompts, settings: EmbedderTraining) -> dict[str, list[Any]]:
    """Return a part as the losses take it: questions, positives and negatives with prompts.

    Where a cross-encoder scored them, that is their label.
    """
    before = [prompts.query if same else prompts.passage for same in pairs.symmetric]
    count = len(pairs.negatives[0]) if pairs.negatives else 0
    columns: dict[str, list[Any]] = {
        "question": [prompts.query + question for question in pairs.questions],
        "positive": [a + b for a, b in zip(before, pairs.positives, strict=True)],
    }
    for n in range(count):
        columns[f"negative_{n + 1}"] = [
            a + row[n] for a, row in zip(before, pairs.negatives, strict=True)
        ]
    if pairs.scores:
        warmth = settings.teacher_temperature
        columns["label"] = [[score / warmth for score in row] for row in pairs.scores]
    return columns


class _Weighted(torch.nn.Module):  # type: ignore[misc]
    """A loss, times a weight."""

    def __init__(self, loss: Any, weight: float) -> None:
        super().__init__()
        self.loss = loss
        self.weight = weight

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch."""
        return self.weight * self.loss(features, labels)
