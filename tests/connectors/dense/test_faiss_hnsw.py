from __future__ import annotations

import shutil
import sys

import faiss
import numpy as np
import pytest

from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory
from rag_engine.errors import InvalidInput, MissingExtra, StorageFailed, StoreCorrupt
from rag_engine.ports import IdSelector
from tests.contracts.dense_index import DenseIndexContract, spaced_ids, unit_vectors


class TestFaissHnswIndex(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self):
        return FaissHnswFactory(threads=1)


class TestFaissHnswIndexInHalfPrecision(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self):
        return FaissHnswFactory(storage="float16", threads=1)

    def test_finds_each_vector_by_itself(self, factory):
        ids, vectors = spaced_ids(300), unit_vectors(300)
        for identifier, ranking in zip(
            ids, factory.build(ids, vectors).search(vectors, 1), strict=True
        ):
            assert ranking.ids.tolist() == [identifier]
            assert ranking.scores[0] == pytest.approx(1.0, abs=1e-3)


class TestFaissHnswIndexOfEightBits(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self):
        return FaissHnswFactory(storage="sq8", threads=1)


class TestFaissHnswIndexOfFourBits(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self):
        return FaissHnswFactory(storage="sq4", threads=1)


@pytest.fixture(scope="module")
def five_thousand():
    """Ids, clustered vectors, queries from the same clusters, the graph, and exact search."""
    everything = unit_vectors(5_200, 64, clusters=100)
    ids, vectors, queries = spaced_ids(5_000), everything[:5_000], everything[5_000:]
    hnsw = FaissHnswFactory(threads=2, ef_search=64, m=8).build(ids, vectors)
    return ids, vectors, queries, hnsw, ExactIndexFactory().build(ids, vectors)


def recall(found, expected) -> float:
    shares = [
        len(set(one.ids.tolist()) & set(other.ids.tolist())) / len(other.ids)
        for one, other in zip(found, expected, strict=True)
    ]
    return float(np.mean(shares))


def test_recall_at_10(five_thousand):
    _, _, queries, hnsw, exact = five_thousand
    assert recall(hnsw.search(queries, 10), exact.search(queries, 10)) >= 0.95


def test_recall_where_more_is_asked_than_ef_search(five_thousand):
    _, _, queries, hnsw, exact = five_thousand
    found = hnsw.search(queries, 200)
    assert all(len(each.ids) == 200 for each in found)
    assert recall(found, exact.search(queries, 200)) >= 0.9


@pytest.mark.parametrize("share", [0.9, 0.5, 0.3, 0.1, 0.01, 0.001])
def test_recall_with_a_restriction(five_thousand, share):
    ids, _, queries, hnsw, exact = five_thousand
    chosen = np.random.default_rng(3).random(len(ids)) < share
    for restriction in (IdSelector(ids[chosen]), IdSelector(ids[~chosen], exclude=True)):
        found, expected = (each.search(queries, 10, restriction) for each in (hnsw, exact))
        assert all(restriction.allows(each.ids).all() for each in found)
        assert [len(each.ids) for each in found] == [len(each.ids) for each in expected]
        assert recall(found, expected) >= 0.95


@pytest.mark.parametrize("nearest_left_out", [50, 500, 2_000])
def test_recall_where_only_what_is_far_is_allowed(five_thousand, nearest_left_out):
    ids, _, queries, hnsw, exact = five_thousand
    for query in queries[:20, np.newaxis]:
        order = exact.search(query, len(ids))[0].ids
        far = IdSelector(np.sort(order[nearest_left_out:]))
        found, expected = (each.search(query, 10, far)[0] for each in (hnsw, exact))
        assert len(set(found.ids.tolist()) & set(expected.ids.tolist())) >= 9


def test_restricted_searches_walk_the_graph_where_that_is_quicker(five_thousand, monkeypatch):
    ids, _, queries, hnsw, _ = five_thousand
    efforts = []
    walk = type(hnsw)._walk
    monkeypatch.setattr(
        type(hnsw),
        "_walk",
        lambda self, queries, effort: efforts.append(effort) or walk(self, queries, effort),
    )
    hnsw.search(queries[:1], 10, IdSelector(ids[:4_000]))
    hnsw.search(queries[:1], 10, IdSelector(ids[:50]))
    assert efforts == [64 * 5_000 // 4_000]


def test_a_graph_that_falls_apart_still_gives_k_results():
    ids, vectors = spaced_ids(400), unit_vectors(400)
    index = FaissHnswFactory(m=2, ef_construction=1, ef_search=1, threads=1).build(ids, vectors)
    alone = index._index.search(vectors, 50)[1]
    assert (alone < 0).any()  # FAISS itself found too few
    for restriction in (None, IdSelector(ids[:390])):
        found = index.search(vectors, 50, restriction)
        assert {len(each.ids) for each in found} == {50}


def test_scores_are_those_of_exact_search(five_thousand):
    ids, _, queries, hnsw, exact = five_thousand
    for one, other in zip(hnsw.search(queries, 5), exact.search(queries, len(ids)), strict=True):
        scores = dict(zip(other.ids.tolist(), other.scores.tolist(), strict=True))
        assert one.scores.tolist() == [scores[identifier] for identifier in one.ids.tolist()]


def test_what_was_saved_in_one_precision_is_loaded_by_a_factory_of_the_other(tmp_path):
    ids, vectors = spaced_ids(300), unit_vectors(300)
    index = FaissHnswFactory(storage="float16", threads=1).build(ids, vectors)
    index.save(tmp_path)
    loaded = FaissHnswFactory().load(tmp_path, ids, vectors)
    one, other = (each.search(vectors[:1], 10)[0] for each in (index, loaded))
    assert one.scores.tolist() == other.scores.tolist()


def test_fewer_bits_take_less_room(tmp_path):
    ids, vectors = spaced_ids(500), unit_vectors(500, 128)
    sizes = []
    for storage in ("float32", "float16", "sq8", "sq4"):
        folder = tmp_path / storage
        folder.mkdir()
        FaissHnswFactory(storage=storage, threads=1).build(ids, vectors).save(folder)
        sizes.append((folder / "hnsw.faiss").stat().st_size)
    saved = -np.diff(sizes) / (500 * 128)
    assert saved.tolist() == pytest.approx([2, 1, 0.5], abs=0.02)


@pytest.mark.parametrize(("storage", "least"), [("sq8", 0.95), ("sq4", 0.9)])
def test_fewer_bits_miss_little_and_score_exactly(five_thousand, storage, least):
    ids, vectors, queries, _, exact = five_thousand
    index = FaissHnswFactory(storage=storage, threads=2, ef_search=64, m=8).build(ids, vectors)
    found, expected = index.search(queries, 10), exact.search(queries, 10)
    assert recall(found, expected) >= least
    everything = exact.search(queries, len(ids))
    for one, other in zip(found, everything, strict=True):
        scores = dict(zip(other.ids.tolist(), other.scores.tolist(), strict=True))
        assert one.scores.tolist() == [scores[identifier] for identifier in one.ids.tolist()]


def test_an_index_of_other_vectors_is_refused(tmp_path):
    ids = spaced_ids(200)
    FaissHnswFactory(threads=1).build(ids, unit_vectors(200)).save(tmp_path)
    with pytest.raises(StoreCorrupt, match="other vectors"):
        FaissHnswFactory().load(tmp_path, ids, unit_vectors(200, seed=1))
    with pytest.raises(StoreCorrupt, match="dimension"):
        FaissHnswFactory().load(tmp_path, ids, unit_vectors(200, 17))


def test_an_index_of_another_kind_is_refused(tmp_path):
    ids, vectors = spaced_ids(200), unit_vectors(200)
    flat = faiss.IndexFlatIP(16)
    flat.add(vectors)
    euclidean = faiss.IndexHNSWFlat(16, 8)
    euclidean.add(vectors)
    for index in (flat, euclidean):
        faiss.write_index(index, str(tmp_path / "hnsw.faiss"))
        with pytest.raises(StoreCorrupt, match="IndexHNSWFlat"):
            FaissHnswFactory().load(tmp_path, ids, vectors)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(StoreCorrupt, match=r"hnsw\.faiss"):
        FaissHnswFactory().load(tmp_path, spaced_ids(3), unit_vectors(3))


def test_the_index_outlives_what_it_was_built_from(tmp_path):
    ids, vectors = spaced_ids(300), unit_vectors(300)
    expected = FaissHnswFactory(threads=1).build(ids, vectors)
    expected.save(tmp_path)
    loaded = FaissHnswFactory().load(tmp_path, ids, vectors.copy())
    shutil.rmtree(tmp_path)
    restriction = IdSelector(ids[:100])
    one, other = (each.search(vectors[:3], 5, restriction) for each in (expected, loaded))
    assert [each.scores.tolist() for each in one] == [each.scores.tolist() for each in other]


def test_an_index_that_does_not_fit_on_the_disk_is_not_saved(tmp_path):
    index = FaissHnswFactory(threads=1).build(spaced_ids(3), unit_vectors(3))
    (tmp_path / "hnsw.faiss").symlink_to("/dev/full")
    with pytest.raises(StorageFailed) as failed:
        index.save(tmp_path)
    assert failed.value.reason == "full"


def test_building_leaves_the_number_of_threads_as_it_was():
    before = faiss.omp_get_max_threads()
    FaissHnswFactory(threads=1).build(spaced_ids(50), unit_vectors(50))
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize(
    "bad",
    [{"m": 1}, {"ef_construction": 0}, {"ef_search": 0}, {"threads": -1}, {"storage": "int8"}],
)
def test_values_out_of_range(bad):
    with pytest.raises(InvalidInput, match=str(next(iter(bad.values())))):
        FaissHnswFactory(**bad)


def test_without_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtra, match=r"rag-engine\[cpu\]"):
        FaissHnswFactory()
