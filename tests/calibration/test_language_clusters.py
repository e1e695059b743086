"""Where the nearest passages of each language are."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.language_clusters import LanguageClusters


@pytest.fixture(scope="module")
def corpus():
    """Unit vectors around fifty centres, in a large, a small and a tiny language, and the lists."""
    random = np.random.default_rng(5)
    centres = random.normal(size=(50, 32))
    vectors = centres[random.integers(50, size=3_000)] + 0.6 * random.normal(size=(3_000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    codes = np.repeat([0, 1, 2], [2_500, 490, 10]).astype(np.uint16)
    codes = random.permutation(codes)
    return vectors, codes, LanguageClusters.build(vectors, codes, 3)


def test_every_passage_is_in_one_list_of_its_language(corpus):
    vectors, codes, lists = corpus
    assert sorted(lists.members.tolist()) == list(range(len(vectors)))
    for code in range(3):
        assert sorted(lists.of(code).tolist()) == np.flatnonzero(codes == code).tolist()
        leaders = lists.leaders[lists.starts[code] : lists.starts[code + 1]]
        assert (codes[leaders] == code).all()
    assert int(lists.starts[-1]) == len(lists.leaders) == len(lists.bounds) - 1


def test_every_passage_is_with_its_nearest_leader(corpus):
    vectors, codes, lists = corpus
    for place, leader in enumerate(lists.leaders):
        members = lists.members[lists.bounds[place] : lists.bounds[place + 1]]
        code = codes[leader]
        others = lists.leaders[lists.starts[code] : lists.starts[code + 1]]
        nearest = others[(vectors[members] @ vectors[others].T).argmax(axis=1)]
        assert (nearest == leader).all()


def test_what_is_near_is_mostly_found_and_only_what_was_asked_for(corpus):
    vectors, codes, lists = corpus
    leaders = vectors[lists.leaders]
    found = []
    for query in vectors[::30]:
        rows = lists.probe(query, leaders, [0, 1])
        assert len(rows) < 600
        assert set(codes[rows].tolist()) == {0, 1}
        mine = np.flatnonzero(codes == 0)
        best = mine[np.argsort(-(vectors[mine] @ query))[:2]]
        found.append(len(set(best.tolist()) & set(rows.tolist())) / 2)
    assert np.mean(found) >= 0.8


def test_a_small_language_is_looked_through_whole(corpus):
    vectors, codes, lists = corpus
    rows = lists.probe(vectors[0], vectors[lists.leaders], [2])
    assert sorted(rows.tolist()) == np.flatnonzero(codes == 2).tolist()


def test_nothing():
    lists = LanguageClusters.build(np.empty((0, 4), np.float32), np.empty(0, np.uint16), 0)
    assert len(lists.probe(np.ones(4, np.float32), np.empty((0, 4), np.float32), [])) == 0
