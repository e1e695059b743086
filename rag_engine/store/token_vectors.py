"""How the token vectors of a chunk are kept: in two or four bits a number, or in eight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TokenSpace
from rag_engine.errors import InvalidVectors
from rag_engine.ports import Float32Array, Int64Array
from rag_engine.store.token_pooling import KEPT, pooled_tokens

__all__ = ["ChunkTokens", "EightBits", "FewBits", "TokenCode", "token_code"]

_LARGEST = 127
_HEAD = np.dtype([("tokens", "<u2"), ("lost", "<f2")])
_MOST = 2**16 - 1
_MOST_LOST = float(np.finfo(np.float16).max)
_TOGETHER = 2**16
"""Numbers that are packed together: they stay near the processor."""


class _Levels:
    """The levels of ``bits`` bits into which a normal distribution is divided.

    ``bounds`` divide it, in standard deviations, and ``values`` stand for what is between them, so
    that a number moves least.
    """

    def __init__(self, bits: int, bounds: tuple[float, ...], values: tuple[float, ...]) -> None:
        self.bits = bits
        self.bounds = (*(-bound for bound in reversed(bounds)), 0.0, *bounds)
        self.in_a_byte = 8 // bits
        self.places = (2 ** (bits * np.arange(self.in_a_byte))).astype(np.uint8)
        self.values = np.array([*(-value for value in reversed(values)), *values], dtype=np.float32)
        self.values_of_byte = self.values[np.arange(256)[:, np.newaxis] // self.places % 2**bits]
        """What each byte stands for, ``(256, in_a_byte)``."""

    def together(self, found: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return levels ``(n_chunks, n, filled)``, one a byte, as they are kept: several a byte.

        >>> _TWO.together(np.array([[[1, 2, 0, 3]]], np.uint8)).tolist() == [[[1 + 2 * 4 + 3 * 64]]]
        True
        """
        some = found.view(f"<u{self.in_a_byte}")
        together = some.copy()
        for place in range(1, self.in_a_byte):
            together |= some >> (place * (8 - self.bits))
        return together.astype(np.uint8)

    def bytes_of(self, width: int) -> int:
        """Return how many bytes a vector takes: the last may be filled up."""
        return -(-width // self.in_a_byte)


_TWO = _Levels(2, (0.9816,), (0.4528, 1.5104))
_FOUR = _Levels(
    4,
    (0.2582, 0.5224, 0.7996, 1.099, 1.437, 1.844, 2.401),
    (0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733),
)


@dataclass(frozen=True, slots=True)
class ChunkTokens:
    """The token vectors of some chunks, one chunk after the other.

    ``vectors`` is ``(total, width)`` float32. ``lengths`` ``(n,)`` says how many of them belong to
    each of the chunks ``ids`` ``(n,)``, at least one, and ``tokens`` ``(n,)`` about how many tokens
    they stand for. ``lost`` ``(n,)`` is the variance of those that the vectors have not: the mean
    squared length of what is left of a token when the vector that stands for it is taken off.
    """

    ids: Int64Array
    vectors: Float32Array
    lengths: npt.NDArray[np.intp]
    tokens: npt.NDArray[np.intp]
    lost: Float32Array


class TokenCode(Protocol):
    """A way to keep the token vectors of a chunk as bytes."""

    def pack(self, vectors: Float32Array) -> bytes:
        """Return the token vectors ``(n, width)`` of one chunk as bytes; none as ``b""``."""
        ...

    def pack_many(self, chunks: Sequence[Float32Array]) -> list[bytes]:
        """Return the same of several chunks."""
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
        scales, steps = _in_steps(vectors)
        packed: bytes = scales.tobytes() + steps.astype(np.int8).tobytes()
        return packed

    def pack_many(self, chunks: Sequence[Float32Array]) -> list[bytes]:
        """Return the same of several chunks."""
        return [self.pack(vectors) for vectors in chunks]

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
        nothing = np.zeros(len(present), dtype=np.float32)
        return ChunkTokens(np.array(present, dtype=np.int64), vectors, counts, counts, nothing)


@dataclass(frozen=True, slots=True)
class FewBits:
    """One vector for two tokens of long texts, and two bits for each number; four of short texts.

    Kept are how many tokens there were (uint16), what of their variance is lost (float16), the mean
    of a chunk's vectors and how far each number strays from it, in eight bits; then for every
    number in which of four parts of a normal distribution it is, or of sixteen where no tokens were
    pooled. The part's best value stands for it (Max 1960, "Quantizing for Minimum Distortion",
    table I).

    >>> code = FewBits(3)
    >>> vectors = np.array([[1, 0, 2], [1, 4, 0]], np.float32)
    >>> code.unpack({7: code.pack(vectors)}, [7]).vectors.round().tolist()
    [[1.0, 0.0, 2.0], [1.0, 4.0, 0.0]]
    """

    width: int

    def pack(self, vectors: Float32Array) -> bytes:
        """Return head and moments, ``2 * (width + 4)`` bytes, then the levels of each vector.

        These take ``ceil(width / 4)`` bytes, or ``ceil(width / 2)``. The vectors are pooled as
        eight bits keep them: what came from a service, a cache or an older knowledge base gives the
        same.

        Raises:
            InvalidVectors: they hold NaN or infinity.
        """
        return self.pack_many([vectors])[0]

    def pack_many(self, chunks: Sequence[Float32Array]) -> list[bytes]:
        """Return the same of several chunks; those with as many tokens are packed together.

        Raises:
            InvalidVectors: some hold NaN or infinity.
        """
        packed = [b""] * len(chunks)
        by_count: dict[int, list[int]] = defaultdict(list)
        for place, vectors in enumerate(chunks):
            by_count[len(vectors)].append(place)
        by_count.pop(0, None)
        for count, places in by_count.items():
            step = max(1, _TOGETHER // (count * self.width))
            for start in range(0, len(places), step):
                some = places[start : start + step]
                alike = self._packed(np.stack([chunks[place] for place in some]))
                for place, data in zip(some, alike, strict=True):
                    packed[place] = data
        return packed

    def _packed(self, vectors: npt.NDArray[np.floating]) -> Iterator[bytes]:
        """Yield the bytes of chunks that have as many tokens each: ``(n_chunks, n, width)``."""
        if not np.isfinite(vectors).all():  # one number would spoil the moments of the whole chunk
            raise InvalidVectors(
                "the vectors of a passage's tokens hold NaN or infinity; the embedder is faulty"
            )
        count = vectors.shape[1]
        in_eight_bits = _as_kept(*_in_steps(vectors))
        pooled = in_eight_bits
        if count > KEPT:
            pooled = np.stack([pooled_tokens(of_chunk) for of_chunk in in_eight_bits])
        scales, steps = _in_steps(np.stack([pooled.mean(axis=1), pooled.std(axis=1)], axis=1))
        moments = _as_kept(scales, steps)
        mean, deviations = moments[:, :1], moments[:, 1:]
        levels = _levels(count)
        found = np.zeros((*pooled.shape[:2], levels.bytes_of(self.width) * levels.in_a_byte), "u1")
        numbers = found[..., : self.width]
        above = np.empty(pooled.shape, dtype=np.bool_)
        for bound in levels.bounds:
            numbers += np.greater(pooled, mean + bound * deviations, out=above).view(np.uint8)
        kept = levels.values.take(numbers).var(axis=1) * deviations[:, 0] ** 2
        lost = in_eight_bits.var(axis=1).sum(axis=1) - kept.sum(axis=1)
        heads = np.empty(len(vectors), dtype=_HEAD)
        heads["tokens"], heads["lost"] = min(count, _MOST), np.clip(lost, 0, _MOST_LOST)
        together = levels.together(found)
        whole_steps = steps.astype(np.int8)
        for place in range(len(vectors)):
            of_moments = scales[place].tobytes() + whole_steps[place].tobytes()
            yield heads[place].tobytes() + of_moments + together[place].tobytes()

    def unpack(self, packed: Mapping[int, bytes], ids: Sequence[int]) -> ChunkTokens:
        """Multiply the values of levels by the deviations, and add the means."""
        present = [chunk for chunk in ids if packed.get(chunk)]
        first = _HEAD.itemsize
        start = first + 2 * (self.width + 2)
        heads = np.frombuffer(b"".join(packed[chunk][:first] for chunk in present), _HEAD)
        packed_moments = {chunk: packed[chunk][first:start] for chunk in present}
        moments = EightBits(self.width).unpack(packed_moments, present).vectors
        vectors = [np.empty((0, self.width), np.float32)]
        for place, (chunk, count) in enumerate(zip(present, heads["tokens"].tolist(), strict=True)):
            levels = _levels(count)
            data = np.frombuffer(packed[chunk], np.uint8, offset=start)
            values = np.take(levels.values_of_byte, data, axis=0)
            filled = levels.bytes_of(self.width) * levels.in_a_byte
            its_vectors = values.reshape(-1, filled)[:, : self.width]
            its_vectors *= moments[2 * place + 1]
            its_vectors += moments[2 * place]
            vectors.append(its_vectors)
        return ChunkTokens(
            np.array(present, dtype=np.int64),
            np.concatenate(vectors),
            np.array([len(each) for each in vectors[1:]], dtype=np.intp),
            heads["tokens"].astype(np.intp),
            heads["lost"].astype(np.float32),
        )


def _in_steps(
    vectors: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.floating]]:
    """Return the scales of vectors, the last axis of an array, and their whole steps."""
    scales = (np.abs(vectors).max(axis=-1, initial=0) / _LARGEST).astype(np.float16)
    divisors = np.where(scales > 0, scales, 1).astype(np.float32)
    steps = np.rint(vectors / divisors[..., np.newaxis])
    return scales, np.clip(steps, -_LARGEST, _LARGEST, out=steps)


def _as_kept(scales: npt.NDArray[np.float16], steps: npt.NDArray[np.floating]) -> Float32Array:
    """Return what eight bits keep of vectors: their steps by their scales."""
    kept: Float32Array = steps.astype(np.float32) * scales.astype(np.float32)[..., np.newaxis]
    return kept


def _levels(tokens: int) -> _Levels:
    """Return in which levels the numbers of so many tokens are kept.

    Where tokens were not pooled, none says what another does: what two bits lose of a short passage
    can change which of two comes first.
    """
    return _FOUR if tokens <= KEPT else _TWO


def token_code(space: TokenSpace) -> TokenCode:
    """Return how the token vectors of a space are kept.

    >>> token_code(TokenSpace.of_head(4))
    FewBits(width=4)
    """
    width = len(space.basis)
    return FewBits(width) if space.bits == 2 else EightBits(width)
