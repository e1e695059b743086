"""Parts that sentence-transformers' trainer is given; needs the extra ``train`` to be imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import TrainerCallback

__all__ = ["InOrder", "Watcher", "Weighted"]


class InOrder(BatchSampler):  # type: ignore[misc]
    """Batches of examples in the order in which they were laid out."""

    def __init__(self, dataset: Any, batch_size: int, **_: Any) -> None:
        super().__init__(SequentialSampler(dataset), batch_size, drop_last=True)

    def set_epoch(self, epoch: int) -> None:
        """Every round is alike."""


class Weighted(nn.Module):  # type: ignore[misc]
    """A loss, times a weight."""

    def __init__(self, loss: Any, weight: float) -> None:
        super().__init__()
        self.loss = loss
        self.weight = weight

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch."""
        return self.weight * self.loss(features, labels)


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Writes down losses and scores by step, and tells how far it is."""

    def __init__(
        self,
        on_step: Callable[[int, int], None],
        losses: list[tuple[int, float]],
        scores: list[tuple[int, float]],
        measure: str,
    ) -> None:
        self._on_step = on_step
        self._losses = losses
        self._scores = scores
        self._measure = measure

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell how many steps are done, of how many."""
        self._on_step(int(state.global_step), int(state.max_steps))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Write a loss down."""
        if logs and "loss" in logs:
            self._losses.append((int(state.global_step), float(logs["loss"])))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        """Write a score down."""
        if metrics and self._measure in metrics:
            self._scores.append((int(state.global_step), float(metrics[self._measure])))
