"""Similarities that another model sees are held to: how a question ranks the passages of a batch.

Vectors may move as they like, as long as what is near stays near: between languages they have to
move, and within one a good model's ranking is to stay (the loss of Fang et al. 2021, "SEED:
Self-supervised Distillation for Visual Representation", section 3.2, with the batch for a queue).

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.training.dense_losses import cosines
from rag_engine.connectors.training.retrieval_loss import RetrievalLoss
from rag_engine.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["SimilarityLoss", "divergence"]


class SimilarityLoss(torch.nn.Module):  # type: ignore[misc]
    """How far a batch's similarities are from another model's, times a weight.

    ``reading`` reads the texts. Labels are the other model's vectors ``(n, 2 * dimension)``: of
    each question, and behind it of its passage.
    """

    def __init__(self, reading: RetrievalLoss, temperature: float, weight: float) -> None:
        super().__init__()
        self.reading = reading
        self.temperature = temperature
        self.weight = weight

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch: of questions and passages, one table each."""
        questions, passages = (self.reading.vectors(column) for column in features)
        known = labels.to(questions.device).float().chunk(2, dim=1)
        return self.weight * divergence(
            cosines(*known) / self.temperature, cosines(questions, passages) / self.temperature
        )


def divergence(known: Any, seen: Any) -> Any:
    """Return the mean Kullback-Leibler divergence of rows of logits ``(n, m)`` from known ones.

    >>> rows = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> float(divergence(rows, rows)), round(float(divergence(rows, -rows)), 3)
    (0.0, 0.993)
    """
    return torch.nn.functional.kl_div(
        seen.log_softmax(1), known.log_softmax(1), log_target=True, reduction="batchmean"
    )
