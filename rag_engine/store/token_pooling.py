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

_ONE_OF = 2
"""Of so many tokens one vector is kept. On the sets tried halves lose nothing, thirds 0.003."""
KEPT = 64
"""So many vectors are kept of any passage: where there are few, each says something of its own."""
_STRETCH = 512
"""Tokens that are compared with one another: of longer texts one stretch after the other."""
_SMALLEST_LENGTH = 1e-9


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
    lengths = np.sqrt(np.vecdot(vectors, vectors))[:, np.newaxis]
    centres = vectors / np.maximum(lengths, _SMALLEST_LENGTH)
    sizes = np.ones(len(vectors), dtype=np.float32)
    sums = vectors.astype(np.float32)
    while len(centres) > kept:
        rows = np.arange(len(centres))
        nearest, distances = _nearest(centres, sizes)
        lefts = np.flatnonzero((nearest[nearest] == rows) & (rows < nearest))
        if len(lefts) == 0:  # among vectors that are nearly equal, rounding may close a circle
            lefts = np.array([distances.argmin()])
        lefts = lefts[np.argsort(distances[lefts], kind="stable")[: len(centres) - kept]]
        rights = nearest[lefts]
        together = (sizes[lefts] + sizes[rights])[:, np.newaxis]
        centres[lefts] *= sizes[lefts, np.newaxis] / together
        centres[lefts] += centres[rights] * (sizes[rights, np.newaxis] / together)
        sums[lefts] += sums[rights]
        sizes[lefts] += sizes[rights]
        left_over = np.ones(len(centres), dtype=np.bool_)
        left_over[rights] = False
        centres, sizes, sums = centres[left_over], sizes[left_over], sums[left_over]
    means: Float32Array = sums / sizes[:, np.newaxis]
    return means


def _nearest(
    centres: Float32Array, sizes: Float32Array
) -> tuple[npt.NDArray[np.intp], Float32Array]:
    """Return the place of each group's nearest, ``(n,)``, and Ward's distance to it, ``(n,)``."""
    squares = np.vecdot(centres, centres)
    distances = matmul_on_one_thread(-2 * centres, centres)
    distances += squares
    distances += squares[:, np.newaxis]
    distances *= sizes * (sizes[:, np.newaxis] / (sizes[:, np.newaxis] + sizes))
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    return nearest, distances[np.arange(len(centres)), nearest]
