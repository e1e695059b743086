"""How much of a knowledge base is looked at where nobody says so."""

from __future__ import annotations

__all__ = ["MOST_SAMPLE", "QUESTIONS", "SAMPLE"]

SAMPLE = 5_000
"""Passages that are looked at, of larger knowledge bases."""
MOST_SAMPLE = 20_000
"""Of more, all pairs are compared for minutes."""
QUESTIONS = 200
"""Pseudo-questions that are asked at most."""
