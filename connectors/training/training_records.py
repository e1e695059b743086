"""What a training run is given, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag_engine.connectors.training.examples import Example

__all__ = ["AnchorTexts", "HeldPairs", "Pairs", "StreamedPairs", "TrainingLog", "Validation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Examples of one file in the order in which they are trained on, texts without prompts.

    ``negatives[n]`` has as many passages for every ``n``. Where ``symmetric[n]``, the positive and
    the negatives get the question's prompt. ``scores[n]`` are a cross-encoder's logits for the
    positive and the negatives, or there are none at all.
    """

    questions: Sequence[str]
    positives: Sequence[str]
    negatives: Sequence[Sequence[str]]
    symmetric: Sequence[bool]
    scores: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedPairs:
    """Examples of a file that is too large for the memory, in the order of the training.

    ``examples`` yields ``count`` of them anew each time, with as many ``negatives`` each;
    ``sample`` are some of its passages.
    """

    examples: Callable[[], Iterator[Example]]
    count: int
    negatives: int
    sample: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorTexts:
    """Texts whose vectors are held to the original model's."""

    questions: Sequence[str] = ()
    passages: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPairs:
    """Examples of one file whose similarities are held to, batch by batch, without prompts.

    ``original_questions[n]`` and ``original_passages[n]`` are what the model that is held to is
    asked in place of ``questions[n]`` and ``passages[n]``.
    """

    questions: Sequence[str]
    passages: Sequence[str]
    original_questions: Sequence[str]
    original_passages: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A retrieval set that is asked while training: ids to texts, and what answers what."""

    questions: dict[str, str]
    passages: dict[str, str]
    relevant: dict[str, set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLog:
    """What happened: losses by step, and nDCG@10 on the validation set by step (0: untrained)."""

    losses: tuple[tuple[int, float], ...]
    scores: tuple[tuple[int, float], ...]
    steps: int
