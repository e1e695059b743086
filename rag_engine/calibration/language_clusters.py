"""For every language of a corpus, where its nearest passages are.

A graph over all passages finds the nearest of all, and may have none of a language that lies
farther off. Comparing with every passage of that language would find its nearest, and takes long
where there are many. So the passages of a language are dealt out to lists, each to the nearest of
some leaders drawn at random, and only the lists with the nearest leaders are looked through:
cluster pruning (Manning, Raghavan and Schuetze 2008, "Introduction to Information Retrieval",
section 7.1.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, VectorRows

__all__ = ["LanguageClusters"]

_LENGTH = 64
"""Passages of a list, on average."""
_MOST = 1_024
"""Lists of one language."""
_LOOKED_AT = 2
"""Lists looked through for a language."""
_SEED = 20_261_125
_BLOCK = 8_192

Rows = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class LanguageClusters:
    """The passages of each language, in lists around leaders.

    ``leaders`` ``(n_lists,)`` are rows of passages, language after language; ``members`` ``(n,)``
    the rows of all passages, list after list, and ``bounds`` ``(n_lists + 1,)`` where each begins;
    ``starts`` ``(n_languages + 1,)`` says which lists are of which language. All int32.
    """

    leaders: Rows
    members: Rows
    bounds: Rows
    starts: Rows

    @classmethod
    def build(
        cls, vectors: VectorRows, codes: npt.NDArray[np.uint16], languages: int
    ) -> LanguageClusters:
        """Deal out the passages: ``vectors`` ``(n, dimension)``, a language's code for each."""
        random = np.random.default_rng(_SEED)
        leaders: list[Rows] = []
        members: list[Rows] = []
        sizes: list[Rows] = []
        starts = [0]
        for code in range(languages):
            rows = np.flatnonzero(codes == code).astype(np.int32)
            count = min(_MOST, -(-len(rows) // _LENGTH))
            drawn = np.sort(random.choice(rows, count, replace=False))
            nearest = _nearest(vectors, rows, drawn)
            leaders.append(drawn)
            members.append(rows[np.argsort(nearest, kind="stable")])
            sizes.append(np.bincount(nearest, minlength=count))
            starts.append(starts[-1] + count)
        return cls(
            _joined(leaders),
            _joined(members),
            np.concatenate([[0], np.cumsum(_joined(sizes))]).astype(np.int32),
            np.array(starts, dtype=np.int32),
        )

    def of(self, code: int) -> Rows:
        """Return the rows of all passages of a language."""
        first, last = self.starts[code], self.starts[code + 1]
        return self.members[self.bounds[first] : self.bounds[last]]

    def probe(self, query: Float32Array, leaders: VectorRows, codes: Iterable[int]) -> Rows:
        """Return the rows of the lists that a query ``(dimension,)`` is nearest to.

        ``leaders`` ``(n_lists, dimension)`` are the leaders' vectors, ``codes`` the languages
        wanted. Each gives what is in two lists, or in one if it has no more.
        """
        lists = []
        for code in codes:
            first, last = int(self.starts[code]), int(self.starts[code + 1])
            scores = np.vecdot(np.asarray(leaders[first:last]), query)
            for place in np.argsort(-scores)[:_LOOKED_AT] + first:
                lists.append(self.members[self.bounds[place] : self.bounds[place + 1]])
        return _joined(lists)


def _nearest(vectors: VectorRows, rows: Rows, leaders: Rows) -> npt.NDArray[np.intp]:
    """Return for each row which leader is nearest."""
    towards = np.asarray(vectors[leaders], dtype=np.float32).T
    nearest = [
        (vectors[rows[start : start + _BLOCK]] @ towards).argmax(axis=1)
        for start in range(0, len(rows) if len(leaders) else 0, _BLOCK)
    ]
    return np.concatenate([np.empty(0, dtype=np.intp), *nearest])


def _joined(parts: list[Rows]) -> Rows:
    return np.concatenate([np.empty(0, dtype=np.int32), *parts]).astype(np.int32)
