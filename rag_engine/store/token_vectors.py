"""How the token vectors of a chunk are kept: eight bits a number and a scale a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, Int64Array

__all__ = ["ChunkTokens", "pack", "unpack"]

_LARGEST = 127


def pack(vectors: Float32Array) -> bytes:
    """Return ``vectors`` ``(n, width)`` as ``n`` float16 scales and ``n * width`` int8.

    The greatest number of each token becomes 127 or -127: a vector of 128 numbers turns by less
    than half a degree.
    """
    scales = (np.abs(vectors).max(axis=1, initial=0) / _LARGEST).astype(np.float16)
    divisors = np.where(scales > 0, scales, 1).astype(np.float32)
    steps = np.clip(np.rint(vectors / divisors[:, np.newaxis]), -_LARGEST, _LARGEST)
    packed: bytes = scales.tobytes() + steps.astype(np.int8).tobytes()
    return packed


def unpack(packed: Sequence[bytes], width: int) -> tuple[Float32Array, npt.NDArray[np.intp]]:
    """Return what ``pack`` was given for each text, one after the other, and their lengths.

    The vectors are ``(total, width)`` float32, as near as they were kept; the lengths
    ``(len(packed),)`` add up to their number.

    >>> vectors, lengths = unpack([pack(np.array([[0.5, -1.0]], np.float32))] * 2, 2)
    >>> vectors.round(2).tolist(), lengths.tolist()
    ([[0.5, -1.0], [0.5, -1.0]], [1, 1])
    """
    lengths = np.array([len(data) // (width + 2) for data in packed], dtype=np.intp)
    scales = [
        np.frombuffer(data, np.float16, count)
        for data, count in zip(packed, lengths.tolist(), strict=True)
    ]
    steps = [
        np.frombuffer(data, np.int8, offset=2 * count)
        for data, count in zip(packed, lengths.tolist(), strict=True)
    ]
    if not packed:
        return np.empty((0, width), dtype=np.float32), lengths
    vectors = np.concatenate(steps).reshape(-1, width).astype(np.float32)
    vectors *= np.concatenate(scales).astype(np.float32)[:, np.newaxis]
    return vectors, lengths


@dataclass(frozen=True, slots=True)
class ChunkTokens:
    """The token vectors of some chunks, one chunk after the other.

    ``vectors`` has shape ``(total, width)`` float32; ``lengths`` ``(n,)`` says how many of them
    belong to each of the chunks ``ids`` ``(n,)``, at least one.
    """

    ids: Int64Array
    vectors: Float32Array
    lengths: npt.NDArray[np.intp]

    @classmethod
    def of(cls, packed: Mapping[int, bytes], ids: Sequence[int], width: int) -> ChunkTokens:
        """Unpack those of the chunks ``ids`` that have any, in their order."""
        kept = [each for each in ids if packed.get(each)]
        vectors, lengths = unpack([packed[each] for each in kept], width)
        return cls(np.array(kept, dtype=np.int64), vectors, lengths)
