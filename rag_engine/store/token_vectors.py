"""How the token vectors of a chunk are kept: eight bits a number and a scale a token."""

from __future__ import annotations

import numpy as np

from rag_engine.ports import Float32Array

__all__ = ["pack", "unpack"]

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


def unpack(data: bytes, width: int) -> Float32Array:
    """Return what ``pack`` was given, ``(n, width)`` float32, as near as it was kept.

    >>> unpack(pack(np.array([[0.5, -1.0]], np.float32)), 2).round(2).tolist()
    [[0.5, -1.0]]
    """
    count = len(data) // (width + 2)
    scales = np.frombuffer(data, np.float16, count).astype(np.float32)
    steps = np.frombuffer(data, np.int8, offset=2 * count).reshape(count, width)
    vectors: Float32Array = steps * scales[:, np.newaxis]
    return vectors
