"""How a reranker is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag_engine.errors import InvalidInput

__all__ = ["RerankerTraining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerTraining:
    """Settings of one training run; the defaults suit a small cross-encoder on two cores.

    ``steps`` of ``batch`` questions each, every question with its positive and at most
    ``negatives`` wrong passages; of more, others are drawn in each round. ``max_tokens`` of a pair
    are read. ``rank`` is that of the low-rank adapters that are trained beside the head (Hu et al.
    2021, "LoRA", section 4.1; they want some ten times the learning rate); 0 trains all weights
    but the vocabulary's. ``precision`` is ``f32`` or ``bf16`` (autocast); checks are made in it
    too. ``check_questions`` of a test set are asked at each check, and the first ``check_pool``
    candidates of dense search reranked.

    >>> RerankerTraining(negatives=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: negatives is at least 1, got 0
    """

    steps: int = 500
    batch: int = 8
    learning_rate: float = 2e-5
    warmup_steps: int = 50
    max_tokens: int = 256
    negatives: int = 3
    rank: int = 0
    precision: Literal["f32", "bf16"] = "f32"
    seed: int = 1
    check_every: int = 100
    check_questions: int = 100
    check_pool: int = 30
    patience: int = 3
    """Checks in a row without a better score, after which training ends."""

    def __post_init__(self) -> None:
        for name, least in (
            ("steps", 1),
            ("batch", 1),
            ("max_tokens", 8),
            ("negatives", 1),
            ("check_every", 1),
            ("check_questions", 1),
            ("check_pool", 2),
            ("patience", 1),
            ("rank", 0),
            ("warmup_steps", 0),
        ):
            if getattr(self, name) < least:
                raise InvalidInput(f"{name} is at least {least}, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise InvalidInput(f"learning_rate is above 0, got {self.learning_rate}")
        if self.precision not in {"f32", "bf16"}:
            raise InvalidInput(f"precision is 'f32' or 'bf16', got {self.precision!r}")
