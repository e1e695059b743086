"""How probable it is that any passage answers a question."""

from __future__ import annotations

from rag_engine.retrieval.candidates import Candidates

__all__ = ["answerable"]


def answerable(candidates: Candidates) -> float:
    """Return the probability, 0 to 1, that any of a question's candidates answers it."""
    return float(candidates.scores.max(initial=0))
