"""Products of matrices on the way of a question, computed by the thread that asks.

NumPy hands a product to BLAS, which wakes its threads for a large one. They are no use to a
question, and afterwards they wait in a loop for more work, for tens of milliseconds: on two cores
the embedding of the next question then took 11 ms instead of 7. OpenBLAS, which NumPy's wheels
carry, stays on one thread up to 262,144 multiplications (``interface/gemm.c``), for a matrix and a
vector up to 9,216 (``interface/gemv.c``). So large products are computed in blocks, and those with
one vector row by row, with ``np.vecdot``.
"""

from __future__ import annotations

import numpy as np

from rag_engine.ports import Float32Array

__all__ = ["matmul_on_one_thread"]

_ON_ONE_THREAD = 262_144


def matmul_on_one_thread(rows: Float32Array, others: Float32Array) -> Float32Array:
    """Return ``rows @ others.T``, ``(n, m)`` float32, of ``(n, width)`` and ``(m, width)``.

    >>> rows, others = np.eye(3, 2, dtype=np.float32), np.array([[2, 5]], np.float32)
    >>> matmul_on_one_thread(rows, others).tolist()
    [[2.0], [5.0], [0.0]]
    """
    block = max(1, _ON_ONE_THREAD // max(1, others.size))
    blocks, (count, width) = len(rows) // block, rows.shape
    whole = blocks * block
    result = np.empty((count, len(others)), dtype=np.float32)
    np.matmul(
        rows[:whole].reshape(blocks, block, width),
        others.T,
        out=result[:whole].reshape(blocks, block, len(others)),
    )
    np.matmul(rows[whole:], others.T, out=result[whole:])
    return result
