"""Long work tells how far it is, and asks whether to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["OnStage", "Stop", "counted", "never", "silent"]

OnStage = Callable[[str, int, int], None]
"""Called with the name of a stage, how many passages are done, and how many there are."""
Stop = Callable[[], bool]
"""Asked between two steps of a write: True ends it there."""

_EVERY = 1_000

T = TypeVar("T")


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def never() -> bool:
    """Stop nothing: a write goes on to its end."""
    return False


def counted(items: Iterable[T], stage: str, total: int, on_stage: OnStage) -> Iterator[T]:
    """Yield the items, and tell now and then how many were.

    >>> calls = []
    >>> list(counted("ab", "reading", 2, lambda *call: calls.append(call))), calls
    (['a', 'b'], [('reading', 0, 2), ('reading', 2, 2)])
    """
    on_stage(stage, 0, total)
    for done, item in enumerate(items, 1):
        yield item
        if done % _EVERY == 0:
            on_stage(stage, done, total)
    on_stage(stage, total, total)
