"""The examples of an embedder's training: read, laid out in batches, some of them held fast."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

from rag_engine.connectors.training.batches import held_batches, laid_out
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import Example, ExampleFile, read_examples
from rag_engine.connectors.training.no_effect import Learns
from rag_engine.connectors.training.streamed_examples import StreamedFile, streamed, surveyed
from rag_engine.connectors.training.training_records import (
    AnchorTexts,
    HeldPairs,
    Pairs,
    StreamedPairs,
)
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import note
from rag_engine.pipelines.progress import Bar

__all__ = ["anchor_texts", "in_parts", "read_files", "size_of", "with_examples"]

_MOST_ANCHORS = 2_000
"""Texts whose vectors are held to the original's."""


def read_files(
    files: Sequence[Path], settings: EmbedderTraining, *, stream: bool, learns: Learns
) -> list[ExampleFile | StreamedFile]:
    """Read files of examples; of those that are streamed, what a first reading tells.

    Raises:
        InvalidInput: one can not be read, or a line of it is no example.
    """
    if stream:
        draw = _MOST_ANCHORS
        with Bar(unit="file") as bar:
            return [surveyed(path, draw=draw, seed=settings.seed) for path in bar.each(files)]
    read: list[ExampleFile | StreamedFile] = []
    for path in files:
        file = read_examples(path)
        if learns == "vectors":  # a teacher reads questions and positives
            file = with_examples(
                file, [each.model_copy(update={"negatives": ()}) for each in file.examples]
            )
        read.append(file)
    return read


def with_examples(file: ExampleFile | StreamedFile, examples: Sequence[Example]) -> ExampleFile:
    """Return a file with other examples."""
    return ExampleFile(name=file.name, sha256=file.sha256, examples=tuple(examples))


def size_of(file: ExampleFile | StreamedFile) -> int:
    """Return how many examples a file holds."""
    return file.count if isinstance(file, StreamedFile) else len(file.examples)


def in_parts(
    read: Sequence[ExampleFile | StreamedFile],
    holding: Sequence[ExampleFile],
    settings: EmbedderTraining,
) -> tuple[list[Pairs | StreamedPairs], list[HeldPairs]]:
    """Lay out each file's examples, with as many batches as its share of the steps.

    Raises:
        InvalidInput: a file's examples have no negatives, and the loss compares with them.
    """
    count = sum(map(size_of, read)) + sum(map(size_of, holding))
    parts: list[Pairs | StreamedPairs] = []
    for file in read:
        steps = math.ceil(settings.steps * size_of(file) / count)
        part: Pairs | StreamedPairs
        if isinstance(file, StreamedFile):
            part = streamed(file, steps, settings, on_note=note)
        else:
            part = laid_out(file.examples, steps, settings, on_note=note)
        if settings.loss != "infonce" and not part.negatives:
            raise InvalidInput(
                f"--loss {settings.loss} compares a question's positive with negatives of its own, "
                f"and those of {file.name} have none; give them, or let --mine N look for N"
            )
        if settings.batch == 1 and not part.negatives:
            raise InvalidInput(
                "a batch of 1 without negatives has nothing to tell the positive from; take a "
                "larger --batch, or let --mine N look for negatives"
            )
        parts.append(part)
    held = [
        held_batches(
            file.examples,
            math.ceil(settings.steps * len(file.examples) / count),
            settings.batch,
            settings.seed,
        )
        for file in holding
    ]
    return parts, held


def anchor_texts(
    read: Sequence[ExampleFile | StreamedFile], settings: EmbedderTraining
) -> AnchorTexts:
    """Choose texts whose vectors stay: of examples in one language, where the model is good."""
    if not settings.anchor_weight:
        return AnchorTexts()
    examples = [
        each
        for file in read
        for each in (file.drawn if isinstance(file, StreamedFile) else file.examples)
    ]
    alike = [each for each in examples if each.question_language == each.passage_language]
    alike = alike or examples
    drawn = random.Random(settings.seed).sample(alike, min(len(alike), _MOST_ANCHORS))
    half = len(drawn) // 2
    return AnchorTexts(
        questions=[each.question for each in drawn[:half]],
        passages=[each.positive for each in drawn[half:]],
    )
