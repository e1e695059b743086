"""Products in blocks are the products."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.matmul import matmul_on_one_thread


@pytest.mark.parametrize(
    ("rows", "others"), [(0, 3), (1, 1), (5, 0), (4_500, 22), (4_096, 64), (7, 3_000), (93, 22)]
)
def test_blocks_and_the_rest(rows, others):
    random = np.random.default_rng(3)
    one = random.normal(size=(rows, 128)).astype(np.float32)
    other = random.normal(size=(others, 128)).astype(np.float32)
    found = matmul_on_one_thread(one, other)
    assert (found.shape, found.dtype) == ((rows, others), np.float32)
    np.testing.assert_allclose(found, one @ other.T, atol=1e-4)
