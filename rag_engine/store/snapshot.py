"""A snapshot: what one search sees, from its beginning to its end.

The sealed segment of a generation, the live segment of what was added since, and the ids that
were deleted since. A snapshot never changes; a new one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rag_engine.fairness.calibration import Calibration
from rag_engine.fairness.language_offsets import LanguageOffsets
from rag_engine.fairness.twins import Twins
from rag_engine.ports import Float32Array, Int64Array, LexicalIndex, Ranking, Restriction
from rag_engine.store.segment import Segment

__all__ = ["Snapshot", "merge_rankings"]

_REACH = 4
"""How many times the pool is looked at for passages of languages that the pool leaves short."""


def merge_rankings(rankings: Sequence[Ranking], k: int) -> Ranking:
    """Merge rankings without common ids into the ``k`` best: score descending, then id.

    >>> a = Ranking(np.array([4, 1]), np.array([0.9, 0.2], np.float32))
    >>> b = Ranking(np.array([2]), np.array([0.9], np.float32))
    >>> merge_rankings([a, b], 2).ids.tolist()
    [2, 4]
    """
    ids = np.concatenate([ranking.ids for ranking in rankings])
    scores = np.concatenate([ranking.scores for ranking in rankings])
    best = np.lexsort((ids, -scores))[:k]
    return Ranking(ids[best], scores[best])


@dataclass(frozen=True)
class Snapshot:
    """One state of a knowledge base, of one revision of its catalogue."""

    revision: int
    calibration: Calibration
    segments: tuple[Segment, ...]
    deleted: Int64Array
    """Ids that a segment may still hold though they are gone; ascending, shape ``(n,)``."""
    twins: Twins
    """Translation twins among the passages of the sealed segment."""
    expected_matches: dict[int, float] = field(default_factory=dict, compare=False)
    """What late interaction found to be expected of passages, by their ids: a memory, no state."""

    @property
    def offsets(self) -> LanguageOffsets:
        """What is subtracted from the vectors of each language."""
        return self.calibration.offsets

    @cached_property
    def languages(self) -> dict[str, int]:
        """The languages of the passages and how many passages each has (deleted ones counted)."""
        counts: dict[str, int] = {}
        for segment in self.segments:
            passages = segment.passages
            for name, count in zip(
                passages.languages,
                np.bincount(passages.codes, minlength=len(passages.languages)).tolist(),
                strict=True,
            ):
                if count:
                    counts[name] = counts.get(name, 0) + count
        return counts

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    @cached_property
    def contents(self) -> float:
        """How many different things the passages say: their number, twins counted once."""
        return max(1.0, len(self) - self.twins.repeated)

    def _restriction(self, only: Restriction | None) -> Restriction | None:
        if only is not None:
            kept = np.setdiff1d(only.ids, self.deleted, assume_unique=True)
            return Restriction(kept, where=only.where)
        return Restriction(self.deleted, exclude=True) if len(self.deleted) else None

    def search_dense(
        self, queries: Float32Array, k: int, only: Restriction | None = None
    ) -> list[Ranking]:
        """Return the ``k`` nearest passages of each centred query, ``(m, dimension)`` float32.

        ``only`` names the ids that may be returned; None: all.
        """
        restriction = self._restriction(only)
        found = [segment.dense.search(queries, k, restriction) for segment in self.segments]
        return [merge_rankings([each[row] for each in found], k) for row in range(len(queries))]

    def search_dense_fairly(
        self, query: Float32Array, pool: int, floor: int, only: Restriction | None = None
    ) -> Int64Array:
        """Return the ids of the ``pool`` nearest passages of a centred query ``(dimension,)``.

        To them come, for every language that has fewer than ``floor`` among them, its own nearest
        up to ``floor``, so that none is crowded out: at most ``pool + floor * languages`` ids.
        """
        several = len(self.languages) > 1
        reach = _REACH * pool if several else pool
        wide = self.search_dense(query[np.newaxis], reach, only)[0].ids
        nearest = wide[:pool]
        if not several:
            return nearest
        met: dict[str, list[int]] = {}
        for identifier, language in zip(wide.tolist(), self._languages_of(wide), strict=True):
            met.setdefault(language, []).append(identifier)
        found = set(nearest.tolist())
        for identifiers in met.values():
            found.update(identifiers[:floor])
        if len(wide) == reach:
            missing = {
                language: floor - len(met.get(language, ()))
                for language, size in self.languages.items()
                if len(met.get(language, ())) < min(floor, size)
            }
            found.update(self._nearest_of_languages(query, missing, set(wide.tolist()), only))
        return np.array(sorted(found), dtype=np.int64)

    def _nearest_of_languages(
        self,
        query: Float32Array,
        missing: Mapping[str, int],
        known: Set[int],
        only: Restriction | None,
    ) -> list[int]:
        """Return the ids of the nearest passages, not ``known``, of each language ``missing`` some.

        They are the nearest, or nearly so: of a large language some lists are looked through.
        """
        restriction = self._restriction(only)
        near = [segment.near(query, missing, restriction) for segment in self.segments]
        cosines = np.concatenate([each for _, each, _ in near])
        ids = np.concatenate([each for each, _, _ in near])
        names = [name for _, _, of_one in near for name in of_one]
        left, found = dict(missing), []
        for place in np.lexsort((ids, -cosines)).tolist():
            identifier, name = int(ids[place]), names[place]
            if left[name] and identifier not in known:
                left[name] -= 1
                found.append(identifier)
        return found

    def _languages_of(self, ids: Int64Array) -> list[str]:
        """Return the language of each id, "" for one that is in no segment."""
        languages = np.full(len(ids), "", dtype=object)
        for segment in self.segments:
            rows, here = segment.passages.rows_of(ids)
            languages[here] = segment.passages.language_list(rows[here])
        found: list[str] = languages.tolist()
        return found

    def search_weighted(
        self, weights: Mapping[str, float], k: int, only: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold."""
        return self._search_lexical(
            lambda index, restriction: index.search_weighted(weights, k, restriction), k, only
        )

    def sums(self, ids: Int64Array, weightings: Sequence[Mapping[str, float]]) -> Float32Array:
        """Return the sums of each weighting over the terms that each passage holds.

        The shape is ``(n_weightings, n_ids)``.
        """
        total = np.zeros((len(weightings), len(ids)), dtype=np.float32)
        for segment in self.segments:
            rows, here = segment.passages.rows_of(ids)
            total[:, here] = segment.terms.sums(rows[here], weightings)
        return total

    def search_bm25(self, terms: Sequence[str], k: int, only: Restriction | None = None) -> Ranking:
        """Return the ``k`` best passages by BM25 (each segment by its own statistics)."""
        return self._search_lexical(
            lambda index, restriction: index.search_bm25(terms, k, restriction), k, only
        )

    def _search_lexical(
        self,
        search: Callable[[LexicalIndex, Restriction | None], Ranking],
        k: int,
        only: Restriction | None,
    ) -> Ranking:
        restriction = self._restriction(only)
        return merge_rankings(
            [search(segment.lexical, restriction) for segment in self.segments], k
        )

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it (deleted ones counted), ``(n_terms,)``."""
        total = np.zeros(len(terms), dtype=np.int64)
        for segment in self.segments:
            total += segment.lexical.document_frequencies(terms)
        return total

    def vectors(self, ids: Int64Array) -> tuple[Float32Array, list[str]]:
        """Return the raw vectors ``(n, dimension)`` float32 and the languages of some ids.

        Raises:
            KeyError: an id is in no segment.
        """
        dimension = self.segments[0].passages.vectors.shape[1] if self.segments else 0
        vectors = np.zeros((len(ids), dimension), dtype=np.float32)
        for segment in self.segments:
            rows, here = segment.passages.rows_of(ids)
            vectors[here] = segment.passages.vectors[rows[here]]
        languages = self._languages_of(ids)
        if "" in languages:
            raise KeyError(f"no vector for chunk {int(ids[languages.index('')])}")
        return vectors, languages
