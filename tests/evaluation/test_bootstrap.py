"""Intervals against figures that are known otherwise."""

from __future__ import annotations

import random
import statistics

import pytest

from rag_engine.errors import InvalidInput
from rag_engine.evaluation import bootstrap
from rag_engine.evaluation.bootstrap import RESAMPLES, Difference, paired_bootstrap


def drawn(count: int, shift: float) -> tuple[list[float], list[float]]:
    """Two runs whose differences are around ``shift``, with a deviation of about 0.3."""
    generator = random.Random(7)
    theirs = [generator.uniform(0.2, 0.6) for _ in range(count)]
    return [value + generator.gauss(shift, 0.3) for value in theirs], theirs


def test_the_interval_is_that_of_the_normal_distribution_where_there_are_many():
    ours, theirs = drawn(900, 0.05)
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean, error = statistics.mean(differences), statistics.stdev(differences) / 900**0.5
    found = paired_bootstrap(ours, theirs)
    assert found.mean == pytest.approx(mean)
    assert found.low == pytest.approx(mean - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(mean + 1.96 * error, abs=0.15 * error)


def test_it_agrees_with_drawing_by_hand():
    """Questions with wins of 1 and losses of 1, few enough that no normal curve fits."""
    ours, theirs = [1.0, 1.0, 1.0, 1.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0, 1.0, 0.5]
    generator = random.Random(3)
    pairs = list(zip(ours, theirs, strict=True))
    means = sorted(
        statistics.mean(one - other for one, other in generator.choices(pairs, k=6))
        for _ in range(4 * RESAMPLES)
    )
    found = paired_bootstrap(ours, theirs)
    assert found.low == pytest.approx(means[int(0.025 * len(means))], abs=0.17)  # one step of 1/6
    assert found.high == pytest.approx(means[int(0.975 * len(means))], abs=0.17)
    assert found.standing == "not told apart"


def test_pairs_count_not_runs():
    """A steady small gain is seen through differences between questions that are far larger."""
    theirs = [number / 400 for number in range(400)]
    steady = paired_bootstrap([value + 0.01 for value in theirs], theirs)
    assert steady.standing == "above"
    mixed = paired_bootstrap([value + 0.01 for value in reversed(theirs)], theirs)
    assert mixed.mean == pytest.approx(steady.mean)
    assert mixed.standing == "not told apart"


def test_the_same_every_time_and_however_much_is_drawn_at_once(monkeypatch):
    runs = drawn(150, -0.02)
    found = paired_bootstrap(*runs)
    assert paired_bootstrap(*runs) == found
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 1_000)
    assert paired_bootstrap(*runs) == found


@pytest.mark.parametrize(
    ("low", "high", "standing"),
    [
        (-0.2, -0.1, "below"),
        (-0.2, 0.0, "not told apart"),
        (0.0, 0.0, "not told apart"),
        (-0.1, 0.1, "not told apart"),
        (0.1, 0.2, "above"),
    ],
)
def test_below_is_the_whole_interval(low, high, standing):
    assert Difference((low + high) / 2, low, high).standing == standing


@pytest.mark.parametrize("runs", [([], []), ([1.0], []), ([1.0], [1.0, 0.0])])
def test_runs_that_do_not_pair(runs):
    with pytest.raises(InvalidInput, match=f"got {len(runs[0])} and {len(runs[1])} values"):
        paired_bootstrap(*runs)
