"""One thing that was looked at: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag_engine.health.sample import Sample
from rag_engine.records import Chunk
from rag_engine.text.steering import on_one_line

__all__ = ["EXAMPLES", "Example", "Finding", "example", "example_of", "first_of", "name_of"]

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
    """

    check: str
    fine: bool
    says: str
    advice: str
    count: int = 0
    of: int = 0
    examples: tuple[Example, ...] = ()


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
