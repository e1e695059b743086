"""Bitext mining: which texts of two collections translate each other.

The method is that of Artetxe and Schwenk 2019 ("Margin-based Parallel Corpus Mining with
Multilingual Sentence Embeddings", section 3): the nearest texts on the other side are looked up
for every text, in both directions, and a pair is scored by its margin. To be mined one to one, each
text proposes the neighbour with which it scores best (the paper's ``max``), and proposals are taken
by score as long as neither text has been. Otherwise every pair of neighbours counts.

What differs between two languages whatever is said is best taken out before (``centred_side``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.margins import Margin, flat_rankings, margins
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.errors import InvalidInput
from rag_engine.ports import DenseIndexFactory, Float32Array, Int64Array, VectorRows
from rag_engine.records import UNDETERMINED
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.segment import CentredRows
from rag_engine.text.codes import normalise_language

__all__ = [
    "NEIGHBOURS",
    "MinedPairs",
    "Neighbours",
    "centred_sides",
    "mine_pairs",
    "nearest_neighbours",
    "pairs_of_neighbours",
]

NEIGHBOURS = 4
"""Those of Artetxe and Schwenk."""
_BLOCK = 2_048
_SAMPLE = 20_000
"""Texts of a side from which its place is estimated: a mean over them is good to a thousandth."""
_PRIVATE = ("qaa", "qab")
"""What sides are called whose languages nobody can tell: codes that no language will ever have."""


@dataclass(frozen=True, slots=True)
class MinedPairs:
    """Pairs of rows, best first: four arrays ``(n,)``.

    ``rows`` and ``others`` are int64 rows of the two sides; ``scores`` the margins, ``cosines``
    those of the vectors, float32.
    """

    rows: Int64Array
    others: Int64Array
    scores: Float32Array
    cosines: Float32Array

    def __len__(self) -> int:
        return len(self.rows)

    def above(self, threshold: float) -> MinedPairs:
        """Return the pairs that score ``threshold`` or more."""
        count = int((self.scores >= threshold).sum())  # they are sorted
        return MinedPairs(
            self.rows[:count], self.others[:count], self.scores[:count], self.cosines[:count]
        )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest texts of the other side, best first: ``rows`` and ``cosines`` ``(n, k)``.

    Where an index returned fewer, the row is -1 and the cosine 0.
    """

    rows: Int64Array
    cosines: Float32Array

    def means(self) -> Float32Array:
        """Return the mean cosine of each text with its neighbours, ``(n,)``; 0 without any.

        >>> near = Neighbours(np.array([[4, -1]]), np.array([[0.5, 0]], np.float32))
        >>> near.means().tolist()
        [0.5]
        """
        found = np.maximum((self.rows >= 0).sum(axis=1), 1)
        mean: Float32Array = (self.cosines.sum(axis=1) / found).astype(np.float32)
        return mean


def mine_pairs(
    vectors: VectorRows,
    others: VectorRows,
    *,
    index: DenseIndexFactory,
    k: int = NEIGHBOURS,
    margin: Margin = "distance",
    one_to_one: bool = True,
    threshold: float | None = None,
    on_stage: OnStage = silent,
) -> MinedPairs:
    """Mine pairs between ``vectors`` ``(n, dimension)`` and ``others`` ``(m, dimension)``.

    Rows have unit length, float32 or float16, in memory or mapped from a file; ``index`` builds
    what finds neighbours (``rag_engine.connectors.dense``). Pairs that score less than
    ``threshold`` are left out.

    Raises:
        InvalidInput: ``k`` is no whole number from 1 on; the widths differ.

    >>> from rag_engine.connectors.dense.exact_index import ExactIndexFactory
    >>> eye = np.eye(3, dtype=np.float32)
    >>> found = mine_pairs(eye, eye[[2, 0]], index=ExactIndexFactory())
    >>> list(zip(found.rows.tolist(), found.others.tolist()))
    [(0, 1), (2, 0)]
    """
    forth = nearest_neighbours(vectors, others, index, k, "looking forth", on_stage)
    back = nearest_neighbours(others, vectors, index, k, "looking back", on_stage)
    pairs = pairs_of_neighbours(forth, back, margin=margin, one_to_one=one_to_one)
    return pairs if threshold is None else pairs.above(threshold)


def nearest_neighbours(
    vectors: VectorRows,
    others: VectorRows,
    index: DenseIndexFactory,
    k: int = NEIGHBOURS,
    stage: str = "looking for neighbours",
    on_stage: OnStage = silent,
) -> Neighbours:
    """Return of each of ``vectors`` the ``k`` nearest of ``others``, or all where they are fewer.

    Raises:
        InvalidInput: ``k`` is no whole number from 1 on; the widths differ.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InvalidInput(f"k is a whole number of neighbours, 1 or more, got {k!r}")
    if vectors.shape[1:] != others.shape[1:]:
        raise InvalidInput(
            f"both sides are vectors of one model, got widths {vectors.shape[1:]} and "
            f"{others.shape[1:]}"
        )
    count, k = vectors.shape[0], min(k, max(1, others.shape[0]))
    near = Neighbours(np.full((count, k), -1, np.int64), np.zeros((count, k), np.float32))
    on_stage(stage, 0, count)
    built = index.build(np.arange(1, others.shape[0] + 1), others)  # ids are positive
    for start in range(0, count, _BLOCK):
        block = np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float32)
        rankings = built.search(block, k)
        rows, ids, cosines = flat_rankings(rankings)
        places = np.arange(len(rows)) - np.searchsorted(rows, rows)
        near.rows[start + rows, places] = ids - 1
        near.cosines[start + rows, places] = cosines
        on_stage(stage, start + len(block), count)
    return near


def pairs_of_neighbours(
    forth: Neighbours, back: Neighbours, *, margin: Margin = "distance", one_to_one: bool = True
) -> MinedPairs:
    """Return the pairs that the neighbours in both directions make, best first.

    Equal scores are ordered by the rows.
    """
    means, other_means = forth.means(), back.means()
    rows, others, cosines = _flat(forth)
    of_rows, of_others, of_cosines = _flat(back)
    rows, others = np.concatenate([rows, of_others]), np.concatenate([others, of_rows])
    cosines = np.concatenate([cosines, of_cosines])
    around = (means[rows] + other_means[others]) / 2
    scores = margins(cosines, around, margin).astype(np.float32)
    if one_to_one:
        first = len(rows) - len(of_rows)
        proposed = np.concatenate(
            [_best_of_each(rows[:first], scores[:first]),
             first + _best_of_each(others[first:], scores[first:])]
        )  # fmt: skip
        rows, others, scores, cosines = (
            column[proposed] for column in (rows, others, scores, cosines)
        )
    order = np.lexsort((others, rows, -scores))
    order = order[_new(rows[order], others[order])]  # found in both directions, it is one pair
    if one_to_one:
        order = order[_taken_once(rows[order], others[order])]
    return MinedPairs(rows[order], others[order], scores[order], cosines[order])


def _flat(near: Neighbours) -> tuple[Int64Array, Int64Array, Float32Array]:
    """Return the pairs of neighbours as three arrays: row, row of the other side, cosine."""
    rows, places = np.nonzero(near.rows >= 0)
    return rows.astype(np.int64), near.rows[rows, places], near.cosines[rows, places]


def _best_of_each(rows: Int64Array, scores: Float32Array) -> npt.NDArray[np.intp]:
    """Return the place of the best score of each row, the first of equal ones.

    >>> _best_of_each(np.array([0, 0, 1]), np.array([0.1, 0.3, 0.2], np.float32)).tolist()
    [1, 2]
    """
    order = np.lexsort((np.arange(len(rows)), -scores, rows))
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    return order[first]


def _new(rows: Int64Array, others: Int64Array) -> npt.NDArray[np.intp]:
    """Return the places of pairs that did not come before, ascending.

    >>> _new(np.array([1, 1, 2]), np.array([3, 3, 3])).tolist()
    [0, 2]
    """
    pairs = rows * (others.max(initial=0) + 1) + others
    return np.sort(np.unique(pairs, return_index=True)[1])


def _taken_once(rows: Int64Array, others: Int64Array) -> list[int]:
    """Return the places of pairs of which neither side was taken by one before.

    >>> _taken_once(np.array([1, 1, 2]), np.array([3, 4, 4]))
    [0, 2]
    """
    taken: set[int] = set()
    taken_others: set[int] = set()
    places = []
    for place, (row, other) in enumerate(zip(rows.tolist(), others.tolist(), strict=True)):
        if row not in taken and other not in taken_others:
            taken.add(row)
            taken_others.add(other)
            places.append(place)
    return places


def centred_sides(
    vectors: npt.NDArray[np.floating],
    others: npt.NDArray[np.floating],
    languages: Sequence[str],
    *,
    prior: LanguagePrior | None,
) -> tuple[CentredRows, CentredRows]:
    """Return both sides less what their languages have in common, made where they are asked for.

    ``languages`` are the two sides' (BCP-47). How each lies is estimated from up to 20,000 of its
    texts, spread evenly, and the prior (``LanguageMeans``): without labels, and with any model. A
    side whose language is ``und`` has a place of its own.
    """
    sides = [_sample(vectors), _sample(others)]
    names = [
        name if (name := normalise_language(said)) != UNDETERMINED else private
        for said, private in zip(languages, _PRIVATE, strict=True)
    ]
    told = [names[0]] * len(sides[0]) + [names[1]] * len(sides[1])
    means = LanguageMeans.fit(np.concatenate(sides), told, prior=prior)
    table = means.between_passages(names)
    first, second = (
        CentredRows(side, np.full(len(side), code, np.uint16), table, enabled=means.enabled)
        for code, side in enumerate((vectors, others))
    )
    return first, second


def _sample(vectors: npt.NDArray[np.floating]) -> Float32Array:
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), _SAMPLE)).astype(np.intp)
    sample: Float32Array = np.asarray(vectors[rows], dtype=np.float32)
    return sample
