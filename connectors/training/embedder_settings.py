"""How an embedder is trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

from rag_engine.errors import InvalidInput

__all__ = ["EmbedderTraining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderTraining:
    """Settings of one training run; the defaults suit an E5 model on two cores and an hour.

    ``steps`` of ``batch`` questions each, every question against its own positive, its negatives
    and all other passages of the batch (InfoNCE, van den Oord et al. 2018, "Representation
    Learning with Contrastive Predictive Coding", section 2.3) at ``temperature``. ``max_tokens``
    of a text are read. ``rank`` is that of the low-rank adapters that are trained (Hu et al. 2021,
    "LoRA", section 4.1); 0 trains all weights but the vocabulary's. ``keep`` is how much vectors
    are held to the original model's (the mean squared distance times the dimension weighs so much
    beside InfoNCE), on every ``keep_every``-th step. ``share`` is how far from the original
    towards the trained weights the result lies. ``late`` is what late interaction, token by token,
    weighs beside the vectors of texts (see ``RetrievalLoss``); the engine asks only the bundled
    model for tokens. With ``matryoshka`` dimensions, beginnings of vectors are trained too.
    ``dropout`` is that of the model's layers meanwhile: drawing so many random numbers takes a CPU
    as long as the rest. ``precision`` is ``f32`` or ``bf16`` (autocast).

    >>> EmbedderTraining(share=1.5)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: share is above 0 and at most 1, got 1.5
    """

    steps: int = 500
    batch: int = 24
    learning_rate: float = 3e-4
    warmup_steps: int = 30
    temperature: float = 0.02
    max_tokens: int = 128
    rank: int = 32
    dropout: float = 0.0
    keep: float = 5.0
    keep_every: int = 6
    late: float = 0.0
    share: float = 1.0
    matryoshka: tuple[int, ...] = ()
    precision: Literal["f32", "bf16"] = "f32"
    seed: int = 1
    check_every: int = 100
    patience: int = 3
    """Checks in a row without a better score, after which training ends."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise InvalidInput(f"{name} is a finite number, got {value}")
        for name in ("steps", "batch", "max_tokens", "keep_every", "check_every", "patience"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is at least 1, got {getattr(self, name)}")
        for name in ("rank", "warmup_steps", "keep", "late"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} is at least 0, got {getattr(self, name)}")
        if not 0 < self.share <= 1:
            raise InvalidInput(f"share is above 0 and at most 1, got {self.share}")
        if not 0 <= self.dropout < 1:
            raise InvalidInput(f"dropout is at least 0 and below 1, got {self.dropout}")
        if self.late and self.matryoshka:
            raise InvalidInput(
                f"late and matryoshka do not go together, got {self.late} and {self.matryoshka}; "
                "leave one out"
            )
        if self.precision not in {"f32", "bf16"}:
            raise InvalidInput(f"precision is 'f32' or 'bf16', got {self.precision!r}")
        if self.temperature <= 0 or self.learning_rate <= 0:
            raise InvalidInput(
                "temperature and learning_rate are above 0, got "
                f"{self.temperature} and {self.learning_rate}"
            )
