"""What the training of a reranker is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["RankedLists", "RerankCheck"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedLists:
    """Questions in the order in which they are trained on, each with passages to rank.

    ``targets[n]`` has a number for each of ``passages[n]``: 1 for right and 0 for wrong, or where
    ``taught`` the scores that another reranker gave (logits).
    """

    questions: Sequence[str]
    passages: Sequence[Sequence[str]]
    targets: Sequence[Sequence[float]]
    taught: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankCheck:
    """Candidates that are reranked while training, as retrieval ranks them.

    ``grades[n]`` are those of ``passages[n]``, 0 for wrong; ``judged[n]`` are the grades of all
    passages that answer the question, found or not.
    """

    questions: Sequence[str]
    passages: Sequence[Sequence[str]]
    grades: Sequence[Sequence[int]]
    judged: Sequence[Sequence[int]]
