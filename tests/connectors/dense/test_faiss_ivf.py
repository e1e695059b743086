from __future__ import annotations

import numpy as np
import pytest

from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.dense.faiss_ivf import FaissIvfPqFactory
from rag_engine.errors import InvalidInput, StoreCorrupt
from rag_engine.ports import IdSelector
from tests.connectors.dense.test_faiss_hnsw import recall
from tests.contracts.dense_index import DenseIndexContract, spaced_ids, unit_vectors


class TestIvfPqByNumber(DenseIndexContract):
    """As it is wired: exact while there are too few vectors for lists."""

    exact = True

    @pytest.fixture
    def factory(self):
        least = FaissIvfPqFactory.fewest
        return AutoDenseFactory(
            kind="ivf-pq", exact_below=least, compact_from=least, compact=FaissIvfPqFactory()
        )


@pytest.fixture(scope="module")
def six_thousand():
    """Ids, clustered vectors, queries from the same clusters, the lists, and exact search."""
    everything = unit_vectors(6_200, 64, clusters=100)
    ids, vectors, queries = spaced_ids(6_000), everything[:6_000], everything[6_000:]
    lists = FaissIvfPqFactory(threads=2).build(ids, vectors)
    return ids, vectors, queries, lists, ExactIndexFactory().build(ids, vectors)


def test_recall_and_scores(six_thousand):
    ids, _, queries, lists, exact = six_thousand
    found = lists.search(queries, 10)
    assert recall(found, exact.search(queries, 10)) >= 0.95
    for one, other in zip(found, exact.search(queries, len(ids)), strict=True):
        scores = dict(zip(other.ids.tolist(), other.scores.tolist(), strict=True))
        assert one.scores.tolist() == [scores[identifier] for identifier in one.ids.tolist()]


@pytest.mark.parametrize("share", [0.5, 0.01])
def test_recall_with_a_restriction(six_thousand, share):
    ids, _, queries, lists, exact = six_thousand
    allowed = IdSelector(ids[np.random.default_rng(3).random(len(ids)) < share])
    found, expected = (each.search(queries, 10, allowed) for each in (lists, exact))
    assert all(allowed.allows(each.ids).all() for each in found)
    assert recall(found, expected) >= 0.95


def test_saved_and_loaded(six_thousand, tmp_path):
    ids, vectors, queries, lists, _ = six_thousand
    lists.save(tmp_path)
    loaded = AutoDenseFactory().load(tmp_path, ids, vectors)
    for one, other in zip(lists.search(queries, 5), loaded.search(queries, 5), strict=True):
        assert one.ids.tolist() == other.ids.tolist()
    assert (tmp_path / "ivfpq.faiss").stat().st_size < vectors.nbytes / 4
    with pytest.raises(StoreCorrupt, match="other vectors"):
        FaissIvfPqFactory().load(tmp_path, ids, unit_vectors(6_000, 64, seed=9))


def test_too_few_vectors():
    with pytest.raises(InvalidInput, match="4096"):
        FaissIvfPqFactory().build(spaced_ids(300), unit_vectors(300))


@pytest.mark.parametrize("bad", [{"lists": 0}, {"candidates": 0}, {"threads": -1}])
def test_values_out_of_range(bad):
    with pytest.raises(InvalidInput, match=str(next(iter(bad.values())))):
        FaissIvfPqFactory(**bad)


def test_a_gpu_that_is_not_there_is_told():
    with pytest.raises(InvalidInput, match=r"FAISS sees no GPU.*rag-engine\[gpu\]"):
        FaissIvfPqFactory(device="cuda")
    with pytest.raises(InvalidInput, match="'tpu'"):
        FaissIvfPqFactory(device="tpu")
