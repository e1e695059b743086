"""From ranked candidates to hits: texts, reasons, and one for each group of twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rag_engine.images.document_image import image_of
from rag_engine.ports import IdSelector, Int64Array
from rag_engine.records import Hit, ScoreParts, Twin
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.lexical import LexicalQuery
from rag_engine.retrieval.query import PreparedQuery
from rag_engine.store.catalogue_records import FoundChunk
from rag_engine.store.row_codec import unpack_terms
from rag_engine.store.snapshot import Snapshot
from rag_engine.store.view import View

__all__ = ["make_hits"]


_NO_IMAGES: Mapping[int, float] = MappingProxyType({})


class _Group(NamedTuple):
    """The places of the best and of the shown passage, and the ids of the others."""

    best: int
    shown: int
    twins: list[int]


def make_hits(
    view: View,
    queries: Sequence[PreparedQuery],
    candidates: Candidates,
    *,
    k: int,
    allowed: IdSelector | None,
    group_twins: bool,
    rerank_failure: str | None = None,
    follow_up: float | None = None,
    answerable: float | None = None,
    pictures: bool = False,
    images: Mapping[int, float] = _NO_IMAGES,
) -> list[Hit]:
    """Return the ``k`` best hits of ranked candidates.

    ``queries`` are the formulations of the question, the asker's own first: a reader is shown what
    is in the language of that one. ``rerank_failure`` tells why the candidates are not in the
    reranker's order, ``follow_up`` how likely the question goes on with a conversation,
    ``answerable`` how likely it is that any passage answers it, ``images`` how likely each picture
    does, by the ids of their passages. ``pictures`` tells that passages may be pictures.

    With ``group_twins`` passages that say the same in several languages make one hit: the one in
    the question's language if there is one, else the best; the others are its ``twins``. It
    stands where, and has the score that, the best of them has. Captions of different pictures are
    no twins here: one picture does not stand for another.

    Raises:
        ViewOutdated: a passage vanished meanwhile, and the view is not lenient.
    """
    language = queries[0].embedded.language
    lexical = [query.lexical for query in queries]
    groups = _groups(
        view, language, candidates, k, allowed, group_twins=group_twins, pictures=pictures
    )
    chunks = view.chunks(
        [
            identifier
            for group in groups
            for identifier in (int(candidates.ids[group.shown]), *group.twins)
        ]
    )
    hits: list[Hit] = []
    for group in groups:
        shown = chunks.get(int(candidates.ids[group.shown]))
        if shown is not None:
            hits.append(
                Hit(
                    rank=len(hits) + 1,
                    score=float(candidates.scores[group.best]),
                    chunk_id=shown.id,
                    chunk=shown.chunk,
                    title=shown.title,
                    source=shown.source,
                    metadata=shown.metadata,
                    query_language=language,
                    parts=replace(
                        _parts(candidates, group.shown, lexical, shown),
                        rerank_failure=rerank_failure,
                        follow_up=follow_up,
                        answerable=answerable,
                        image=images.get(shown.id),
                    ),
                    twins=tuple(_twin(chunks[twin]) for twin in group.twins if twin in chunks),
                )
            )
    return hits


def _groups(
    view: View,
    language: str,
    candidates: Candidates,
    k: int,
    allowed: IdSelector | None,
    *,
    group_twins: bool,
    pictures: bool,
) -> list[_Group]:
    """Return what each hit is made of, for a reader of ``language``."""
    snapshot = view.snapshot
    ids = candidates.ids.tolist()
    places = {identifier: place for place, identifier in enumerate(ids)}
    languages = [snapshot.language_names[code] for code in candidates.languages.tolist()]
    twins_of: dict[int, list[int]] = {}
    groups: list[_Group] = []
    taken: set[int] = set()
    for best, identifier in enumerate(ids):
        if group_twins and best % (2 * k) == 0:  # seldom more than once
            twins_of = _twins_of(snapshot, candidates.ids[best : best + 2 * k], allowed)
            if pictures:
                twins_of = _of_one_picture(view, twins_of)
        if identifier in taken:
            continue
        members = [identifier, *(t for t in twins_of.get(identifier, ()) if t not in taken)]
        readable = [
            places[member]
            for member in members
            if member in places and languages[places[member]] == language
        ]
        shown = min(readable, default=best)
        twins = [member for member in members if member != ids[shown]]
        groups.append(_Group(best, shown, twins))
        taken.update(members)
        if len(groups) == k:
            break
    return groups


def _twins_of(
    snapshot: Snapshot, ids: Int64Array, allowed: IdSelector | None
) -> dict[int, list[int]]:
    """Return the twins, ascending, of those of ``ids`` that have any that may be shown."""
    groups = snapshot.twins.of(ids)
    every = np.array(sorted({twin for group in groups.values() for twin in group}), dtype=np.int64)
    shown = snapshot.not_deleted(every)
    shown = shown if allowed is None else shown[allowed.allows(shown)]
    if len(shown) == len(every):
        return groups
    visible = set(shown.tolist())
    return {
        identifier: [twin for twin in group if twin in visible]
        for identifier, group in groups.items()
    }


def _of_one_picture(view: View, groups: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """Leave out twins that are of another picture than the passage that they are twins of."""
    chunks = view.chunks(sorted({*groups, *(twin for group in groups.values() for twin in group)}))
    images = {identifier: image_of(chunk.metadata) for identifier, chunk in chunks.items()}
    return {
        identifier: [twin for twin in group if images.get(twin) == images.get(identifier)]
        for identifier, group in groups.items()
    }


def _twin(chunk: FoundChunk) -> Twin:
    return Twin(chunk_id=chunk.id, chunk=chunk.chunk, title=chunk.title, source=chunk.source)


def _parts(
    candidates: Candidates,
    place: int,
    lexical: Sequence[LexicalQuery],
    chunk: FoundChunk,
) -> ScoreParts:
    late, rerank = float(candidates.late[place]), float(candidates.rerank[place])
    return ScoreParts(
        dense=float(candidates.dense[place]),
        dense_plain=float(candidates.dense_plain[place]),
        lexical=float(candidates.lexical[place]),
        matched_terms=_matched_terms(_terms(lexical, chunk.chunk.language), chunk),
        late=None if np.isnan(late) else late,
        rerank=None if np.isnan(rerank) else rerank,
        rank_before_rerank=int(candidates.rank_before_rerank[place]),
    )


def _terms(lexical: Sequence[LexicalQuery], language: str) -> dict[str, float]:
    """Return the terms of all formulations for passages of a language, the heavier of two."""
    terms: dict[str, float] = {}
    for one in lexical:
        for term, weight in one.terms(language).items():
            terms[term] = max(weight, terms.get(term, 0.0))
    return terms


def _matched_terms(weights: Mapping[str, float], chunk: FoundChunk) -> tuple[str, ...]:
    """Tell which of the question's terms a passage holds, heaviest first, without prefixes."""
    if not weights:
        return ()
    matched = weights.keys() & set(unpack_terms(chunk.packed_terms))
    heaviest = sorted(matched, key=lambda term: (-weights[term], term))
    # A stem and a name may be one word.
    return tuple(dict.fromkeys(term[len(chunk.chunk.language) + 1 :] for term in heaviest))
