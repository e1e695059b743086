from __future__ import annotations

import gc
import math
import shutil
import sys
import tempfile

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory
from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import AnalysedPassage, IdSelector
from tests.contracts.lexical_index import (
    LexicalIndexContract,
    brute_weighted,
    pairs_of,
    passages,
)


def lucene_idf(corpus, term: str) -> float:
    holding = sum(term in terms for terms in corpus.values())
    return math.log(1 + (len(corpus) - holding + 0.5) / (holding + 0.5))


class TestTantivyIndex(LexicalIndexContract):
    @pytest.fixture
    def factory(self):
        return TantivyFactory(memory_mb=15)

    def idf(self, corpus, term):
        return lucene_idf(corpus, term)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made during a test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def corpus():
    """Passages of fewer than 40 terms, a few words common and most rare."""
    rng = np.random.default_rng(7)
    return {
        number: [f"w{int(each)}" for each in rng.pareto(1.0, size=rng.integers(1, 40)) * 10]
        for number in range(5, 3005)
    }


def test_bm25_equals_that_of_rank_bm25_with_lucenes_idf(corpus):
    index = TantivyFactory().build(passages(corpus))
    oracle = BM25Okapi([*corpus.values()], k1=1.2, b=0.75)
    known = sorted(oracle.idf)
    holding = dict(zip(known, index.document_frequencies(known).tolist(), strict=True))
    oracle.idf = {
        term: math.log(1 + (len(corpus) - count + 0.5) / (count + 0.5))
        for term, count in holding.items()
    }
    for query in (["w1"], ["w0", "w12", "w55"], ["w3", "w3", "w1000", "w7"]):
        scores = oracle.get_scores(query)
        found = pairs_of(index.search_bm25(query, 100))
        best = np.sort(scores)[::-1][:100]
        assert [score for _, score in found] == pytest.approx(best, rel=1e-5)
        for identifier, score in found:
            assert score == pytest.approx(scores[identifier - 5], rel=1e-5)


def test_weighted_search_equals_that_of_rank_bm25_and_of_a_dictionary(corpus):
    one = TantivyFactory().build(passages(corpus))
    other = RankBm25Factory().build(passages(corpus))
    rng = np.random.default_rng(1)
    for number in range(30):
        weights = {
            f"w{int(each)}": float(rng.uniform(0.1, 9)) for each in rng.pareto(1.0, size=8) * 10
        }
        chosen = IdSelector(np.unique(rng.integers(5, 3005, size=10 ** (number % 4))))
        for restriction in (None, chosen, IdSelector(chosen.ids, exclude=True)):
            found = pairs_of(one.search_weighted(weights, 50, restriction))
            assert found == pairs_of(other.search_weighted(weights, 50, restriction))
            expected = brute_weighted(corpus, weights, 50, restriction)
            best = [score for _, score in expected]
            assert [score for _, score in found] == pytest.approx(best, abs=1e-4)


def test_an_index_of_several_segments(tmp_path):
    many = {
        number: [*(f"x{number * 100 + each}" for each in range(100)), f"y{number % 2000}"]
        for number in range(1, 6001)
    }
    built = TantivyFactory(memory_mb=15).build(passages(many))
    assert built._searcher.num_segments > 1
    built.save(tmp_path)
    for index in (built, TantivyFactory().load(tmp_path)):
        assert len(index) == 6000
        assert index.search_weighted({"y77": 1.0}, 9).ids.tolist() == [77, 2077, 4077]
        only = IdSelector(np.array([5, 77, 4077]))
        assert index.search_bm25(["y77"], 9, only).ids.tolist() == [77, 4077]


def test_loading_from_a_folder_that_goes_away_and_without_leaving_a_trace(tmp_path, temporary):
    corpus = {number: ["a", f"t{number}"] for number in range(1, 50)}
    folder = tmp_path / "index"
    folder.mkdir()
    factory = TantivyFactory()
    index = factory.build(passages(corpus))
    assert len([*temporary.iterdir()]) == 1
    index.save(folder)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    loaded = factory.load(folder)
    assert [*temporary.iterdir()] == []
    shutil.rmtree(folder)
    assert index.search_weighted({"t7": 1.0}, 5).ids.tolist() == [7]
    assert loaded.search_weighted({"t7": 1.0}, 5).ids.tolist() == [7]
    assert loaded.document_frequencies(["a"]).tolist() == [49]


def test_an_index_that_is_not_saved_takes_its_files_with_it(temporary):
    index = TantivyFactory().build(passages({1: ["a"]}))
    assert len([*temporary.iterdir()]) == 1
    del index
    gc.collect()
    assert [*temporary.iterdir()] == []


def test_passages_that_can_not_be_read_leave_nothing_behind(temporary):
    def broken():
        yield AnalysedPassage(id=1, terms=("a",))
        raise RuntimeError("the catalogue went away")

    with pytest.raises(RuntimeError, match="went away"):
        TantivyFactory().build(broken())
    assert [*temporary.iterdir()] == []


def test_only_an_index_on_disk_can_be_saved_and_once(tmp_path):
    in_memory = TantivyFactory().build(passages({1: ["a"]}), in_memory=True)
    saved = TantivyFactory().build(passages({1: ["a"]}))
    saved.save(tmp_path)
    for index in (in_memory, saved, TantivyFactory().load(tmp_path)):
        with pytest.raises(InvalidInput, match="in_memory=False"):
            index.save(tmp_path)


def test_too_little_memory():
    with pytest.raises(InvalidInput, match="14"):
        TantivyFactory(memory_mb=14)


def test_without_tantivy(monkeypatch):
    monkeypatch.setitem(sys.modules, "tantivy", None)
    with pytest.raises(MissingExtra, match=r"rag-engine\[cpu\]"):
        TantivyFactory()
