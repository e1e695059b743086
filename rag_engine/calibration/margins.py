"""The margin of a pair: how much nearer its two texts are than others come to either of them.

A cosine alone tells little of a translation: some texts are near to everything, and in some
languages all are. Set beside the mean cosine of both texts with their nearest neighbours it means
the same for all (Artetxe and Schwenk 2019, "Margin-based Parallel Corpus Mining with Multilingual
Sentence Embeddings", section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from rag_engine.arrays import Float32Array, Int64Array
from rag_engine.index_ports import Ranking

__all__ = ["Margin", "flat_rankings", "margins"]

Margin = Literal["ratio", "distance"]
"""The cosine over the mean of the neighbours', or less it."""

_Floats = npt.NDArray[np.floating]

_LEAST_MEAN = 0.05
"""What a mean is taken to be at least where it divides: less is as good as chance."""


def margins(cosines: _Floats, around: _Floats, kind: Margin) -> _Floats:
    """Return the margin of each pair, ``(n,)``, from its cosine and the mean ``around`` it.

    ``around`` is the mean over both texts of the mean cosine with their own neighbours: the sum in
    the paper's formula (2).

    >>> cosine, around = np.array([0.9], np.float32), np.array([0.6], np.float32)
    >>> margins(cosine, around, "ratio").round(3).tolist()
    [1.5]
    >>> margins(cosine, around, "distance").round(3).tolist()
    [0.30000001192092896]
    """
    margin: _Floats = (
        cosines - around
        if kind == "distance"
        else cosines / np.maximum(around, np.float32(_LEAST_MEAN))
    )
    return margin


def flat_rankings(
    rankings: Sequence[Ranking],
) -> tuple[npt.NDArray[np.intp], Int64Array, Float32Array]:
    """Return what rankings hold as three arrays ``(n,)``: which of them, the id, the score.

    >>> one = Ranking(np.array([7, 5]), np.array([0.5, 0.25], np.float32))
    >>> none = Ranking(np.array([], np.int64), np.array([], np.float32))
    >>> [column.tolist() for column in flat_rankings([none, one])]
    [[1, 1], [7, 5], [0.5, 0.25]]
    """
    rows = np.repeat(np.arange(len(rankings)), [len(ranking.ids) for ranking in rankings])
    if not len(rankings):
        return rows, np.empty(0, np.int64), np.empty(0, np.float32)
    ids = np.concatenate([ranking.ids for ranking in rankings])
    return rows, ids, np.concatenate([ranking.scores for ranking in rankings])
