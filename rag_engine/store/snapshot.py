"""A snapshot: what one search sees, from its beginning to its end.

The sealed segment of a generation, the live segment of what was added since, and the ids that
were deleted since. A snapshot never changes; a new one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.calibration import Calibration
from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.twins import Twins
from rag_engine.ports import (
    Float32Array,
    IdSelector,
    Int64Array,
    LexicalIndex,
    Ranking,
    SparseVector,
)
from rag_engine.store.segment import Segment

__all__ = ["Snapshot", "merge_rankings"]

Codes = npt.NDArray[np.intp]
"""Languages as places in ``Snapshot.language_names``."""


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
    def offsets(self) -> LanguageMeans:
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

    @cached_property
    def language_names(self) -> tuple[str, ...]:
        """The languages of the passages, ascending; a passage's code is its place among them."""
        return tuple(sorted(self.languages))

    @cached_property
    def language_offsets(self) -> Float32Array:
        """What is subtracted from passages of each of ``language_names``, ``(n, dimension)``."""
        return self.offsets.of_passages(self.language_names)

    @cached_property
    def _codes(self) -> tuple[Codes, ...]:
        """For each segment, what its own language codes are here; -1 for one without passages."""
        places = {name: place for place, name in enumerate(self.language_names)}
        return tuple(
            np.array([places.get(name, -1) for name in segment.passages.languages], dtype=np.intp)
            for segment in self.segments
        )

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    @cached_property
    def effective_corpus_size(self) -> float:
        """How many different things the passages say: their number, twins counted as one."""
        return max(1.0, len(self) - self.twins.repeated)

    def not_deleted(self, ids: Int64Array) -> Int64Array:
        """Return those of some distinct ids that were not deleted, in their order."""
        if len(self.deleted) == 0:
            return ids
        present: Int64Array = ids[~np.isin(ids, self.deleted, assume_unique=True)]
        return present

    def _not_deleted_of(self, allowed: IdSelector | None) -> IdSelector | None:
        if allowed is not None:
            return IdSelector(self.not_deleted(allowed.ids), where=allowed.where)
        return IdSelector(self.deleted, exclude=True) if len(self.deleted) else None

    def search_dense(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return the ``k`` nearest passages of each centred query, ``(m, dimension)`` float32.

        ``allowed`` names the ids that may be returned; None: all.
        """
        present = self._not_deleted_of(allowed)
        by_segment = [segment.dense.search(queries, k, present) for segment in self.segments]
        return [
            merge_rankings([rankings[row] for rankings in by_segment], k)
            for row in range(len(queries))
        ]

    def probe(
        self, query: Float32Array, languages: Container[str], allowed: IdSelector | None = None
    ) -> tuple[Int64Array, Float32Array]:
        """Return passages of some languages near a centred query: ids and cosines, ``(n,)`` each.

        They come in no order. For each language one at least is among them, if any is allowed.
        """
        present = self._not_deleted_of(allowed)
        probed = [segment.probe(query, languages, present) for segment in self.segments]
        return (
            np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in probed)]),
            np.concatenate([np.empty(0, np.float32), *(cosines for _, cosines in probed)]),
        )

    def language_codes(self, ids: Int64Array) -> Codes:
        """Return the place of each id's language in ``language_names``, ``(n,)``.

        It is -1 for an id that is in no segment.
        """
        places = np.full(len(ids), -1, dtype=np.intp)
        for segment, codes in zip(self.segments, self._codes, strict=True):
            rows, here = segment.passages.rows_of(ids)
            places[here] = codes[segment.passages.codes[rows[here]]]
        return places

    def search_weighted(
        self, weights: Mapping[str, float], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold."""
        return self._search_lexical(
            lambda index, allowed: index.search_weighted(weights, k, allowed), k, allowed
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

    @cached_property
    def rows(self) -> tuple[Int64Array, Codes]:
        """The ids and the languages of all passages, segment after segment, ``(n,)`` each.

        Deleted ones are among them; languages are places in ``language_names``.
        """
        ids = [segment.passages.ids for segment in self.segments]
        parts = zip(self.segments, self._codes, strict=True)
        codes = [codes[segment.passages.codes] for segment, codes in parts]
        return (
            np.concatenate([np.empty(0, np.int64), *ids]),
            np.concatenate([np.empty(0, np.intp), *codes]),
        )

    def sparse_scores(self, query: SparseVector) -> Float32Array:
        """Return the inner product of a question with every passage of ``rows``, ``(n,)``."""
        scores = [
            np.zeros(len(segment), np.float32)
            if segment.sparse is None
            else segment.sparse.scores(query)
            for segment in self.segments
        ]
        return np.concatenate([np.empty(0, np.float32), *scores])

    def search_bm25(
        self, terms: Sequence[str], k: int, allowed: IdSelector | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by BM25 (each segment by its own statistics)."""
        return self._search_lexical(
            lambda index, allowed: index.search_bm25(terms, k, allowed), k, allowed
        )

    def _search_lexical(
        self,
        search: Callable[[LexicalIndex, IdSelector | None], Ranking],
        k: int,
        allowed: IdSelector | None,
    ) -> Ranking:
        present = self._not_deleted_of(allowed)
        return merge_rankings([search(segment.lexical, present) for segment in self.segments], k)

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it (deleted ones counted), ``(n_terms,)``."""
        total = np.zeros(len(terms), dtype=np.int64)
        for segment in self.segments:
            total += segment.lexical.document_frequencies(terms)
        return total

    def vectors(self, ids: Int64Array) -> tuple[Float32Array, Codes]:
        """Return the raw vectors ``(n, dimension)`` float32 and the languages of some ids.

        The languages are places in ``language_names``, ``(n,)``.

        Raises:
            KeyError: an id is in no segment.
        """
        dimension = self.segments[0].passages.vectors.shape[1] if self.segments else 0
        vectors = np.zeros((len(ids), dimension), dtype=np.float32)
        languages = np.full(len(ids), -1, dtype=np.intp)
        for segment, codes in zip(self.segments, self._codes, strict=True):
            rows, here = segment.passages.rows_of(ids)
            rows = rows[here]
            vectors[here] = segment.passages.vectors[rows]
            languages[here] = codes[segment.passages.codes[rows]]
        if len(ids) and languages.min() < 0:
            raise KeyError(f"no vector for chunk {int(ids[languages.argmin()])}")
        return vectors, languages
