"""Tokens of a passage that say nearly the same become one: half of them are kept.

Names that come up again, words and their endings, function words in one place: many of a passage's
tokens have nearly the same vector, and the best match among them is nearly the same with one of
each kind (Clavie, Chaffin and Adams 2024, "Reducing the Footprint of Multi-Vector Retrieval with
Minimal Performance Impact via Token Pooling", section 3). Groups are found by Ward's criterion.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Float32Array

__all__ = ["KEPT", "pooled_tokens"]

Rows = npt.NDArray[np.intp]

_ONE_OF = 2
"""Of so many tokens one vector is kept. On the sets tried halves lose nothing, thirds 0.003."""
KEPT = 64
"""So many vectors are kept of any passage: where there are few, each says something of its own."""
_STRETCH = 512
"""Tokens that are compared with one another: of longer texts one stretch after the other."""
_SMALLEST_LENGTH = 1e-9
_OF_TWO = 0.5
"""Of two groups of one, by which Ward's criterion multiplies the square of their distance."""


def pooled_tokens(vectors: Float32Array) -> Float32Array:
    """Return the means of groups of ``vectors`` ``(n, width)``, ``(max(ceil(n / 2), 64), width)``.

    Up to 64 come back as they are. In each round those pairs join that are each other's nearest,
    the nearest first: nearly the tree that joins one pair at a time, since a group never lies
    nearer to a third than its parts did.

    >>> kinds = np.eye(65, dtype=np.float32)
    >>> pooled_tokens(np.concatenate([kinds, 3 * kinds])).max(axis=1).tolist() == [2.0] * 65
    True
    """
    kept = max(-(-len(vectors) // _ONE_OF), KEPT)
    if len(vectors) <= kept:
        return vectors
    stretches = [vectors[at : at + _STRETCH] for at in range(0, len(vectors), _STRETCH)]
    if len(stretches) == 1:
        return _joined(vectors, kept)
    return np.concatenate([_joined(each, -(-len(each) // _ONE_OF)) for each in stretches])


def _joined(vectors: Float32Array, kept: int) -> Float32Array:
    """Return the means of ``kept`` groups of ``vectors``."""
    sizes = np.ones(len(vectors), dtype=np.float32)
    sums = vectors.astype(np.float32)
    distances = _distances(vectors)
    while len(sums) > kept:
        rows = np.arange(len(sums))
        nearest = distances.argmin(axis=1)
        near = distances[rows, nearest]
        lefts = np.flatnonzero((nearest[nearest] == rows) & (rows < nearest))
        if len(lefts) == 0:  # among vectors that are nearly equal, rounding may close a circle
            lefts = np.array([near.argmin()])
        lefts = lefts[np.argsort(near[lefts], kind="stable")[: len(sums) - kept]]
        rights = nearest[lefts]
        _join(distances, sizes, lefts, rights)
        sums[lefts] += sums[rights]
        sizes[lefts] += sizes[rights]
        left_over = np.delete(rows, rights)
        distances = distances[left_over][:, left_over]
        sizes, sums = sizes[left_over], sums[left_over]
    means: Float32Array = sums / sizes[:, np.newaxis]
    return means


def _distances(vectors: Float32Array) -> Float32Array:
    """Return Ward's distances ``(n, n)`` of the directions of vectors; infinite to themselves."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))[:, np.newaxis]
    centres = vectors / np.maximum(lengths, _SMALLEST_LENGTH)
    squares = np.vecdot(centres, centres)
    distances = matmul_on_one_thread(-2 * centres, centres)
    distances += squares
    distances += squares[:, np.newaxis]
    distances *= _OF_TWO
    np.fill_diagonal(distances, np.inf)
    return distances


def _join(distances: Float32Array, sizes: Float32Array, lefts: Rows, rights: Rows) -> None:
    """Let the distances of ``lefts`` be those of the groups that they are with ``rights``.

    What they become follows from what they were (Lance and Williams 1967, "A General Theory of
    Classificatory Sorting Strategies: 1"), of pairs that join at once first to all others as they
    were, then to one another.
    """
    apart = distances[lefts, rights]
    joined = sizes[lefts] + sizes[rights]
    to_all = _joined_distances(distances, sizes, lefts, rights, sizes, apart)
    to_pairs = _joined_distances(to_all.T, sizes, lefts, rights, joined, apart)
    distances[lefts] = to_all
    distances[:, lefts] = to_all.T
    distances[lefts[:, np.newaxis], lefts] = (to_pairs + to_pairs.T) / 2
    distances[lefts, lefts] = np.inf


def _joined_distances(
    distances: Float32Array,
    sizes: Float32Array,
    lefts: Rows,
    rights: Rows,
    others: Float32Array,
    apart: Float32Array,
) -> Float32Array:
    """Return the distances of joined groups to groups of the sizes ``others``."""
    one = sizes[lefts, np.newaxis] + others
    other = sizes[rights, np.newaxis] + others
    together = (sizes[lefts] + sizes[rights])[:, np.newaxis] + others
    one *= distances[lefts]
    other *= distances[rights]
    one += other
    one -= others * apart[:, np.newaxis]
    one /= together
    return one
