"""What the settings of every training have in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from rag_engine.errors import InvalidInput

__all__ = ["TrainingSettings"]


class TrainingSettings(BaseModel):
    """Settings of one training run.

    Where the command line has another name for a field, that is the field's ``title``.

    >>> TrainingSettings(steps=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: steps: Input should be greater than or equal to 1 (got 0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(500, ge=1)
    """Batches that are trained on."""
    precision: Literal["f32", "bf16"] = "f32"
    """How it computes; ``bf16`` by autocast."""
    seed: int = 1
    """For all that is drawn."""
    check_every: int = Field(100, ge=1)
    """Steps between checkpoints, and between checks on a test set."""
    patience: int = Field(3, ge=1)
    """Checks in a row without a better score, after which training ends."""

    def __init__(self, **values: Any) -> None:
        # Here, as an error of ours that a validator raises is one of pydantic's outside.
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidInput("; ".join(map(self._problem, error.errors()))) from error

    @classmethod
    def option(cls, field: str) -> str:
        """Return what the command line calls a field, without dashes before it.

        >>> TrainingSettings.option("check_every")
        'check-every'
        """
        return (cls.model_fields[field].title or field).replace("_", "-")

    @classmethod
    def _problem(cls, details: ErrorDetails) -> str:
        if not details["loc"]:
            return details["msg"].removeprefix("Value error, ")
        field = str(details["loc"][0])
        known = cls.model_fields.get(field)
        name = f"{field} (--{cls.option(field)})" if known and known.title else field
        return f"{name}: {details['msg']} (got {details['input']!r:.80})"
