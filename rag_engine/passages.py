"""Passages as they lie in a knowledge base, read without a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.calibration.twins import Twins
from rag_engine.records import Chunk
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View

__all__ = ["Passage", "likeness", "read_passages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One passage; ``twins`` are the ids of those that say the same in other languages.

    ``content`` names what it says: all twins of one another have the same, ``document#ordinal`` of
    the one with the least id.
    """

    id: int
    chunk: Chunk
    title: str
    source: str
    twins: frozenset[int]
    content: str


def read_passages(view: View, ids: Sequence[int]) -> list[Passage]:
    """Return those passages of ``ids`` that are still there, in the order of ``ids``."""
    groups = {passage_id: _with_twins(view.snapshot.twins, passage_id) for passage_id in ids}
    leads = {passage_id: min(group) for passage_id, group in groups.items()}
    stored = view.chunks([*dict.fromkeys([*ids, *leads.values()])])
    passages: list[Passage] = []
    for passage_id in ids:
        if passage_id not in stored:
            continue
        own = stored[passage_id]
        lead = stored.get(leads[passage_id], own).chunk
        passages.append(
            Passage(
                id=passage_id,
                chunk=own.chunk,
                title=own.title,
                source=own.source,
                twins=frozenset(groups[passage_id] - {passage_id}),
                content=f"{lead.document_id}#{lead.ordinal}",
            )
        )
    return passages


def likeness(snapshot: Snapshot, passage: int, others: Sequence[int]) -> dict[int, float]:
    """Return how alike other passages are to one in meaning: cosines after centring.

    Languages are taken out at full strength, as where twins are looked for: those have 0.5 and
    more. Passages that are gone are left out, and so are all where languages are not centred:
    there, a cosine says as much of the languages.
    """
    ids = np.array([passage, *others], dtype=np.int64)
    there = snapshot.language_codes(ids) >= 0
    if not snapshot.offsets.enabled or not there[0]:
        return {}
    vectors, codes = snapshot.vectors(ids[there])
    centred = subtract_and_normalise(
        vectors, snapshot.language_offsets[codes] + snapshot.offsets.default
    )
    cosines = centred[1:] @ centred[0]
    return dict(zip(ids[there][1:].tolist(), cosines.tolist(), strict=True))


def _with_twins(twins: Twins, identifier: int) -> set[int]:
    """Return a passage, its twins, theirs, and so on.

    >>> sorted(_with_twins(Twins(np.array([[3, 5], [5, 9], [6, 7]])), 9))
    [3, 5, 9]
    """
    group: set[int] = set()
    new = {identifier}
    while new:
        group |= new
        twins_of_new = twins.of(np.array(sorted(new), dtype=np.int64)).values()
        new = {twin for twins_of_one in twins_of_new for twin in twins_of_one} - group
    return group
