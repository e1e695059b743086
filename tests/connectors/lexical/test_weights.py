from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.connectors.lexical.weights import exact_weights

some_weights = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5)


@given(numbers=some_weights)
def test_float32_sums_do_not_depend_on_the_order(numbers):
    weights = exact_weights({str(place): number for place, number in enumerate(numbers)})
    sums = set()
    for order in itertools.permutations(weights.values()):
        total = np.float32(0)
        for weight in order:
            total += np.float32(weight)
        sums.add(float(total))
    assert sums == {sum(weights.values())}


@given(numbers=some_weights)
def test_weights_change_by_no_more_than_a_float32_sum_does(numbers):
    weights = exact_weights({str(place): number for place, number in enumerate(numbers)})
    for place, number in enumerate(numbers):
        assert weights[str(place)] > 0
        assert abs(weights[str(place)] - number) <= 2.0**-22 * sum(numbers)
