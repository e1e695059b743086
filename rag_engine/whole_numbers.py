"""Refuses what is no whole number within a range."""

from __future__ import annotations

from rag_engine.errors import InvalidInput

__all__ = ["check_whole"]


def check_whole(option: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number, or beyond its range.

    Raises:
        InvalidInput: it is one of these.

    >>> check_whole("sample", 0, 1)
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: sample is a whole number, 1 or more; got 0
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < least
        or (most is not None and value > most)
    ):
        allowed = f"{least} or more" if most is None else f"{least} to {most:,}"
        raise InvalidInput(f"{option} is a whole number, {allowed}; got {value!r:.80}")
