"""The passages that may answer a question, and every figure that is known of them.

The pool is bounded, and fair: the nearest passages of all, and of every language that these leave
short its own nearest, so that no language can crowd another out. To them come the passages that
hold most of the question's words, and those that hold most of what all languages write alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.ports import Float32Array, Int64Array, Restriction
from rag_engine.retrieval.query import Asked
from rag_engine.store.snapshot import Snapshot

__all__ = ["Candidates", "describe", "gather", "places_for_each"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages with their figures; all arrays have shape ``(n,)``.

    ``languages`` are places in the snapshot's ``language_names``; ``home`` tells how surely the
    question is in the passage's language. ``scores`` are what a reader sees, 0 to 1 in the default
    mode; ``dense`` and ``dense_plain`` cosines after and before centring, ``cosines`` the first in
    standard deviations above passages at random; ``words`` and ``shared`` shares of the question,
    as in ``fusion.lexical_evidence``; ``late`` late interaction above chance, and ``rerank`` a
    reranker's scores, both NaN where there is none; ``before`` is the rank before a reranker,
    from 1.
    """

    ids: Int64Array
    languages: npt.NDArray[np.intp]
    home: Float32Array
    scores: Float32Array
    dense: Float32Array
    dense_plain: Float32Array
    cosines: Float32Array
    words: Float32Array
    shared: Float32Array
    late: Float32Array
    rerank: Float32Array
    before: Int64Array

    def __len__(self) -> int:
        return len(self.ids)

    def taken(self, places: npt.NDArray[np.intp]) -> Candidates:
        """Return those at some places, in their order."""
        return Candidates(*(getattr(self, each.name)[places] for each in fields(self)))

    def with_others(self, others: Candidates) -> Candidates:
        """Return these and others that are not among them."""
        names = [each.name for each in fields(self)]
        return Candidates(
            *(np.concatenate([getattr(self, name), getattr(others, name)]) for name in names)
        )

    @property
    def lexical(self) -> Float32Array:
        """The share of the question that each passage holds, by words or by shared terms."""
        found: Float32Array = self.words + self.shared
        return found


def places_for_each(pool: int, languages: int) -> int:
    """Return how many candidates every language has at least, if it has so many passages.

    Together the languages that the nearest passages leave short take at most half a pool more, or
    one place each.

    >>> places_for_each(100, 11), places_for_each(100, 190)
    (4, 1)
    """
    return max(1, pool // (2 * max(1, languages)))


def gather(
    asked: Asked, snapshot: Snapshot, pool: int, only: Restriction | None, *, dense: bool = True
) -> Int64Array:
    """Return the ids of the candidates, ascending.

    There are at most ``3.5 * pool``; with very many languages ``3 * pool`` and one for each.
    """
    found = []
    if dense:
        floor = places_for_each(pool, len(snapshot.languages))
        found.append(snapshot.search_dense_fairly(asked.vector, pool, floor, only))
    for weights in (asked.lexical.words, asked.lexical.shared):
        if weights:
            found.append(snapshot.search_weighted(weights, pool, only).ids)
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)


def describe(asked: Asked, snapshot: Snapshot, ids: Int64Array) -> Candidates:
    """Look up or compute the figures of some passages; ``ids`` ascend."""
    vectors, languages = snapshot.vectors(ids)
    dense = np.vecdot(
        subtract_and_normalise(vectors, snapshot.language_offsets[languages]), asked.vector
    )
    home = asked.at_home(snapshot.language_names)[languages]
    words, shared = _coverage(asked, snapshot, ids, home)
    unknown = np.full(len(ids), np.nan, dtype=np.float32)
    return Candidates(
        ids=ids,
        languages=languages,
        home=home,
        scores=unknown,
        dense=dense,
        dense_plain=np.vecdot(vectors, asked.question.vector),
        cosines=((dense - asked.level.mean) / asked.level.spread).astype(np.float32),
        words=words,
        shared=shared,
        late=unknown,
        rerank=unknown,
        before=np.zeros(len(ids), dtype=np.int64),
    )


def _coverage(
    asked: Asked, snapshot: Snapshot, ids: Int64Array, home: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Return the shares of words that only the language has, and of words that all have."""
    words, shared = snapshot.sums(ids, [asked.lexical.words, asked.lexical.shared])
    plausible = home > 0
    shared = np.where(plausible, np.minimum(shared, words), shared)
    return words - np.where(plausible, shared, 0), shared
