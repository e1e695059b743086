"""Losses over the vectors of texts: sentence-transformers' own, as the settings ask for them.

All of them are given cosines divided by the temperature, so that a cross-encoder's logits and the
model's scores are of one size: the library's own defaults compare logits with plain cosines, which
reach from -1 to 1.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.errors import MissingExtra, ModelError

try:
    import torch
    from sentence_transformers.sentence_transformer import losses
    from sentence_transformers.util import cos_sim, pairwise_cos_sim
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["Beside", "FirstOfBatch", "Triplets", "cosines", "dense_loss"]


def cosines(one: Any, other: Any) -> Any:
    """Return the library's cosines ``(n, m)`` in float32, whatever the model computes in.

    Between 0.5 and 1 bf16 knows steps of 0.004, and a temperature of 0.02 makes 0.2 of that.

    >>> with torch.autocast("cpu", torch.bfloat16):
    ...     cosines(torch.eye(2), torch.eye(2)).dtype
    torch.float32
    """
    with torch.autocast(one.device.type, enabled=False):
        return cos_sim(one.float(), other.float())


def dense_loss(model: Any, settings: EmbedderTraining) -> Any:
    """Return the loss over vectors that the settings ask for, without Matryoshka or tokens.

    Columns are questions, positives and negatives; of ``kl`` and ``margin-mse``, labels are a
    cross-encoder's logits ``(n, 1 + negatives)``.

    Raises:
        ModelError: gradients are to be cached of a model whose texts can not be parted.
    """
    infonce = _infonce(model, settings)
    if settings.loss == "infonce":
        return infonce
    scored = _scaled_cosines(settings.temperature)
    loss: Any
    if settings.loss == "triplet":
        loss = Triplets(model, settings.margin)
    elif settings.loss == "kl":
        # At a temperature of 1, as what it compares is divided already: it would multiply by the
        # square of another.
        loss = losses.DistillKLDivLoss(model, similarity_fct=scored, temperature=1.0)
    else:
        loss = losses.MarginMSELoss(model, similarity_fct=scored)
    return Beside(model, loss, infonce, settings.infonce_weight)


def _infonce(model: Any, settings: EmbedderTraining) -> Any:
    scale = 1 / settings.temperature
    if not settings.mini_batch:
        return losses.MultipleNegativesRankingLoss(model, scale=scale, similarity_fct=cosines)
    try:
        return losses.CachedMultipleNegativesRankingLoss(
            model, scale=scale, similarity_fct=cosines, mini_batch_size=settings.mini_batch
        )
    except ValueError as error:
        raise ModelError(
            "mini_batch (--mini-batch) does not go with this model, leave it out: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _scaled_cosines(temperature: float) -> Callable[[Any, Any], Any]:
    """Return the cosines of rows ``(n,)``, divided by a temperature, in float32."""

    def scaled(one: Any, other: Any) -> Any:
        with torch.autocast(one.device.type, enabled=False):
            return pairwise_cos_sim(one.float(), other.float()) / temperature

    return scaled


class Triplets(torch.nn.Module):  # type: ignore[misc]
    """By how much each negative is not ``margin`` further from its question than the positive.

    The library's loss takes one negative; here each of a question's makes a triplet, and their mean
    is taken.
    """

    def __init__(self, model: Any, margin: float) -> None:
        super().__init__()
        self.one = losses.TripletLoss(
            model,
            distance_metric=losses.TripletDistanceMetric.COSINE,
            triplet_margin=margin,
        )

    def compute_loss_from_embeddings(self, embeddings: Sequence[Any], labels: Any) -> Any:
        """Return the loss of vectors ``(n, dimension)``: of questions, positives, negatives.

        >>> loss = Triplets(None, 0.5)
        >>> right, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> triplets = [[right, right, negative] for negative in (other, right)]
        >>> [float(loss.compute_loss_from_embeddings(each, None)) for each in triplets]
        [0.0, 0.5]
        """
        question, positive, *negatives = embeddings
        each = [
            self.one.compute_loss_from_embeddings([question, positive, negative], labels)
            for negative in negatives
        ]
        return torch.stack(each).mean()


class Beside(torch.nn.Module):  # type: ignore[misc]
    """A loss over a question's own passages, and InfoNCE over the batch's beside it."""

    def __init__(self, model: Any, loss: Any, infonce: Any, weight: float) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.infonce = infonce
        self.weight = weight

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch, a table of texts a column."""
        vectors = [self.model(dict(column))["sentence_embedding"] for column in features]
        return self.compute_loss_from_embeddings(vectors, labels)

    def compute_loss_from_embeddings(self, embeddings: Sequence[Any], labels: Any) -> Any:
        """Return the loss of vectors ``(n, dimension)`` a column."""
        loss = self.loss.compute_loss_from_embeddings(list(embeddings), labels)
        if not self.weight:
            return loss
        return loss + self.weight * self.infonce.compute_loss_from_embeddings(
            list(embeddings), labels
        )


class FirstOfBatch(torch.nn.Module):  # type: ignore[misc]
    """A loss of the first ``count`` rows of a batch: one of thousands would not fit the memory."""

    def __init__(self, loss: Any, count: int) -> None:
        super().__init__()
        self.loss = loss
        self.count = count

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of the rows."""
        first = [
            {
                name: value[: self.count] if torch.is_tensor(value) else value
                for name, value in column.items()
            }
            for column in features
        ]
        return self.loss(first, labels[: self.count])
