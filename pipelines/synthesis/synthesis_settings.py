"""How questions are made."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rag_engine.connectors.training.synthesis.question_prompt import checked_languages
from rag_engine.errors import InvalidInput

__all__ = ["Synthesis"]


class Synthesis(BaseModel):
    """Settings of one run.

    >>> Synthesis(languages=("de",), per_passage=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: per_passage: Input should be greater than or equal to 1 (got 0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    languages: Annotated[tuple[str, ...], AfterValidator(checked_languages)]
    """Those that questions are asked for in, by turns."""
    per_passage: int = Field(1, ge=1)
    """Questions that are asked for of each passage."""
    limit: int | None = Field(None, ge=1)
    """Passages that are asked about, at most; None: all."""
    keep_within: int = Field(10, ge=1, le=1_000)
    """A question is kept if its passage is among so many first hits."""
    min_score: float | None = Field(None, ge=0, le=1)
    """And if that hit has so high a score; None: what ``rag-engine ask`` wants to read one."""
    negatives: int = Field(1, ge=0)
    """Wrong hits that are kept with a question."""
    seed: int = 1
    """Decides which passages come first, and with which language the turns begin."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidInput("; ".join(map(_problem, error.errors()))) from error

    def languages_of(self, place: int) -> list[str]:
        """Return the languages of the questions about the passage at a place in the order.

        >>> settings = Synthesis(languages=("de", "ja", "sw"), per_passage=2, seed=0)
        >>> [settings.languages_of(place) for place in range(3)]
        [['de', 'ja'], ['sw', 'de'], ['ja', 'sw']]
        """
        first = self.seed + place * self.per_passage
        count = len(self.languages)
        return [self.languages[(first + turn) % count] for turn in range(self.per_passage)]


def _problem(details: Any) -> str:
    if details["type"] == "value_error":  # it says all there is to say
        return str(details["ctx"]["error"])
    return f"{details['loc'][0]}: {details['msg']} (got {details['input']!r:.80})"
