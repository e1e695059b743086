"""What every dense index must keep: subclass ``DenseIndexContract`` and override ``factory``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_engine.errors import InvalidInput, InvalidVectors, StoreCorrupt
from rag_engine.ports import DenseIndex, DenseIndexFactory, IdSelector, Ranking
from tests.contracts.folders import listing

# A factory has no state, so that examples may share one, and so may the suites of several indexes.
quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def unit_vectors(count: int, dimension: int = 16, *, seed: int = 0, clusters: int = 0):
    """Random unit vectors ``(count, dimension)`` float32, around ``clusters`` centres if any."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, dimension))
    if clusters:
        vectors += 1.5 * rng.normal(size=(clusters, dimension))[rng.integers(clusters, size=count)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def spaced_ids(count: int) -> np.ndarray:
    """Ascending ids with gaps, so that a row can not be mistaken for an id."""
    return np.arange(1, count + 1, dtype=np.int64) * 7 + 10_000_000_000


def brute_force(ids, vectors, query, k, restriction=None) -> list[tuple[int, float]]:
    """The oracle: a sorted list of Python tuples."""
    scored = [
        (-float(np.dot(vector.astype(np.float64), query)), identifier)
        for identifier, vector in zip(ids.tolist(), vectors, strict=True)
        if restriction is None or (identifier in restriction.ids) != restriction.exclude
    ]
    return [(identifier, -score) for score, identifier in sorted(scored)[:k]]


def check_form(ranking: Ranking) -> None:
    assert ranking.ids.dtype == np.int64
    assert ranking.scores.dtype == np.float32
    assert ranking.ids.shape == ranking.scores.shape
    pairs = list(zip((-ranking.scores).tolist(), ranking.ids.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert len(set(ranking.ids.tolist())) == len(ranking.ids)


@st.composite
def searches(draw):
    """Vectors of small whole numbers, whose products are exact, so that ties are many."""
    count, dimension = draw(st.integers(1, 60)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    vectors = rng.integers(-2, 3, size=(count, dimension)).astype(np.float32)
    queries = rng.integers(-2, 3, size=(draw(st.integers(1, 3)), dimension)).astype(np.float32)
    ids = np.sort(rng.choice(200, size=count, replace=False) + 1).astype(np.int64)
    restriction = draw(
        st.none()
        | st.builds(
            lambda chosen, exclude: IdSelector(np.array(sorted(chosen), np.int64), exclude),
            st.sets(st.integers(1, 220), max_size=120),
            st.booleans(),
        )
    )
    return ids, vectors, queries, draw(st.integers(1, 70)), restriction


class DenseIndexContract:
    """Tests of a port; ``exact`` says whether every search must find all of the nearest."""

    exact = True

    @pytest.fixture
    def factory(self) -> DenseIndexFactory:
        raise NotImplementedError

    @quick
    @given(case=searches())
    def test_finds_what_brute_force_finds(self, factory, case):
        self.check_search(factory, case)

    def check_search(self, factory, case):
        ids, vectors, queries, k, restriction = case
        rankings = factory.build(ids, vectors).search(queries, k, restriction)
        assert len(rankings) == len(queries)
        for query, ranking in zip(queries, rankings, strict=True):
            check_form(ranking)
            expected = brute_force(ids, vectors, query, k, restriction)
            found = list(zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True))
            assert len(found) == len(expected)
            if self.exact:
                assert found == expected
            else:
                everything = dict(brute_force(ids, vectors, query, len(ids), restriction))
                assert all(everything[identifier] == score for identifier, score in found)

    def test_is_a_dense_index(self, factory, tmp_path):
        index = factory.build(spaced_ids(3), unit_vectors(3))
        assert isinstance(index, DenseIndex)
        assert isinstance(factory.kind, str)
        assert factory.bind(tmp_path, lambda _: {}).kind == factory.kind
        factory.collect_garbage(index)
        assert len(index) == 3

    def test_finds_each_vector_by_itself(self, factory):
        ids, vectors = spaced_ids(300), unit_vectors(300)
        rankings = factory.build(ids, vectors).search(vectors, 1)
        assert [ranking.ids.tolist() for ranking in rankings] == [[each] for each in ids.tolist()]
        assert np.allclose([ranking.scores[0] for ranking in rankings], 1.0, atol=1e-5)

    def test_fewer_than_k(self, factory):
        ids, vectors = spaced_ids(5), unit_vectors(5)
        ranking = factory.build(ids, vectors).search(vectors[:1], 1000)[0]
        assert sorted(ranking.ids.tolist()) == ids.tolist()

    def test_nothing_indexed(self, factory):
        index = factory.build(np.empty(0, np.int64), np.empty((0, 16), np.float32))
        assert len(index) == 0
        assert [len(each.ids) for each in index.search(unit_vectors(2), 5)] == [0, 0]

    def test_nothing_asked(self, factory):
        index = factory.build(spaced_ids(5), unit_vectors(5))
        assert index.search(unit_vectors(0), 5) == []
        assert len(index.search(unit_vectors(1), 0)[0].ids) == 0

    def test_nothing_allowed(self, factory):
        ids, vectors = spaced_ids(20), unit_vectors(20)
        index = factory.build(ids, vectors)
        none = IdSelector(np.empty(0, np.int64))
        strangers = IdSelector(np.array([1, 2, 2**62], np.int64))
        for restriction in (none, strangers, IdSelector(ids, exclude=True)):
            assert len(index.search(vectors[:1], 5, restriction)[0].ids) == 0

    def test_excluding_nothing_changes_nothing(self, factory):
        ids, vectors = spaced_ids(50), unit_vectors(50)
        index = factory.build(ids, vectors)
        free = index.search(vectors[:1], 9)[0]
        for restriction in (IdSelector(np.array([3]), exclude=True), IdSelector(ids)):
            bound = index.search(vectors[:1], 9, restriction)[0]
            assert bound.ids.tolist() == free.ids.tolist()
            assert bound.scores.tolist() == free.scores.tolist()

    def test_a_batch_gives_what_single_queries_give(self, factory):
        ids, vectors = spaced_ids(500), unit_vectors(500, clusters=10)
        index = factory.build(ids, vectors)
        queries = unit_vectors(40, seed=1)
        for query, together in zip(queries, index.search(queries, 10), strict=True):
            alone = index.search(query[np.newaxis], 10)[0]
            assert together.ids.tolist() == alone.ids.tolist()
            assert together.scores.tolist() == alone.scores.tolist()

    def test_equal_vectors_tie_and_come_by_id(self, factory):
        vectors = np.repeat(unit_vectors(7), 9, axis=0)
        ids = spaced_ids(63)
        ranking = factory.build(ids, vectors).search(unit_vectors(7)[3:4], 9)[0]
        assert len(set(ranking.scores.tolist())) == 1
        if self.exact:
            assert ranking.ids.tolist() == ids[27:36].tolist()

    def test_queries_of_another_width(self, factory):
        index = factory.build(spaced_ids(5), unit_vectors(5, 16))
        with pytest.raises(InvalidVectors, match=r"\(n, 16\)"):
            index.search(unit_vectors(1, 17), 3)

    @pytest.mark.parametrize("ids", [[1, 2], [3, 2, 1], [1, 1, 2], [0, 1, 2]])
    def test_ids_that_do_not_fit(self, factory, ids):
        with pytest.raises(InvalidInput, match="ids"):
            factory.build(np.array(ids, np.int64), unit_vectors(3))

    def test_saved_and_loaded(self, factory, tmp_path):
        ids, vectors = spaced_ids(400), unit_vectors(400, clusters=5)
        index = factory.build(ids, vectors)
        folder = tmp_path / "Index für 知识"
        folder.mkdir()
        index.save(folder)
        before = listing(folder)
        loaded = factory.load(folder, ids, vectors)
        assert len(loaded) == 400
        restriction = IdSelector(ids[::3])
        for one in (None, restriction):
            for a, b in zip(
                index.search(vectors[:20], 10, one),
                loaded.search(vectors[:20], 10, one),
                strict=True,
            ):
                assert a.ids.tolist() == b.ids.tolist()
                assert a.scores.tolist() == b.scores.tolist()
        assert listing(folder) == before

    def test_nothing_saved_and_loaded(self, factory, tmp_path):
        ids, vectors = np.empty(0, np.int64), np.empty((0, 16), np.float32)
        factory.build(ids, vectors).save(tmp_path)
        assert len(factory.load(tmp_path, ids, vectors)) == 0

    def test_loaded_with_too_few_ids(self, factory, tmp_path):
        ids, vectors = spaced_ids(30), unit_vectors(30)
        factory.build(ids, vectors).save(tmp_path)
        with pytest.raises(StoreCorrupt):
            factory.load(tmp_path, ids[:-1], vectors)

    def test_damaged_files_are_refused(self, factory, tmp_path):
        ids, vectors = spaced_ids(200), unit_vectors(200)
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        whole.mkdir()
        cut.mkdir()
        factory.build(ids, vectors).save(whole)
        for path in sorted(whole.iterdir()):
            data = path.read_bytes()
            for damaged in (data[: len(data) // 2], data[:-1], b"", b"\0" * len(data)):
                (cut / path.name).write_bytes(damaged)
                with pytest.raises(StoreCorrupt):
                    factory.load(cut, ids, vectors)

    def test_eight_threads_search_at_once(self, factory):
        ids, vectors = spaced_ids(2_000), unit_vectors(2_000, 32, clusters=20)
        index = factory.build(ids, vectors)
        queries = unit_vectors(64, 32, seed=2)
        restrictions = [None, IdSelector(ids[::2]), IdSelector(ids[:1500], exclude=True)]

        def answers(number: int):
            restriction = restrictions[number % 3]
            return [index.search(query[np.newaxis], 10, restriction)[0] for query in queries]

        expected = [answers(number) for number in range(3)]
        with ThreadPoolExecutor(8) as pool:
            for number, found in enumerate(pool.map(answers, range(24))):
                for one, other in zip(found, expected[number % 3], strict=True):
                    assert one.ids.tolist() == other.ids.tolist()
                    assert one.scores.tolist() == other.scores.tolist()
