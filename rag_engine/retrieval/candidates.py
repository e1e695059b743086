"""The passages that may answer a question, and every figure that is known of them.

The pool is bounded, and fair: the nearest passages of all, and of every language that these leave
short its own nearest, so that no language can crowd another out. To them come the passages that
hold most of the question's words, those that hold most of what all languages write alike, and those
of other languages that hold the rarest of its words as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.ports import Float32Array, IdSelector, Int64Array
from rag_engine.retrieval.query import PreparedQuery
from rag_engine.store.snapshot import Snapshot

__all__ = ["Candidates", "featurise", "places_for_each", "retrieve"]

_REACH = 4
"""How many times the pool is looked at for passages of languages that the pool leaves short."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages with their figures; all arrays have shape ``(n,)``.

    ``languages`` are places in the snapshot's ``language_names``; ``same_language_probability``
    tells how surely the question is in the passage's language. ``scores`` are what a reader sees, 0
    to 1 in the default mode; ``dense`` and ``dense_plain`` cosines after and before centring,
    ``z_scores`` the first in standard deviations above passages at random;
    ``own_language_coverage`` and ``shared_term_coverage`` are the shares of the question, and
    ``literal_surprise`` the nats, that ``fusion.lexical_evidence`` weighs; ``sparse`` is how
    surprising it is, in nats, what learned weights of tokens match, 0 where there are none;
    ``late`` is late interaction above chance, and ``rerank`` a reranker's scores, both NaN where
    there is none; ``rank_before_rerank`` counts from 1.
    """

    ids: Int64Array
    languages: npt.NDArray[np.intp]
    same_language_probability: Float32Array
    scores: Float32Array
    dense: Float32Array
    dense_plain: Float32Array
    z_scores: Float32Array
    own_language_coverage: Float32Array
    shared_term_coverage: Float32Array
    literal_surprise: Float32Array
    sparse: Float32Array
    late: Float32Array
    rerank: Float32Array
    rank_before_rerank: Int64Array

    def __len__(self) -> int:
        return len(self.ids)

    def taken(self, places: npt.NDArray[np.intp]) -> Candidates:
        """Return those at some places, in their order."""
        return Candidates(*(getattr(self, field.name)[places] for field in fields(self)))

    def with_others(self, others: Candidates) -> Candidates:
        """Return these and others that are not among them."""
        names = [field.name for field in fields(self)]
        return Candidates(
            *(np.concatenate([getattr(self, name), getattr(others, name)]) for name in names)
        )

    @property
    def lexical(self) -> Float32Array:
        """The share of the question that each passage holds, by words or by shared terms."""
        shares: Float32Array = self.own_language_coverage + self.shared_term_coverage
        return shares


def places_for_each(pool: int, languages: int) -> int:
    """Return how many candidates every language has at least, if it has so many passages.

    Together the languages that the nearest passages leave short take at most half a pool more, or
    one place each.

    >>> places_for_each(100, 11), places_for_each(100, 190)
    (4, 1)
    """
    return max(1, pool // (2 * max(1, languages)))


def retrieve(
    query: PreparedQuery,
    snapshot: Snapshot,
    pool: int,
    allowed: IdSelector | None,
    *,
    dense: bool = True,
) -> Int64Array:
    """Return the ids of the candidates, ascending.

    There are at most ``4.5 * pool``; with very many languages ``4 * pool`` and one for each. Where
    tokens have learned weights, another ``pool``.
    """
    parts = []
    if dense:
        floor = places_for_each(pool, len(snapshot.languages))
        parts.append(_nearest_fairly(query.vector, snapshot, pool, floor, allowed))
    for weights in (query.lexical.words, query.lexical.shared, query.lexical.literal):
        if weights:
            parts.append(snapshot.search_weighted(weights, pool, allowed).ids)
    if query.sparse is not None:
        parts.append(query.sparse.best(pool, snapshot, allowed))
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def _nearest_fairly(
    query: Float32Array, snapshot: Snapshot, pool: int, floor: int, allowed: IdSelector | None
) -> Int64Array:
    """Return the ids of the ``pool`` nearest passages of a centred query ``(dimension,)``.

    To them come, for every language that has fewer than ``floor`` among them, its own nearest
    up to ``floor``, so that none is crowded out: at most ``pool + floor * languages`` ids.
    """
    several = len(snapshot.languages) > 1
    reach = _REACH * pool if several else pool
    wide = snapshot.search_dense(query[np.newaxis], reach, allowed)[0].ids
    if not several:
        return wide
    codes = snapshot.language_codes(wide)
    ids = wide[(np.arange(len(wide)) < pool) | (_places_in_groups(codes) < floor)]
    if len(wide) == reach:
        counts = np.bincount(codes, minlength=len(snapshot.language_names)).tolist()
        missing = {
            language: floor - count
            for language, count in zip(snapshot.language_names, counts, strict=True)
            if count < min(floor, snapshot.languages[language])
        }
        if missing:
            ids = np.concatenate([ids, _nearest_missing(query, snapshot, missing, wide, allowed)])
    return ids


def _nearest_missing(
    query: Float32Array,
    snapshot: Snapshot,
    missing: Mapping[str, int],
    known: Int64Array,
    allowed: IdSelector | None,
) -> Int64Array:
    """Return the ids of the nearest passages, not ``known``, of each language ``missing`` some.

    They are the nearest, or nearly so: of a large language some lists are looked through.
    """
    ids, cosines = snapshot.probe(query, missing, allowed)
    new = ~np.isin(ids, known)
    ids, cosines = ids[new], cosines[new]
    ids = ids[np.lexsort((ids, -cosines))]
    codes = snapshot.language_codes(ids)
    wanted = np.array([missing.get(name, 0) for name in snapshot.language_names], dtype=np.intp)
    return ids[_places_in_groups(codes) < wanted[codes]]


def _places_in_groups(groups: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return how many elements of the same group come before each, ``(n,)``.

    >>> _places_in_groups(np.array([5, 7, 5, 5, 7])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-2))
    lengths = np.diff(starts, append=len(groups))
    places = np.empty(len(groups), dtype=np.intp)
    places[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return places


def featurise(query: PreparedQuery, snapshot: Snapshot, ids: Int64Array) -> Candidates:
    """Look up or compute the figures of some passages; ``ids`` ascend."""
    vectors, languages = snapshot.vectors(ids)
    dense = np.vecdot(
        subtract_and_normalise(vectors, snapshot.language_offsets[languages]), query.vector
    )
    same_language = query.language_probabilities(snapshot.language_names)[languages]
    own_language, shared, literal = _words(query, snapshot, ids, same_language)
    unknown = np.full(len(ids), np.nan, dtype=np.float32)
    moments = query.moments
    return Candidates(
        ids=ids,
        languages=languages,
        same_language_probability=same_language,
        scores=unknown,
        dense=dense,
        dense_plain=np.vecdot(vectors, query.embedded.vector),
        z_scores=((dense - moments.mean) / moments.std).astype(np.float32),
        own_language_coverage=own_language,
        shared_term_coverage=shared,
        literal_surprise=literal,
        sparse=np.zeros(len(ids), np.float32) if query.sparse is None else query.sparse.of(ids),
        late=unknown,
        rerank=unknown,
        rank_before_rerank=np.zeros(len(ids), dtype=np.int64),
    )


def _words(
    query: PreparedQuery, snapshot: Snapshot, ids: Int64Array, same_language: Float32Array
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Return the shares of words that only the language has, and of words that all have.

    With them comes how surprising the words are that passages hold as they stand.
    """
    lexical = query.lexical
    weightings = [lexical.words, lexical.shared, lexical.literal]
    words, shared, literal = snapshot.sums(ids, weightings)
    plausible = same_language > 0
    shared = np.where(plausible, np.minimum(shared, words), shared)
    return words - np.where(plausible, shared, 0), shared, literal
