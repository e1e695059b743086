from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_engine.connectors.lexical import milvus_bm25
from rag_engine.connectors.lexical.milvus_bm25 import MilvusLexicalFactory
from rag_engine.connectors.milvus.collection_journal import TERMS, CollectionJournal
from rag_engine.connectors.milvus.service import CollectionMissing, MilvusService
from rag_engine.errors import SettingsError, StoreCorrupt
from rag_engine.ports import AnalysedPassage, IdSelector
from rag_engine.settings import MilvusSettings
from tests.connectors.lexical.test_tantivy_index import lucene_idf
from tests.contracts.lexical_index import (
    VOCABULARY,
    LexicalIndexContract,
    brute_bm25,
    brute_weighted,
    corpora,
    pairs_of,
    passages,
    restrictions,
    weightings,
)

LITES_K1 = 1.5
"""Milvus Lite 3.2 computes with this whatever index and search ask for (1.2)."""

few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)


@pytest.fixture(scope="session")
def service(milvus_lite):
    found = MilvusService(MilvusSettings(uri=milvus_lite, prefix="words"))
    yield found
    found.close()


@pytest.fixture
def factory(service, tmp_path_factory):
    root = tmp_path_factory.mktemp("kb")
    yield MilvusLexicalFactory(service=service).bind(root)
    CollectionJournal(root, TERMS, service).clear()


class TestMilvusLexicalIndex(LexicalIndexContract):
    @pytest.fixture
    def factory(self, factory):
        return factory

    def idf(self, corpus, term):
        return lucene_idf(corpus, term)

    @few
    @given(corpus=corpora, weights=weightings, k=st.integers(1, 50), restriction=restrictions)
    def test_weighted_search_on_the_server(self, factory, corpus, weights, k, restriction):
        index = factory.build(passages(corpus))
        found = pairs_of(index.search_weighted(weights, k, restriction))
        assert found == brute_weighted(corpus, weights, k, restriction)

    # One without terms counts as one of one term in the mean length.
    @few
    @given(
        corpus=corpora.map(lambda corpus: {each: terms for each, terms in corpus.items() if terms}),
        query=st.lists(st.sampled_from([*VOCABULARY, "xx:absent"]), max_size=6),
        k=st.integers(1, 50),
        restriction=restrictions,
    )
    def test_bm25_on_the_server(self, factory, corpus, query, k, restriction):
        index = factory.build(passages(corpus))
        found = pairs_of(index.search_bm25(query, k, restriction))
        expected = (
            brute_bm25(corpus, query, lambda term: self.idf(corpus, term), restriction, LITES_K1)
            if corpus
            else {}
        )
        best = sorted(expected.values(), reverse=True)[:k]
        assert [score for _, score in found] == pytest.approx(best, rel=1e-4, abs=1e-4)
        assert {identifier for identifier, _ in found} <= expected.keys()


def test_many_are_excluded(factory, monkeypatch):
    monkeypatch.setattr(milvus_bm25, "_NAMED", 10)
    corpus = {number: ["a"] + ["b"] * (number > 50) for number in range(1, 101)}
    index = factory.build(passages(corpus))
    for restriction in (
        IdSelector(np.arange(40, 98), exclude=True),
        IdSelector(np.arange(7, 90)),
    ):
        found = pairs_of(index.search_weighted({"a": 0.25, "b": 0.5}, 20, restriction))
        assert found == brute_weighted(corpus, {"a": 0.25, "b": 0.5}, 20, restriction)


def test_passages_that_were_lost_are_noticed(factory, tmp_path):
    index = factory.build(passages({1: ["a"], 2: ["b"]}))
    index.save(tmp_path)
    factory.service.upsert(index.name, [{"id": 9, "terms": {1: 1.0}, "words": "x"}])
    with pytest.raises(StoreCorrupt, match="holds 3 passages, the knowledge base 2"):
        factory.load(tmp_path)
    factory.service.drop(index.name)
    with pytest.raises(StoreCorrupt, match="gone"):
        factory.load(tmp_path)


def test_only_two_collections_stay(factory):
    first, second, third = (factory.build(passages({1: ["a"]})) for _ in range(3))
    factory.collect_garbage(third)
    assert [each.name for each in factory._journal().entries()] == [second.name, third.name]
    with pytest.raises(CollectionMissing):
        factory.service.count(first.name)
    assert factory.service.count(second.name) == 1


def test_a_server_without_bm25_is_told(factory, monkeypatch):
    monkeypatch.setattr(MilvusService, "version", lambda _: (2, 3))
    with pytest.raises(SettingsError, match=r"is 2\.3, and BM25 comes with 2\.5.*tantivy"):
        factory.build(iter([AnalysedPassage(id=1, terms=["a"])]))


def test_the_servers_version_is_read(milvus_server):
    assert MilvusService(MilvusSettings(uri=milvus_server)).version() == (2, 3)
