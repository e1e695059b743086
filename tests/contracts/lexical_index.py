"""What every lexical index must keep: subclass ``LexicalIndexContract``, override ``factory``."""

from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_engine.errors import InvalidInput, StoreCorrupt
from rag_engine.ports import AnalysedPassage, IdSelector, LexicalIndex, LexicalIndexFactory, Ranking
from tests.contracts.folders import listing

# A factory has no state, so that examples may share one, and so may the suites of several indexes.
quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)

Corpus = dict[int, list[str]]

ODD_TERMS = [
    "de:haus",
    "de:haus ",
    " de:haus",
    "ru=тесла",
    "@de",
    "en:c++",
    "zh:水泵",
    "two words",
    "tab\tand\nline",
    "a\x00b",
    "\x1f",
    "",
    "é",
    "e\u0301",
    "AND",
    "*:*",
    'a"b\\c',
    "🙂",
    "ends\u3000",
    "x" * 5_000,
]


def passages(corpus: Corpus):
    return iter(
        [AnalysedPassage(id=identifier, terms=tuple(terms)) for identifier, terms in corpus.items()]
    )


def check_form(ranking: Ranking) -> None:
    assert ranking.ids.dtype == np.int64
    assert ranking.scores.dtype == np.float32
    assert ranking.ids.shape == ranking.scores.shape
    pairs = list(zip((-ranking.scores).tolist(), ranking.ids.tolist(), strict=True))
    assert pairs == sorted(pairs)


def pairs_of(ranking: Ranking) -> list[tuple[int, float]]:
    check_form(ranking)
    return list(zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True))


def allowed(identifier: int, restriction: IdSelector | None) -> bool:
    return restriction is None or (identifier in restriction.ids) != restriction.exclude


def brute_weighted(corpus: Corpus, weights, k, restriction=None) -> list[tuple[int, float]]:
    sums = {
        identifier: sum(weight for term, weight in weights.items() if term in terms)
        for identifier, terms in corpus.items()
        if allowed(identifier, restriction) and not weights.keys().isdisjoint(terms)
    }
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:k]


def brute_bm25(corpus: Corpus, query, idf, restriction=None, k1=1.2) -> dict[int, float]:
    """Okapi BM25 by the book (Robertson and Zaragoza 2009, equation 3.15, times k1 + 1)."""
    b = 0.75
    mean_length = sum(map(len, corpus.values())) / len(corpus)
    scores = {}
    for identifier, terms in corpus.items():
        counts = Counter(terms)
        if not allowed(identifier, restriction) or counts.keys().isdisjoint(query):
            continue
        norm = k1 * (1 - b + b * len(terms) / mean_length)
        scores[identifier] = sum(
            idf(term) * counts[term] * (k1 + 1) / (counts[term] + norm)
            for term in query
            if term in counts
        )
    return scores


VOCABULARY = [f"{language}:w{number}" for language in ("de", "en") for number in range(6)]

terms_lists = st.lists(st.sampled_from(VOCABULARY), max_size=12)
corpora = st.dictionaries(st.integers(1, 80), terms_lists, max_size=40).map(
    lambda corpus: dict(sorted(corpus.items()))
)
restrictions = st.none() | st.builds(
    lambda chosen, exclude: IdSelector(np.array(sorted(chosen), np.int64), exclude),
    st.sets(st.integers(1, 90), max_size=60),
    st.booleans(),
)
# Sums of these are exact in float32, in any order: ties are many.
weightings = st.dictionaries(
    st.sampled_from([*VOCABULARY, "xx:absent"]),
    st.sampled_from([0.25, 0.5, 1.0, 3.0]),
    min_size=1,
    max_size=6,
)


class LexicalIndexContract:
    """Tests of a port; ``idf`` is the part of BM25 in which engines differ."""

    @pytest.fixture
    def factory(self) -> LexicalIndexFactory:
        raise NotImplementedError

    def idf(self, corpus: Corpus, term: str) -> float:
        raise NotImplementedError

    @quick
    @given(corpus=corpora, weights=weightings, k=st.integers(1, 50), restriction=restrictions)
    def test_weighted_search_finds_what_brute_force_finds(
        self, factory, corpus, weights, k, restriction
    ):
        index = factory.build(passages(corpus), in_memory=True)
        found = pairs_of(index.search_weighted(weights, k, restriction))
        assert found == brute_weighted(corpus, weights, k, restriction)

    @quick
    @given(
        corpus=corpora,
        query=st.lists(st.sampled_from([*VOCABULARY, "xx:absent"]), max_size=6),
        k=st.integers(1, 50),
        restriction=restrictions,
    )
    def test_bm25_finds_what_brute_force_finds(self, factory, corpus, query, k, restriction):
        index = factory.build(passages(corpus), in_memory=True)
        found = pairs_of(index.search_bm25(query, k, restriction))
        expected = (
            brute_bm25(corpus, query, lambda term: self.idf(corpus, term), restriction)
            if corpus
            else {}
        )
        best = sorted(expected.values(), reverse=True)[:k]
        assert [score for _, score in found] == pytest.approx(best, rel=1e-5, abs=1e-5)
        for identifier, score in found:
            assert score == pytest.approx(expected[identifier], rel=1e-5, abs=1e-5)

    @quick
    @given(corpus=corpora)
    def test_document_frequencies(self, factory, corpus):
        index = factory.build(passages(corpus), in_memory=True)
        asked = [*VOCABULARY, "xx:absent", VOCABULARY[0]]
        frequencies = index.document_frequencies(asked)
        assert frequencies.dtype == np.int64
        assert frequencies.tolist() == [
            sum(term in terms for terms in corpus.values()) for term in asked
        ]
        assert index.document_frequencies([]).shape == (0,)
        assert len(index) == len(corpus)

    def test_is_a_lexical_index(self, factory, tmp_path):
        index = factory.build(passages({1: ["a"]}))
        assert isinstance(index, LexicalIndex)
        assert isinstance(factory.kind, str)
        assert factory.bind(tmp_path).kind == factory.kind
        factory.collect_garbage(index)

    def test_terms_are_taken_as_they_are(self, factory, tmp_path):
        corpus = {number: [term, "every"] for number, term in enumerate(ODD_TERMS, start=1)}
        built = factory.build(passages(corpus))
        built.save(tmp_path)
        for index in (built, factory.load(tmp_path)):
            for number, term in enumerate(ODD_TERMS, start=1):
                assert index.search_weighted({term: 1.0}, 9).ids.tolist() == [number]
                assert index.search_bm25([term], 9).ids.tolist() == [number]
            assert index.document_frequencies(ODD_TERMS).tolist() == [1] * len(ODD_TERMS)
            assert index.document_frequencies(["de", "haus", "two"]).tolist() == [0, 0, 0]

    def test_a_term_counts_once_in_weighted_search_however_often_it_occurs(self, factory):
        index = factory.build(passages({1: ["a"], 2: ["a"] * 9 + ["b"], 3: ["b"]}))
        assert pairs_of(index.search_weighted({"a": 0.5}, 5)) == [(1, 0.5), (2, 0.5)]

    def test_equal_scores_come_by_id_also_where_the_list_ends(self, factory):
        corpus = {number: ["common", f"own{number}"] for number in range(1, 3001)}
        index = factory.build(passages(corpus))
        for k in (1, 10, 500):
            assert index.search_weighted({"common": 1.0}, k).ids.tolist() == [*range(1, k + 1)]
        late = IdSelector(np.arange(2_000, 3_001))
        early = IdSelector(np.arange(1, 2_501), exclude=True)
        assert index.search_weighted({"common": 1.0}, 3, late).ids.tolist() == [2000, 2001, 2002]
        assert index.search_weighted({"common": 1.0}, 3, early).ids.tolist() == [2501, 2502, 2503]

    def test_sums_of_many_weights_tie_exactly(self, factory):
        terms = [f"t{number}" for number in range(50)]
        weights = {term: math.pi / (number + 3) for number, term in enumerate(terms)}
        corpus = {
            number: [*np.random.default_rng(number).permutation(terms), f"own{number}"]
            for number in range(1, 400)
        }
        ranking = factory.build(passages(corpus)).search_weighted(weights, 300)
        assert len(set(ranking.scores.tolist())) == 1
        assert ranking.ids.tolist() == [*range(1, 301)]
        assert ranking.scores[0] == pytest.approx(sum(weights.values()), rel=1e-6)

    def test_the_best_of_what_is_allowed_may_lie_far_down(self, factory):
        corpus = {number: ["a", "b"] if number <= 4000 else ["a"] for number in range(1, 5001)}
        index = factory.build(passages(corpus))
        low = IdSelector(np.arange(4001, 5001))
        assert index.search_weighted({"a": 1.0, "b": 2.0}, 5, low).ids.tolist() == [
            *range(4001, 4006)
        ]
        high = IdSelector(np.arange(1, 4001), exclude=True)
        for restriction in (low, high):
            found = index.search_bm25(["a", "b"], 5, restriction)
            assert found.ids.tolist() == [*range(4001, 4006)]

    def test_a_restriction_changes_no_score(self, factory):
        corpus = {
            number: ["a"] * (number % 4) + ["b"] * (number % 3) + ["c"] for number in range(1, 200)
        }
        index = factory.build(passages(corpus))
        free = dict(pairs_of(index.search_bm25(["a", "b"], 200)))
        some = IdSelector(np.arange(1, 200, 7))
        for restriction in (some, IdSelector(some.ids, exclude=True)):
            bound = dict(pairs_of(index.search_bm25(["a", "b"], 200, restriction)))
            assert bound == {
                each: score for each, score in free.items() if allowed(each, restriction)
            }

    def test_nothing_to_find(self, factory):
        index = factory.build(passages({1: ["a"], 2: []}))
        assert pairs_of(index.search_weighted({"x": 1.0}, 5)) == []
        assert pairs_of(index.search_weighted({}, 5)) == []
        assert pairs_of(index.search_bm25(["x"], 5)) == []
        assert pairs_of(index.search_bm25([], 5)) == []
        assert pairs_of(index.search_weighted({"a": 1.0}, 0)) == []
        none = IdSelector(np.empty(0, np.int64))
        assert pairs_of(index.search_weighted({"a": 1.0}, 5, none)) == []
        assert pairs_of(index.search_bm25(["a"], 5, none)) == []

    @pytest.mark.parametrize("corpus", [{}, {1: []}, {1: [], 5: []}])
    def test_no_terms_at_all(self, factory, tmp_path, corpus):
        built = factory.build(passages(corpus))
        built.save(tmp_path)
        for index in (built, factory.load(tmp_path)):
            assert len(index) == len(corpus)
            assert pairs_of(index.search_weighted({"a": 1.0}, 5)) == []
            assert pairs_of(index.search_bm25(["a"], 5)) == []
            assert index.document_frequencies(["a"]).tolist() == [0]

    @pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf, 1e39])
    def test_weights_must_be_positive(self, factory, weight):
        index = factory.build(passages({1: ["a"]}))
        with pytest.raises(InvalidInput, match="'b'"):
            index.search_weighted({"a": 1.0, "b": weight}, 5)

    @pytest.mark.parametrize("ids", [(2, 1), (1, 1), (0, 1), (-1, 3)])
    def test_ids_out_of_order(self, factory, ids):
        with pytest.raises(InvalidInput, match="ascending"):
            factory.build(iter([AnalysedPassage(id=each, terms=("a",)) for each in ids]))

    def test_great_ids(self, factory):
        corpus = {1: ["a"], 2**40: ["a", "b"], 2**62: ["a"]}
        index = factory.build(passages(corpus))
        assert index.search_weighted({"a": 1.0}, 9).ids.tolist() == [1, 2**40, 2**62]
        only = IdSelector(np.array([2**62, 2**62 + 1]))
        assert index.search_weighted({"a": 1.0}, 9, only).ids.tolist() == [2**62]

    def test_saved_and_loaded(self, factory, tmp_path):
        corpus = {
            number * 3: [f"t{number % 17}"] * (number % 5) + [f"u{number % 11}"]
            for number in range(1, 500)
        }
        index = factory.build(passages(corpus))
        folder = tmp_path / "Index für 知识"
        folder.mkdir()
        index.save(folder)
        before = listing(folder)
        loaded = factory.load(folder)
        assert len(loaded) == len(index) == 499
        restriction = IdSelector(np.arange(3, 600, 6))
        for number in range(17):
            for one in (None, restriction):
                query = [f"t{number}", "u3"]
                assert pairs_of(loaded.search_bm25(query, 50, one)) == pairs_of(
                    index.search_bm25(query, 50, one)
                )
                weights = {f"t{number}": 0.7, "u3": 0.1}
                assert pairs_of(loaded.search_weighted(weights, 50, one)) == pairs_of(
                    index.search_weighted(weights, 50, one)
                )
        assert listing(folder) == before

    def test_an_index_in_memory_answers_the_same(self, factory):
        corpus = {number: [f"t{number % 7}", f"u{number % 5}"] for number in range(1, 300)}
        on_disk = factory.build(passages(corpus))
        in_memory = factory.build(passages(corpus), in_memory=True)
        for query in (["t1"], ["t3", "u0"]):
            assert pairs_of(in_memory.search_bm25(query, 90)) == pairs_of(
                on_disk.search_bm25(query, 90)
            )

    def test_missing_files_are_refused(self, factory, tmp_path):
        with pytest.raises(StoreCorrupt):
            factory.load(tmp_path)
        with pytest.raises(StoreCorrupt):
            factory.load(tmp_path / "nowhere")
        assert list(tmp_path.iterdir()) == []

    def test_damaged_files_are_refused(self, factory, tmp_path):
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        whole.mkdir()
        cut.mkdir()
        corpus = {number: [f"t{number % 17}", "every"] for number in range(1, 200)}
        factory.build(passages(corpus)).save(whole)
        for damaged in sorted(whole.iterdir()):
            for path in whole.iterdir():
                (cut / path.name).write_bytes(path.read_bytes())
            data = damaged.read_bytes()
            for content in (data[: len(data) // 2], data[:-7], b"", b"\0" * len(data)):
                (cut / damaged.name).write_bytes(content)
                with pytest.raises(StoreCorrupt):
                    factory.load(cut)
            (cut / damaged.name).unlink()
            with pytest.raises(StoreCorrupt):
                factory.load(cut)

    def test_eight_threads_search_at_once(self, factory):
        rng = np.random.default_rng(0)
        corpus = {
            number: [f"t{each}" for each in rng.integers(0, 200, size=15)]
            for number in range(1, 1501)
        }
        index = factory.build(passages(corpus))
        restrictions = [None, IdSelector(np.arange(1, 1500, 40)), IdSelector(np.array([5]), True)]

        def answers(number: int):
            restriction = restrictions[number % 3]
            return [
                (
                    pairs_of(index.search_weighted({f"t{each}": 1.0, "t7": 0.5}, 20, restriction)),
                    pairs_of(index.search_bm25([f"t{each}", "t7"], 20, restriction)),
                )
                for each in range(10)
            ]

        expected = [answers(number) for number in range(3)]
        with ThreadPoolExecutor(8) as pool:
            for number, found in enumerate(pool.map(answers, range(24))):
                assert found == expected[number % 3]
