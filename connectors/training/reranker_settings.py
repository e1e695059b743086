"""How a reranker is trained."""

from __future__ import annotations

from pydantic import Field

from rag_engine.connectors.training.training_settings import TrainingSettings

__all__ = ["RerankerTraining"]


class RerankerTraining(TrainingSettings):
    """Settings of one training run; the defaults suit a small cross-encoder on two cores.

    >>> RerankerTraining(negatives=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: negatives: Input should be greater than or equal to 1 (got 0)
    """

    batch: int = Field(8, ge=1)
    """Questions a step, each with its positive and its wrong passages."""
    learning_rate: float = Field(2e-5, gt=0)
    """The highest; it falls from there to 0. Adapters want some ten times as much."""
    warmup_steps: int = Field(50, ge=0)
    """Steps until the highest learning rate."""
    max_tokens: int = Field(256, ge=8)
    """Tokens of a pair that are read."""
    negatives: int = Field(3, ge=1)
    """Wrong passages a question at most; of more, others are drawn in each round."""
    lora_rank: int = Field(0, ge=0, title="rank")
    """Rank of the low-rank adapters that are trained beside the head (Hu et al. 2021, "LoRA",
    section 4.1); 0 trains all weights but the vocabulary's."""
    check_questions: int = Field(100, ge=1)
    """Questions of a test set that are asked at each check, in the same precision."""
    check_pool: int = Field(30, ge=2)
    """First candidates of dense search that are reranked for each of them."""
