"""What a trial is: something done to the engine many times over, and what holds every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Amounts", "Figures", "Trial"]

Amounts = Mapping[str, int]
"""How much of each thing a trial does: ``{"kills": 1000}``."""

Figures = Mapping[str, int | float | str]
"""What a trial counted and measured, as it is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One line of the plan.

    ``run(folder, amounts, drawn)`` works in an empty folder, does so much, draws everything from
    ``drawn``, and returns its figures; what does not hold is an ``AssertionError`` that names the
    round. ``lacking`` tells what this machine has not, as a sentence, where a trial needs more
    than the package.
    """

    name: str
    what: str
    """What is done, as in the plan."""
    holds: str
    """What must hold."""
    small: Amounts
    """How much the suite does: seconds."""
    full: Amounts
    """How much ``--size full`` does: at most ten minutes on two cores."""
    run: Callable[[Path, Amounts, random.Random], Figures]
    lacking: Callable[[], str | None] = lambda: None
