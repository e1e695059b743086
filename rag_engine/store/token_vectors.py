"""How the token vectors of a chunk are kept: eight bits a number and a scale a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag_engine.ports import Float32Array, Int64Array

__all__ = ["ChunkTokens", "pack"]

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


@dataclass(frozen=True, slots=True)
class ChunkTokens:
    """The token vectors of some chunks as they are kept, one chunk after the other.

    ``steps`` has shape ``(total, width)`` int8 and ``scales`` ``(total,)`` float32: a token's
    vector is its steps times its scale. ``lengths`` ``(n,)`` says how many of them belong to each
    of the chunks ``ids`` ``(n,)``, at least one.
    """

    ids: Int64Array
    steps: npt.NDArray[np.int8]
    scales: Float32Array
    lengths: npt.NDArray[np.intp]

    @classmethod
    def of(cls, packed: Mapping[int, bytes], ids: Sequence[int], width: int) -> ChunkTokens:
        """Take apart what ``pack`` gave for those of the chunks ``ids`` that have any, in order.

        >>> tokens = ChunkTokens.of({7: pack(np.array([[0.5, -1.0]], np.float32))}, [6, 7], 2)
        >>> tokens.ids.tolist(), tokens.lengths.tolist(), tokens.vectors().round(2).tolist()
        ([7], [1], [[0.5, -1.0]])
        """
        present = [chunk for chunk in ids if packed.get(chunk)]
        lengths = [len(packed[chunk]) // (width + 2) for chunk in present]
        scales, steps = [np.empty(0, np.float16)], [np.empty(0, np.int8)]
        for chunk, count in zip(present, lengths, strict=True):
            scales.append(np.frombuffer(packed[chunk], np.float16, count))
            steps.append(np.frombuffer(packed[chunk], np.int8, offset=2 * count))
        return cls(
            np.array(present, dtype=np.int64),
            np.concatenate(steps).reshape(-1, width),
            np.concatenate(scales).astype(np.float32),
            np.array(lengths, dtype=np.intp),
        )

    def vectors(self, tokens: npt.NDArray[np.intp] | slice = slice(None)) -> Float32Array:
        """Return the vectors of some tokens, or of all, ``(n, width)`` float32."""
        vectors: Float32Array = self.steps[tokens].astype(np.float32)
        vectors *= self.scales[tokens, np.newaxis]
        return vectors
