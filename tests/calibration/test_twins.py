"""Translation twins: found where they are, not where they are not, in both ways of looking."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration import twins as module
from rag_engine.calibration.twins import Twins, mine_twins, number_mark
from rag_engine.connectors.dense.exact_index import ExactIndexFactory

WIDTH = 256


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def corpus(contents: int, languages: int, noise: float, seed: int = 3):
    """Every content once in each language, each time a little different."""
    drawn = np.random.default_rng(seed)
    meanings = unit(drawn.normal(size=(contents, WIDTH)))
    vectors = [
        unit(meanings + noise * unit(drawn.normal(size=meanings.shape))) for _ in range(languages)
    ]
    names = [f"l{n}" for n in range(languages) for _ in range(contents)]
    return np.concatenate(vectors), names


def found(vectors, names, ids=None, numbers=None) -> Twins:
    ids = np.arange(10, 10 + len(vectors)) if ids is None else ids
    index = ExactIndexFactory().build(ids, vectors)
    return mine_twins(
        ids,
        names,
        np.zeros(len(ids), np.uint64) if numbers is None else numbers,
        lambda rows: vectors[rows],
        lambda rows, k: index.search(vectors[rows], k),
    )


@pytest.fixture(params=["all", "neighbours"])
def _way(request, monkeypatch):
    if request.param == "neighbours":
        monkeypatch.setattr(module, "_COMPARE_ALL", 0)
        monkeypatch.setattr(module, "_BLOCK", 7)


@pytest.mark.usefixtures("_way")
def test_every_content_finds_its_translations():
    vectors, names = corpus(contents=40, languages=3, noise=0.5)
    twins = found(vectors, names)
    expected = {
        (10 + a * 40 + n, 10 + b * 40 + n) for n in range(40) for a in range(3) for b in range(a)
    }
    assert {tuple(sorted(pair, reverse=True)) for pair in twins.pairs.tolist()} == expected
    assert twins.of(np.array([50, 10])) == {50: [10, 90], 10: [50, 90]}


@pytest.mark.usefixtures("_way")
def test_unrelated_passages_have_no_twins():
    drawn = np.random.default_rng(1)
    vectors = unit(drawn.normal(size=(200, WIDTH)))
    names = ["de"] * 100 + ["fr"] * 100
    assert len(found(vectors, names)) <= 2


@pytest.mark.usefixtures("_way")
def test_near_by_itself_is_not_enough():
    """Passages all about one thing are all near each other, and none is a translation."""
    drawn = np.random.default_rng(2)
    topic = unit(drawn.normal(size=WIDTH))
    vectors = unit(topic + 0.3 * unit(drawn.normal(size=(60, WIDTH))))
    twins = found(vectors, ["de"] * 30 + ["fr"] * 30)
    assert float((vectors @ vectors.T).min()) > 0.5
    assert len(twins) <= 2


def test_one_language_has_none():
    vectors, _ = corpus(contents=10, languages=2, noise=0.2)
    assert len(found(vectors, ["de"] * 20)) == 0
    assert len(found(vectors[:0], [])) == 0


def test_a_language_with_one_passage():
    vectors = unit([[1, 0.1], [0, 1], [1, 0]])
    assert found(vectors, ["de", "de", "fr"]).pairs.tolist() == [[10, 12]]
    assert found(unit([[1, 0], [0, 1]]), ["de", "fr"]).pairs.tolist() == []


def marks(*numbers: str) -> np.ndarray:
    return np.array([number_mark(number.split()) for number in numbers], dtype=np.uint64)


def test_other_numbers_make_other_passages():
    vectors = unit([[1, 0.1], [1, 0.2]])
    for numbers, pairs in [
        (marks("e4711 4711", "e4712 4712"), []),
        (marks("e4711 4711", "e4711 4711 12"), [[10, 11]]),
        (marks("e4711", ""), [[10, 11]]),
        (marks("", ""), [[10, 11]]),
    ]:
        assert found(vectors, ["de", "fr"], numbers=numbers).pairs.tolist() == pairs


@pytest.mark.usefixtures("_way")
def test_the_nearest_of_another_number_does_not_hide_the_twin():
    vectors = unit([[1, 0, 0], [1, 0.1, 0], [1, 0, 0.7]])
    numbers = marks("e4711", "e4712", "e4711")
    assert found(vectors, ["de", "fr", "fr"], numbers=numbers).pairs.tolist() == [[10, 12]]


def test_few_passages_are_told_apart_by_those_of_their_own_language():
    """All about one thing: what is as near as a twin to its own language's next is none."""
    one_subject = unit([[1, 0.5, 0], [1, 0, 0.5], [1, 0.3, 0.3]])
    assert found(one_subject, ["de", "de", "fr"]).pairs.tolist() == []
    apart = unit([[1, 0.5, 0], [-1, 0, 0.5], [1, 0.3, 0.3]])
    assert found(apart, ["de", "de", "fr"]).pairs.tolist() == [[10, 12]]


def test_twins_of_a_third_are_twins():
    """The outer two are 0.4 near, the middle one 0.84 to both."""
    outer = np.sqrt(1 - 0.4**2)
    vectors = unit([[1, 0], [0.4, outer], [1.4, outer]])
    assert found(vectors[:2], ["de", "fr"]).pairs.tolist() == []
    assert found(vectors, ["de", "fr", "ja"]).pairs.tolist() == [[10, 11], [10, 12], [11, 12]]


def test_of_an_unknown_id():
    twins = Twins(np.array([[3, 5], [3, 9]]))
    assert twins.of(np.array([4, 9])) == {9: [3]}
    assert Twins.none().of(np.array([1])) == {}
