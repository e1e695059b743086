"""How questions are made."""

from __future__ import annotations

from dataclasses import dataclass

from rag_engine.connectors.training.synthesis.question_prompt import checked_languages
from rag_engine.errors import InvalidInput
from rag_engine.search_arguments import check_k, check_min_score

__all__ = ["Synthesis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """Settings of one run.

    ``per_passage`` questions are asked for of each of at most ``limit`` passages (all of them:
    None), in ``languages`` by turns. A question is kept if its passage is among the first
    ``keep_within`` hits with at least ``min_score`` (None: what ``rag-engine ask`` wants of a hit
    to read it); ``negatives`` wrong hits are kept with it. ``seed`` decides which passages come
    first, and with which language the turns begin.

    >>> Synthesis(languages=("de",), per_passage=0)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: per_passage is at least 1, got 0
    """

    languages: tuple[str, ...]
    per_passage: int = 1
    limit: int | None = None
    keep_within: int = 10
    min_score: float | None = None
    negatives: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", checked_languages(self.languages))
        for name, least in (("per_passage", 1), ("limit", 1), ("negatives", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InvalidInput(f"{name} is at least {least}, got {value}")
        check_k(self.keep_within)
        if self.min_score is not None:
            check_min_score(self.min_score)

    def languages_of(self, place: int) -> list[str]:
        """Return the languages of the questions about the passage at a place in the order.

        >>> settings = Synthesis(languages=("de", "ja", "sw"), per_passage=2, seed=0)
        >>> [settings.languages_of(place) for place in range(3)]
        [['de', 'ja'], ['sw', 'de'], ['ja', 'sw']]
        """
        first = self.seed + place * self.per_passage
        count = len(self.languages)
        return [self.languages[(first + turn) % count] for turn in range(self.per_passage)]
