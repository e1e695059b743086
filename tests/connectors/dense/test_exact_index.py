from __future__ import annotations

import numpy as np
import pytest

from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.ports import IdSelector
from tests.contracts.dense_index import (
    DenseIndexContract,
    brute_force,
    spaced_ids,
    unit_vectors,
)


class TestExactIndex(DenseIndexContract):
    @pytest.fixture
    def factory(self):
        return ExactIndexFactory()


def test_more_rows_than_a_block_and_more_queries_than_are_scored_at_once(monkeypatch):
    monkeypatch.setattr("rag_engine.connectors.dense.exact_index._BLOCK_FLOATS", 16 * 33)
    monkeypatch.setattr("rag_engine.connectors.dense.exact_index._SCORE_FLOATS", 1_000)
    ids, vectors = spaced_ids(500), unit_vectors(500)
    index = ExactIndexFactory().build(ids, vectors)
    queries = unit_vectors(11, seed=4)
    for restriction in (None, IdSelector(ids[5::3]), IdSelector(ids[::9], exclude=True)):
        for query, ranking in zip(queries, index.search(queries, 20, restriction), strict=True):
            expected = brute_force(ids, vectors, query, 20, restriction)
            assert ranking.ids.tolist() == [identifier for identifier, _ in expected]
            assert np.allclose(ranking.scores, [score for _, score in expected], atol=1e-6)


def test_a_score_does_not_depend_on_the_neighbours():
    vectors = unit_vectors(1_000, 384)
    index = ExactIndexFactory().build(spaced_ids(1_000), vectors)
    ids, query = spaced_ids(1_000), unit_vectors(1, 384, seed=9)
    scores = dict(
        zip(*(each.tolist() for each in vars_of(index.search(query, 1_000)[0])), strict=True)
    )
    for identifier in ids[::97].tolist():
        alone = index.search(query, 1, IdSelector(np.array([identifier])))[0]
        assert alone.scores.tolist() == [scores[identifier]]


def vars_of(ranking):
    return ranking.ids, ranking.scores


def test_vectors_mapped_from_a_file_in_half_precision(tmp_path):
    vectors = unit_vectors(300).astype(np.float16)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    ids, query = spaced_ids(300), unit_vectors(1, seed=3)
    factory = ExactIndexFactory()
    one = factory.load(tmp_path, ids, mapped).search(query, 10)[0]
    other = factory.build(ids, vectors.astype(np.float32)).search(query, 10)[0]
    assert one.ids.tolist() == other.ids.tolist()
    assert one.scores.tolist() == other.scores.tolist()
