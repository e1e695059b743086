from __future__ import annotations

import pytest

from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.dense.exact_index import ExactIndex
from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory
from rag_engine.connectors.dense.faiss_index import FaissIndex
from tests.contracts.dense_index import DenseIndexContract, spaced_ids, unit_vectors


class TestAutoDenseIndex(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self):
        return AutoDenseFactory(exact_below=100, graph=FaissHnswFactory(threads=1))


@pytest.mark.parametrize(("count", "kind"), [(99, ExactIndex), (100, FaissIndex)])
def test_the_number_of_vectors_decides(tmp_path, count, kind):
    factory = AutoDenseFactory(exact_below=100, graph=FaissHnswFactory(threads=1))
    ids, vectors = spaced_ids(count), unit_vectors(count)
    index = factory.build(ids, vectors)
    assert type(index) is kind
    index.save(tmp_path)
    assert type(AutoDenseFactory(exact_below=5).load(tmp_path, ids, vectors)) is kind
