"""How an embedder is trained."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from rag_engine.connectors.training.training_settings import TrainingSettings

__all__ = ["EmbedderTraining"]


class EmbedderTraining(TrainingSettings):
    """Settings of one training run; the defaults suit an E5 model on two cores and an hour.

    Every question of a batch is trained against its own positive, its negatives and all other
    passages of the batch: InfoNCE (van den Oord et al. 2018, "Representation Learning with
    Contrastive Predictive Coding", section 2.3).

    >>> EmbedderTraining(interpolation_alpha=1.5)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: interpolation_alpha (--share): Input should be less than or \
equal to 1 (got 1.5)
    """

    batch: int = Field(24, ge=1)
    """Questions a step."""
    learning_rate: float = Field(3e-4, gt=0)
    """The highest; it falls from there to 0."""
    warmup_steps: int = Field(30, ge=0)
    """Steps until the highest learning rate."""
    temperature: float = Field(0.02, gt=0)
    """Cosines are divided by it before they are compared."""
    loss: Literal["infonce", "triplet", "kl", "margin-mse"] = "infonce"
    """What is made small: ``infonce`` (see above); ``triplet``, by how much a negative is not
    ``margin`` further from the question than the positive (Schroff et al. 2015, "FaceNet", section
    3.1); or of a cross-encoder's scores for a question's passages ``kl``, the divergence of the
    distributions (Lin et al. 2020, "Distilling Dense Representations for Ranking using
    Tightly-Coupled Teachers", section 3), or ``margin-mse``, the squared distance of the margins
    between positive and negatives (Hofstätter et al. 2020, section 3.2)."""
    margin: float = Field(0.1, gt=0, le=2)
    """Of triplets, in cosines."""
    teacher_temperature: float = Field(1.0, gt=0, title="teacher-temperature")
    """What a cross-encoder's scores (logits) are divided by."""
    infonce_weight: float = Field(0.0, ge=0, title="infonce")
    """What InfoNCE weighs beside another ``loss``."""
    mini_batch: int = Field(0, ge=0, title="mini-batch")
    """Texts that go through the model at once: the gradients of a batch's vectors are kept, and its
    texts read again in such parts, so that memory does not grow with the batch (Gao et al. 2021,
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", section 3); 0: a
    batch goes through it whole."""
    max_tokens: int = Field(128, ge=1)
    """Tokens of a text that are read."""
    lora_rank: int = Field(32, ge=0, title="rank")
    """Rank of the low-rank adapters that are trained (Hu et al. 2021, "LoRA", section 4.1); 0
    trains all weights but the vocabulary's."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the numbers in the model's layers that is left out while it is trained: drawing so
    many random numbers takes a CPU as long as the rest."""
    anchor_weight: float = Field(5.0, ge=0, title="keep")
    """How much vectors are held to the original model's: the mean squared distance times the
    dimension weighs so much beside InfoNCE."""
    anchor_every: int = Field(6, ge=1, title="keep-every")
    """Steps from one that holds vectors to the next."""
    hold_weight: float = Field(1.0, gt=0, title="hold-weight")
    """What similarities that are held to the original's weigh: the Kullback-Leibler divergence of
    a question's distribution over the passages of its batch (see ``SimilarityLoss``)."""
    late_interaction_weight: float = Field(0.0, ge=0, title="late")
    """What late interaction, token by token, weighs beside the vectors of texts (see
    ``RetrievalLoss``); the engine asks only the bundled model for tokens."""
    interpolation_alpha: float = Field(1.0, gt=0, le=1, title="share")
    """How far from the original towards the trained weights the result lies."""
    matryoshka: tuple[int, ...] = ()
    """Dimensions: beginnings of vectors of so many components are trained too (Kusupati et al.
    2022, "Matryoshka Representation Learning", section 3)."""

    @property
    def reads_scores(self) -> bool:
        """Whether a cross-encoder's scores are learnt."""
        return self.loss in {"kl", "margin-mse"}

    @field_validator("matryoshka")
    @classmethod
    def _some_of_each(cls, dimensions: tuple[int, ...]) -> tuple[int, ...]:
        if any(each < 1 for each in dimensions):
            raise ValueError("dimensions are 1 or more")
        if len(set(dimensions)) < len(dimensions):
            raise ValueError("a dimension stands there twice")
        return dimensions

    @model_validator(mode="after")
    def _together(self) -> Self:
        late = f"late_interaction_weight (--late), got {self.late_interaction_weight}"
        if self.late_interaction_weight and self.matryoshka:
            raise ValueError(
                "late_interaction_weight (--late) and matryoshka do not go together, got "
                f"{self.late_interaction_weight} and {self.matryoshka}; leave one out"
            )
        if self.mini_batch:
            part = f"mini_batch (--mini-batch) {self.mini_batch}"
            if self.loss != "infonce":
                raise ValueError(
                    f"{part} is for loss = 'infonce', got {self.loss!r}; the others compare a "
                    "question with its own passages alone: a smaller batch does the same"
                )
            if self.late_interaction_weight:
                raise ValueError(f"{part} does not go with {late}; leave one out")
            if self.mini_batch >= self.batch:
                raise ValueError(
                    f"{part} is to be less than the batch, got {self.batch}; leave it out"
                )
        return self
