"""How the token vectors of a chunk are kept: in two bits a number, or in eight as up to 0.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TokenSpace
from rag_engine.errors import InvalidVectors
from rag_engine.ports import Float32Array, Int64Array
from rag_engine.store.token_pooling import pooled_tokens

__all__ = ["ChunkTokens", "EightBits", "TokenCode", "TwoBits", "token_code"]

_LARGEST = 127
_IN_A_BYTE = 4
_COUNT = np.dtype("<u2")
_MOST = 2**16 - 1
_BOUNDS = (-0.9816, 0.0, 0.9816)
_VALUES = np.array([-1.5104, -0.4528, 0.4528, 1.5104], dtype=np.float32)
"""Bounds and values of the quarters, in standard deviations, that move a normal number least."""
_PLACES = np.array([1, 4, 16, 64], dtype=np.uint8)
_VALUES_OF_BYTE = _VALUES[np.arange(256)[:, np.newaxis] // _PLACES % 4]
"""The four values that a byte stands for, ``(256, 4)``."""


@dataclass(frozen=True, slots=True)
class ChunkTokens:
    """The token vectors of some chunks, one chunk after the other.

    ``vectors`` is ``(total, width)`` float32. ``lengths`` ``(n,)`` says how many of them belong to
    each of the chunks ``ids`` ``(n,)``, at least one, and ``tokens`` ``(n,)`` about how many tokens
    they stand for.
    """

    ids: Int64Array
    vectors: Float32Array
    lengths: npt.NDArray[np.intp]
    tokens: npt.NDArray[np.intp]


class TokenCode(Protocol):
    """A way to keep the token vectors of a chunk as bytes."""

    def pack(self, vectors: Float32Array) -> bytes:
        """Return the token vectors ``(n, width)`` of one chunk as bytes; none as ``b""``."""
        ...

    def unpack(self, packed: Mapping[int, bytes], ids: Sequence[int]) -> ChunkTokens:
        """Take apart what ``pack`` gave for those of the chunks ``ids`` that have any, in order."""
        ...


@dataclass(frozen=True, slots=True)
class EightBits:
    """Eight bits a number and a scale a token: ``n`` float16 and ``n * width`` int8.

    The greatest number of each token becomes 127 or -127: a vector of 128 numbers turns by less
    than half a degree.

    >>> code = EightBits(2)
    >>> packed = code.pack(np.array([[0.5, -1.0]], np.float32))
    >>> tokens = code.unpack({7: packed}, [6, 7])
    >>> tokens.ids.tolist(), tokens.lengths.tolist(), tokens.vectors.round(2).tolist()
    ([7], [1], [[0.5, -1.0]])
    """

    width: int

    def pack(self, vectors: Float32Array) -> bytes:
        """Return the scales of ``vectors`` ``(n, width)``, then their steps."""
        scales = (np.abs(vectors).max(axis=1, initial=0) / _LARGEST).astype(np.float16)
        divisors = np.where(scales > 0, scales, 1).astype(np.float32)
        steps = np.clip(np.rint(vectors / divisors[:, np.newaxis]), -_LARGEST, _LARGEST)
        packed: bytes = scales.tobytes() + steps.astype(np.int8).tobytes()
        return packed

    def unpack(self, packed: Mapping[int, bytes], ids: Sequence[int]) -> ChunkTokens:
        """Multiply steps by their scales."""
        present = [chunk for chunk in ids if packed.get(chunk)]
        lengths = [len(packed[chunk]) // (self.width + 2) for chunk in present]
        scales, steps = [np.empty(0, np.float16)], [np.empty(0, np.int8)]
        for chunk, count in zip(present, lengths, strict=True):
            scales.append(np.frombuffer(packed[chunk], np.float16, count))
            steps.append(np.frombuffer(packed[chunk], np.int8, offset=2 * count))
        vectors = np.concatenate(steps).reshape(-1, self.width).astype(np.float32)
        vectors *= np.concatenate(scales).astype(np.float32)[:, np.newaxis]
        counts = np.array(lengths, dtype=np.intp)
        return ChunkTokens(np.array(present, dtype=np.int64), vectors, counts, counts)


@dataclass(frozen=True, slots=True)
class TwoBits:
    """One vector for two tokens of all but short texts, and two bits for each of its numbers.

    Kept are how many tokens there were (uint16), the mean of a chunk's vectors and how far each
    number strays from it, in eight bits; then for every number which quarter of a normal
    distribution it is in. That quarter's best value stands for it (Max 1960, "Quantizing for
    Minimum Distortion", table I).

    >>> code = TwoBits(3)
    >>> vectors = np.array([[1, 0, 2], [1, 4, 0]], np.float32)
    >>> code.unpack({7: code.pack(vectors)}, [7]).vectors.round(1).tolist()
    [[1.0, -1.0, 2.5], [1.0, 5.0, -0.5]]
    """

    width: int

    @property
    def _bytes(self) -> int:
        """How many bytes a vector takes: the last may be filled up."""
        return -(-self.width // _IN_A_BYTE)

    def pack(self, vectors: Float32Array) -> bytes:
        """Return count and moments, ``2 * (width + 3)`` bytes, then ``ceil(width / 4)`` a vector.

        The vectors are pooled as eight bits keep them: what came from a service, a cache or an
        older knowledge base gives the same.

        Raises:
            InvalidVectors: they hold NaN or infinity.
        """
        if len(vectors) == 0:
            return b""
        if not np.isfinite(vectors).all():  # one number would spoil the moments of the whole chunk
            raise InvalidVectors(
                "the vectors of a passage's tokens hold NaN or infinity; the embedder is faulty"
            )
        moments = EightBits(self.width)
        pooled = pooled_tokens(moments.unpack({0: moments.pack(vectors)}, [0]).vectors)
        packed = moments.pack(np.stack([pooled.mean(axis=0), pooled.std(axis=0)]))
        mean, deviations = moments.unpack({0: packed}, [0]).vectors
        quarters = np.zeros((len(pooled), self._bytes * _IN_A_BYTE), dtype=np.uint8)
        for bound in _BOUNDS:
            quarters[:, : self.width] += pooled > mean + bound * deviations
        count = np.array([min(len(vectors), _MOST)], dtype=_COUNT).tobytes()
        return count + packed + (quarters.reshape(-1, _IN_A_BYTE) @ _PLACES).tobytes()

    def unpack(self, packed: Mapping[int, bytes], ids: Sequence[int]) -> ChunkTokens:
        """Multiply the values of quarters by the deviations, and add the means."""
        present = [chunk for chunk in ids if packed.get(chunk)]
        first = _COUNT.itemsize
        head = first + 2 * (self.width + 2)
        heads = {chunk: packed[chunk][first:head] for chunk in present}
        counts = np.frombuffer(b"".join(packed[chunk][:first] for chunk in present), _COUNT)
        moments = EightBits(self.width).unpack(heads, present)
        data = b"".join(packed[chunk][head:] for chunk in present)
        lengths = np.array(
            [(len(packed[chunk]) - head) // self._bytes for chunk in present], dtype=np.intp
        )
        values = np.take(_VALUES_OF_BYTE, np.frombuffer(data, np.uint8), axis=0)
        vectors = values.reshape(-1, self._bytes * _IN_A_BYTE)[:, : self.width]
        ends = np.cumsum(lengths).tolist()
        for chunk, (start, end) in enumerate(pairwise([0, *ends])):
            mean, deviations = moments.vectors[2 * chunk : 2 * chunk + 2]
            its_vectors = vectors[start:end]
            its_vectors *= deviations
            its_vectors += mean
        return ChunkTokens(moments.ids, vectors, lengths, counts.astype(np.intp))


def token_code(space: TokenSpace) -> TokenCode:
    """Return how the token vectors of a space are kept.

    >>> token_code(TokenSpace.of_head(4))
    TwoBits(width=4)
    """
    width = len(space.basis)
    return TwoBits(width) if space.bits == 2 else EightBits(width)
