"""Passages that stand there twice: to the letter, or nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rag_engine.health.findings import (
    EXAMPLES,
    Example,
    Finding,
    example,
    example_of,
    name_of,
    not_told,
)
from rag_engine.health.sample import Places, Sample, every_id, in_batches
from rag_engine.ports import Float32Array
from rag_engine.store.view import View
from rag_engine.tasks.same_texts import SAME, nearly_same, text_key

__all__ = ["Copies", "duplicate_findings", "find_copies", "find_near"]

_MOST_READ = 200_000
"""Texts that are read to be compared to the letter."""
_NEAR = 0.9
"""The least cosine of passages whose texts are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """``extra`` passages of ``read`` say to the letter what one before them says.

    ``groups`` are the ids of the first few such groups.
    """

    extra: int
    read: int
    groups: tuple[tuple[int, ...], ...]


def find_copies(view: View, seed: int) -> Copies:
    """Compare all passages to the letter, blanks aside (of very many, as many as are drawn).

    Kept of a text are 8 bytes.
    """
    ids = every_id(view.snapshot)
    if len(ids) > _MOST_READ:
        ids = np.sort(np.random.default_rng(seed).choice(ids, _MOST_READ, replace=False))
    keys = np.zeros(len(ids), dtype=np.uint64)
    place = 0
    kept = np.zeros(len(ids), dtype=np.bool_)
    for batch in in_batches(ids):
        found = view.chunks(batch)
        for number, identifier in enumerate(batch, start=place):
            if identifier in found:
                keys[number] = text_key(found[identifier].chunk.text)
                kept[number] = True
        place += len(batch)
    ids, keys = ids[kept], keys[kept]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    several = np.sort(first[counts > 1])[:EXAMPLES]
    groups = tuple(tuple(ids[keys == keys[place]].tolist()) for place in several.tolist())
    return Copies(extra=int((counts - 1).sum()), read=len(ids), groups=groups)


def find_near(sample: Sample, places: Places, cosines: Float32Array) -> list[tuple[int, int]]:
    """Return pairs of places in one language whose texts nearly are the same.

    Only near passages are compared: ``places`` and ``cosines`` ``(n, k)`` are the nearest of each.
    """
    rows, columns = np.nonzero((cosines >= _NEAR) & (places >= 0))
    pairs = {
        (min(one, other), max(one, other))
        for one, other in zip(rows.tolist(), places[rows, columns].tolist(), strict=True)
        if sample.codes[one] == sample.codes[other]
    }
    texts = [each.chunk.text for each in sample.chunks]
    return [(one, other) for one, other in sorted(pairs) if nearly_same(texts[one], texts[other])]


def duplicate_findings(
    view: View, sample: Sample, copies: Copies, near: list[tuple[int, int]]
) -> Iterator[Finding]:
    """Say how much stands there twice."""
    if copies.read < 2 or len(sample) < 2:
        for check in ("copies", "near duplicates"):
            yield not_told(check, "fewer than two passages: there is nothing to compare")
        return
    yield Finding(
        check="copies",
        fine=copies.extra == 0,
        says=f"passages that repeat another one to the letter: {copies.extra:,} of {copies.read:,}",
        advice=(
            "nothing to do"
            if copies.extra == 0
            else "they take each other's place among the hits: index a document once "
            "(rag-engine duplicates), and leave out headers and footers that stand on every page"
        ),
        count=copies.extra,
        of=copies.read,
        examples=tuple(_examples(view, copies)),
    )
    notes = {
        one: f"nearly as {name_of(sample.chunks[other].chunk)}" for one, other in reversed(near)
    }  # of one that has several, the first
    yield Finding(
        check="near duplicates",
        fine=not near,
        says=(
            f"pairs of passages in one language that share {SAME:.0%} of their text and more: "
            f"{len(near):,}"
        ),
        advice=(
            "nothing to do"
            if not near
            else "versions of one text: keep the newest, or tell them apart by metadata and filter"
        ),
        count=len(near),
        of=len(sample),
        examples=tuple(
            example(sample, place, note) for place, note in sorted(notes.items())[:EXAMPLES]
        ),
    )


def _examples(view: View, copies: Copies) -> Iterator[Example]:
    for group in copies.groups:
        found = view.chunks(list(group[:3]))
        chunks = [found[each].chunk for each in group[:3] if each in found]
        if len(chunks) > 1:
            others = ", ".join(map(name_of, chunks[1:]))
            more = f" and {len(group) - 3:,} more" if len(group) > 3 else ""
            yield example_of(chunks[0], f"as {others}{more}")
