"""From ranked candidates to hits: texts, reasons, and one for each group of twins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rag_engine.ports import Int64Array, Restriction
from rag_engine.records import Hit, ScoreParts, Twin
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.lexical import LexicalQuery
from rag_engine.retrieval.query import Question
from rag_engine.store.catalogue_records import FoundChunk
from rag_engine.store.row_codec import unpack_terms
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View

__all__ = ["make_hits"]


def make_hits(
    view: View,
    question: Question,
    lexical: LexicalQuery,
    found: Candidates,
    *,
    k: int,
    only: Restriction | None,
    group_twins: bool,
) -> list[Hit]:
    """Return the ``k`` best hits of ranked candidates.

    With ``group_twins`` passages that say the same in several languages make one hit: the one in
    the question's language if there is one, else the best; the others are its ``twins``. It
    stands where, and has the score that, the best of them has.

    Raises:
        ViewOutdated: a passage vanished meanwhile, and the view is not lenient.
    """
    groups = _groups(view.snapshot, question, found, k, only, group_twins=group_twins)
    wanted = [each for _, shown, twins in groups for each in (int(found.ids[shown]), *twins)]
    chunks = view.chunks(wanted)
    hits: list[Hit] = []
    for lead, shown, twins in groups:
        identifier = int(found.ids[shown])
        if identifier in chunks:
            hits.append(
                Hit(
                    rank=len(hits) + 1,
                    score=float(found.scores[lead]),
                    chunk_id=identifier,
                    chunk=chunks[identifier].chunk,
                    title=chunks[identifier].title,
                    source=chunks[identifier].source,
                    metadata=chunks[identifier].metadata,
                    query_language=question.language,
                    parts=_parts(found, shown, lexical, chunks[identifier]),
                    twins=tuple(_twin(chunks[each]) for each in twins if each in chunks),
                )
            )
    return hits


def _groups(
    snapshot: Snapshot,
    question: Question,
    found: Candidates,
    k: int,
    only: Restriction | None,
    *,
    group_twins: bool,
) -> list[tuple[int, int, list[int]]]:
    """Return for each hit the places of the best and of the shown passage, and the others' ids."""
    ids = found.ids.tolist()
    place = {each: row for row, each in enumerate(ids)}
    languages = [snapshot.language_names[code] for code in found.languages.tolist()]
    twins_of: dict[int, list[int]] = {}
    groups: list[tuple[int, int, list[int]]] = []
    taken: set[int] = set()
    for lead, identifier in enumerate(ids):
        if group_twins and lead % (2 * k) == 0:  # seldom more than once
            twins_of = _twins_of(snapshot, found.ids[lead : lead + 2 * k], only)
        if identifier in taken:
            continue
        group = [identifier, *(each for each in twins_of.get(identifier, ()) if each not in taken)]
        at_home = [
            place[each]
            for each in group
            if each in place and languages[place[each]] == question.language
        ]
        shown = min(at_home, default=lead)
        groups.append((lead, shown, [each for each in group if each != ids[shown]]))
        taken.update(group)
        if len(groups) == k:
            break
    return groups


def _twins_of(
    snapshot: Snapshot, ids: Int64Array, only: Restriction | None
) -> dict[int, list[int]]:
    """Return the twins, ascending, of those of ``ids`` that have any that may be shown."""
    groups = snapshot.twins.of(ids)
    every = np.array(sorted({twin for group in groups.values() for twin in group}), dtype=np.int64)
    shown = snapshot.not_deleted(every)
    shown = shown if only is None else shown[only.allows(shown)]
    if len(shown) == len(every):
        return groups
    kept = set(shown.tolist())
    return {each: [twin for twin in group if twin in kept] for each, group in groups.items()}


def _twin(found: FoundChunk) -> Twin:
    return Twin(chunk_id=found.id, chunk=found.chunk, title=found.title, source=found.source)


def _parts(found: Candidates, place: int, lexical: LexicalQuery, chunk: FoundChunk) -> ScoreParts:
    late, rerank = float(found.late[place]), float(found.rerank[place])
    return ScoreParts(
        dense=float(found.dense[place]),
        dense_plain=float(found.dense_plain[place]),
        lexical=float(found.lexical[place]),
        matched_terms=_matched_terms(lexical.terms(chunk.chunk.language), chunk),
        late=None if np.isnan(late) else late,
        rerank=None if np.isnan(rerank) else rerank,
        rank_before_rerank=int(found.before[place]),
    )


def _matched_terms(weights: Mapping[str, float], found: FoundChunk) -> tuple[str, ...]:
    """Tell which of the question's terms a passage holds, heaviest first, without prefixes."""
    if not weights:
        return ()
    held = weights.keys() & set(unpack_terms(found.packed_terms))
    heaviest = sorted(held, key=lambda term: (-weights[term], term))
    return tuple(term[len(found.chunk.language) + 1 :] for term in heaviest)
