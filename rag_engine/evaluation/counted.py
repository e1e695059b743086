"""Counts in sentences."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, what: str) -> str:
    """Return how many there are of something, for people.

    >>> counted(1, "hit"), counted(1200, "hit")
    ('1 hit', '1,200 hits')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
