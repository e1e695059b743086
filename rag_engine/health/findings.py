"""One thing that was looked at: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rag_engine.health.sample import Sample
from rag_engine.records import Chunk
from rag_engine.text.steering import on_one_line

__all__ = [
    "EXAMPLES",
    "NOTHING_TO_DO",
    "Example",
    "Finding",
    "State",
    "example",
    "example_of",
    "first_of",
    "name_of",
    "not_told",
]

State = Literal["look", "not told", "ok"]

NOTHING_TO_DO = "nothing to do"
EXAMPLES = 5
"""How many examples a finding has."""
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A passage, ``document#ordinal``, its language, the beginning of its text, what is with it."""

    passage: str
    language: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one thing: ``count`` of ``of``; ``fine`` where nothing is to be done.

    ``check`` is the thing's name, ``says`` a sentence with the figures, ``advice`` the next step.
    What there was nothing to look at for, or too little, is not ``told``, and not ``fine`` either.
    """

    check: str
    fine: bool
    says: str
    advice: str
    count: int = 0
    of: int = 0
    examples: tuple[Example, ...] = ()
    told: bool = True

    @property
    def state(self) -> State:
        """Return ``look``, ``not told`` or ``ok``.

        >>> not_told("copies", "fewer than two passages").state
        'not told'
        """
        if not self.told:
            return "not told"
        return "ok" if self.fine else "look"

    @property
    def has_advice(self) -> bool:
        """Tell whether anything is to be done."""
        return self.advice != NOTHING_TO_DO

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, with its ``state``."""
        return {**asdict(self), "state": self.state}


def not_told(check: str, says: str, advice: str = NOTHING_TO_DO) -> Finding:
    """Return what is said of a thing that there was nothing to look at for, or too little."""
    return Finding(check=check, fine=False, told=False, says=says, advice=advice)


def example(sample: Sample, place: int, note: str = "") -> Example:
    """Return a passage of a sample as an example."""
    return example_of(sample.chunks[place].chunk, note)


def example_of(chunk: Chunk, note: str = "", text: str | None = None) -> Example:
    """Return a passage as an example, by another ``text`` than its own if one is given."""
    text = chunk.text if text is None else text
    shown = on_one_line(text[:_SHOWN])
    return Example(
        passage=name_of(chunk),
        language=chunk.language,
        text=shown if len(text) <= _SHOWN else f"{shown}…",
        note=note,
    )


def name_of(chunk: Chunk) -> str:
    """Return what a passage is called in a report: ``document#ordinal``."""
    return f"{chunk.document_id}#{chunk.ordinal}"


def first_of(
    sample: Sample, places: Iterable[int], notes: Sequence[str] = ()
) -> tuple[Example, ...]:
    """Return the first few of some places of a sample as examples."""
    few = list(places)[:EXAMPLES]
    return tuple(
        example(sample, place, notes[number] if notes else "") for number, place in enumerate(few)
    )
