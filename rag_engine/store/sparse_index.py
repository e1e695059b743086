"""What learned weights of tokens find: an inverted index with exact inner products.

A text's sparse vector (``ports.SparseVector``) stands in the catalogue behind the chunk's terms,
six bytes a token. The index is the other way round: for each token the rows that hold it and their
weights. A question walks the postings of its own few tokens and has the inner product of every
passage, exactly; nothing is cut off, so there is nothing to tune.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.errors import InvalidVectors, StoreCorrupt
from rag_engine.ports import Float32Array, Int64Array, SparseVector
from rag_engine.store.files import save_array

__all__ = ["SparseIndex", "SparseIndexBuilder", "pack_sparse", "unpack_sparse"]

_BYTES = 6
"""Of a token: its id, uint32, and its weight, float16."""
_HEAVIEST = 65_504.0
"""What float16 can hold."""


def pack_sparse(vector: SparseVector) -> bytes:
    """Return a sparse vector as ``n`` uint32 ids and ``n`` float16 weights.

    Raises:
        InvalidVectors: ids do not ascend, or a weight is not above 0 or too large for float16.

    >>> packed = pack_sparse(SparseVector(np.array([3, 9]), np.array([0.5, 0.25], np.float32)))
    >>> len(packed), unpack_sparse(packed).tokens.tolist(), unpack_sparse(packed).weights.tolist()
    (12, [3, 9], [0.5, 0.25])
    """
    tokens, weights = vector.tokens, vector.weights
    ascend = not (np.diff(tokens, prepend=-1) < 1).any()
    if len(tokens) != len(weights) or not ascend:
        raise InvalidVectors(
            f"a sparse vector has {len(weights)} weights for {len(tokens)} tokens, whose ids are "
            "to ascend from 0 without repeats; the embedder is faulty"
        )
    if not ((weights > 0) & (weights <= _HEAVIEST)).all():
        raise InvalidVectors(
            f"the weights of a sparse vector lie between {weights.min():g} and {weights.max():g}; "
            f"they are to be above 0 and at most {_HEAVIEST:g}: the embedder is faulty"
        )
    data: bytes = tokens.astype(np.uint32).tobytes() + weights.astype(np.float16).tobytes()
    return data


def unpack_sparse(data: bytes) -> SparseVector:
    """Take apart what ``pack_sparse`` gave."""
    count = len(data) // _BYTES
    return SparseVector(
        np.frombuffer(data, np.uint32, count).astype(np.int64),
        np.frombuffer(data, np.float16, offset=4 * count).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class SparseIndex:
    """The postings of ``size`` rows.

    ``tokens`` ``(t,)`` int64 ascend; those of ``tokens[i]`` stand from ``starts[i]`` to ``starts[i
    + 1]`` (int64, ``(t + 1,)``) in ``rows`` (int32, ascending) and ``weights`` (float16), perhaps
    mapped from a file.
    """

    tokens: Int64Array
    starts: Int64Array
    rows: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float16]
    size: int

    def scores(self, query: SparseVector) -> Float32Array:
        """Return the inner product of a question with every row, ``(size,)``.

        >>> builder = SparseIndexBuilder()
        >>> for ids, weights in (([3, 9], [0.5, 1.0]), ([9], [2.0])):
        ...     builder.add(pack_sparse(SparseVector(np.array(ids), np.float32(weights))))
        >>> question = SparseVector(np.array([4, 9]), np.array([1.0, 0.5], np.float32))
        >>> builder.finished().scores(question).tolist()
        [0.5, 1.0]
        """
        sums = np.zeros(self.size, dtype=np.float32)
        if len(self.tokens) == 0:
            return sums
        places = np.minimum(np.searchsorted(self.tokens, query.tokens), len(self.tokens) - 1)
        known = self.tokens[places] == query.tokens
        for place, weight in zip(places[known].tolist(), query.weights[known], strict=True):
            span = slice(int(self.starts[place]), int(self.starts[place + 1]))
            sums[self.rows[span]] += weight * self.weights[span].astype(np.float32)
        return sums

    def save(self, folder: Path) -> None:
        """Write the index into a folder, as files whose names begin with ``sparse_``."""
        for name in _ARRAYS:
            save_array(folder / f"sparse_{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, size: int) -> SparseIndex | None:
        """Load what ``save`` wrote for ``size`` rows; None where nothing was written.

        Raises:
            StoreCorrupt: the files do not fit each other, or the rows.
            OSError: a file can not be read.
        """
        if not (folder / "sparse_tokens.npy").is_file():
            return None
        arrays = {
            name: np.load(folder / f"sparse_{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in _ARRAYS
        }
        index = cls(**arrays, size=size)
        total = int(index.starts[-1]) if len(index.starts) else -1
        lengths = {len(index.rows), len(index.weights), total}
        if len(lengths) != 1 or len(index.starts) != len(index.tokens) + 1:
            raise StoreCorrupt(f"{folder}: the files of the sparse index do not fit each other")
        if total and (index.rows.min() < 0 or index.rows.max() >= size):
            raise StoreCorrupt(f"{folder}: the sparse index is of other passages")
        return index


_ARRAYS = tuple(part.name for part in fields(SparseIndex) if part.name != "size")


class SparseIndexBuilder:
    """Takes the packed sparse vector of one row after another."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []
        self._weights: list[bytes] = []
        self._lengths: list[int] = []

    def add(self, packed: bytes) -> None:
        """Take that of the next row; empty where its text weighs nothing."""
        count = len(packed) // _BYTES
        self._lengths.append(count)
        if count:
            self._ids.append(packed[: 4 * count])
            self._weights.append(packed[4 * count :])

    def finished(self) -> SparseIndex | None:
        """Return the index of all rows; None where no row had anything."""
        if not self._ids:
            return None
        tokens = np.frombuffer(b"".join(self._ids), np.uint32)
        weights = np.frombuffer(b"".join(self._weights), np.float16)
        rows = np.repeat(np.arange(len(self._lengths), dtype=np.int32), self._lengths)
        order = np.argsort(tokens, kind="stable")
        distinct, firsts = np.unique(tokens[order], return_index=True)
        return SparseIndex(
            distinct.astype(np.int64),
            np.append(firsts, len(tokens)).astype(np.int64),
            rows[order],
            weights[order],
            len(self._lengths),
        )
