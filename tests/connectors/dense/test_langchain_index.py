"""The dense index over LangChain's own store in memory, and over stores that misbehave."""

from __future__ import annotations

import importlib
import logging
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from rag_engine import Document as EngineDocument
from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors.dense import langchain_index
from rag_engine.connectors.dense.langchain_index import LangChainIndexFactory
from rag_engine.errors import (
    InvalidInput,
    ServiceError,
    ServiceUnreachable,
    SettingsError,
    StoreCorrupt,
)
from rag_engine.ports import IdSelector
from tests.contracts.dense_index import (
    DenseIndexContract,
    brute_force,
    quick,
    searches,
    spaced_ids,
    unit_vectors,
)
from tests.doubles import HashEmbedder


class Server:
    """Collections that live as long as a test, by their names, as those of a server do."""

    def __init__(self, kind=InMemoryVectorStore):
        self.kind = kind
        self.stores = {}

    def __call__(self, embeddings, name):
        store = self.stores.setdefault(name, self.kind(embeddings))
        store.embedding = embeddings
        return store

    def sizes(self):
        return sorted(len(store.store) for store in self.stores.values())


def of_unit_length(case):
    """LangChain's stores compare directions: rows of 16 quarters, whose products are exact."""
    ids, vectors, queries, k, restriction = case
    wide = [
        np.where(np.stack([np.resize(row, 16) for row in rows]) > 0, 0.25, -0.25)
        for rows in (vectors, queries)
    ]
    return ids, wide[0].astype(np.float32), wide[1].astype(np.float32), k, restriction


quick_and_few = settings(quick, max_examples=8)


class LangChainContract(DenseIndexContract):
    """The contract of dense indexes, with the store asked even of a handful; give ``make``."""

    exact = False

    @pytest.fixture
    def factory(self, make, tmp_path_factory, monkeypatch):
        monkeypatch.setattr(langchain_index, "_COMPARED", 0)
        monkeypatch.setattr(langchain_index, "_COMPARED_TOGETHER", 0)
        root = tmp_path_factory.mktemp("kb")
        return LangChainIndexFactory(make=make, store="tests:make", patience_s=0).bind(root, dict)

    @quick_and_few
    @given(case=searches())
    def test_finds_what_brute_force_finds(self, factory, case):
        self.check_search(factory, of_unit_length(case))

    def test_eight_threads_search_at_once(self, factory):
        ids, vectors = spaced_ids(200), unit_vectors(200, 32, clusters=20)
        index = factory.build(ids, vectors)
        restrictions = [None, IdSelector(ids[::2]), IdSelector(ids[:150], exclude=True)]

        def answers(number):
            allowed = restrictions[number % 3]
            return [index.search(query[np.newaxis], 10, allowed)[0].ids for query in vectors[:8]]

        expected = [answers(number) for number in range(3)]
        with ThreadPoolExecutor(8) as pool:
            for number, found in enumerate(pool.map(answers, range(24))):
                assert np.array_equal(found, expected[number % 3])


class TestInMemory(LangChainContract):
    @pytest.fixture
    def make(self):
        return Server()


def built(make, root, count=60, **options):
    """A factory, an index that is asked even of a handful, and what it holds."""
    factory = LangChainIndexFactory(make=make, store="tests:make", patience_s=0, **options)
    factory = factory.bind(root, dict)
    ids, vectors = spaced_ids(count), unit_vectors(count)
    return factory, factory.build(ids, vectors), ids, vectors


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(langchain_index, "_COMPARED", 0)
    monkeypatch.setattr(langchain_index, "_COMPARED_TOGETHER", 0)


def found(index, query, k=10, allowed=None):
    ranking = index.search(query[np.newaxis], k, allowed)[0]
    return list(zip(ranking.ids.tolist(), ranking.scores.round(4).tolist(), strict=True))


def oracle(ids, vectors, query, k=10, allowed=None):
    pairs = brute_force(ids, vectors, query, k, allowed)
    return [(each, pytest.approx(score, abs=1e-3)) for each, score in pairs]


@pytest.mark.usefixtures("asked")
def test_the_store_is_asked_and_holds_names_and_vectors_alone(tmp_path, monkeypatch):
    server = Server()
    _, index, ids, vectors = built(server, tmp_path)
    [store] = server.stores.values()
    token = index.rows.token
    rows = list(store.store.values())
    assert {row["text"] for row in rows} == {f"{token}:{row}" for row in range(60)}
    assert all(row["metadata"] == {"rows": token} for row in rows)
    asked_for = []

    def nothing(query, limit):
        asked_for.append(limit)
        return np.empty(0, np.intp)

    monkeypatch.setattr(index, "_met", nothing)
    index.search(vectors[:1], 10)
    index.search(vectors[:1], 10, IdSelector(ids[::3]))
    assert asked_for == [12, 36]  # a third is allowed: three times as many are looked at


@pytest.mark.usefixtures("asked")
def test_rows_of_others_are_passed_over(tmp_path):
    server = Server()
    _, index, ids, vectors = built(server, tmp_path)
    [store] = server.stores.values()
    with store.embedding.handing(
        ["theirs", "0000:3", ":", f"{index.rows.token}:9999"], vectors[:4]
    ):
        store.add_texts(["theirs", "0000:3", ":", f"{index.rows.token}:9999"])
    assert found(index, vectors[0]) == oracle(ids, vectors, vectors[0])
    assert index.missing() is None
    assert index._store.near("0000", vectors[1], 64).tolist() == [3]
    assert index._store.near("nobody", vectors[1], 64).tolist() == []


@pytest.mark.usefixtures("asked")
def test_a_store_that_lost_everything_while_it_was_searched(tmp_path, caplog):
    server = Server()
    factory, index, ids, vectors = built(server, tmp_path)
    (tmp_path / "saved").mkdir()
    index.save(tmp_path / "saved")
    [store] = server.stores.values()
    store.store.clear()
    with caplog.at_level(logging.WARNING):
        for query in vectors[:3]:
            assert found(index, query) == oracle(ids, vectors, query)
    assert caplog.text.count("gave 0 of 12 rows") == 1
    with pytest.raises(StoreCorrupt, match="does not find row 0 of 60"):
        factory.load(tmp_path / "saved", ids, vectors)


@pytest.mark.usefixtures("asked")
def test_a_restriction_costs_no_recall(tmp_path):
    _, index, ids, vectors = built(Server(), tmp_path, 300)
    for allowed in (IdSelector(ids[::50]), IdSelector(ids[:290], exclude=True), IdSelector(ids)):
        for query in unit_vectors(5, seed=3):
            expected = oracle(ids, vectors, query, allowed=allowed)
            assert found(index, query, allowed=allowed) == expected


def test_generations_share_three_collections(tmp_path):
    server = Server()
    factory, index, ids, vectors = built(server, tmp_path)
    for count in (50, 40, 30, 20):
        factory.collect_garbage(index)
        index = factory.build(ids[:count], vectors[:count])
    factory.collect_garbage(index)
    assert len(server.stores) == 3
    assert server.sizes() == [0, 20, 30]  # and the one before, which readers may still search


def test_what_a_kill_left_behind_is_deleted(tmp_path):
    server = Server()
    factory, index, _, vectors = built(server, tmp_path)

    class Killed(BaseException):
        pass

    def cut(rows):
        if rows.start:
            raise Killed
        return vectors[:20]

    class Rows:
        shape = (512, 16)

        def __getitem__(self, rows):
            return cut(rows)

    with pytest.raises(Killed):
        factory.build(spaced_ids(512), Rows())
    assert server.sizes() == [20, 60]
    factory.collect_garbage(index)
    assert server.sizes() == [0, 60]
    assert [each.filled for each in factory._journal().entries()] == [True, False]


def test_a_copy_leaves_the_collections_of_the_other_alone(tmp_path):
    server = Server()
    (tmp_path / "one").mkdir()
    factory, index, ids, vectors = built(server, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    other = factory.bind(tmp_path / "copy", dict)
    other.collect_garbage(other.build(ids[:9], vectors[:9]))
    assert server.sizes() == [9, 60]
    assert index.missing() is None


class WithoutSearchByVector(InMemoryVectorStore):
    similarity_search_by_vector = VectorStore.similarity_search_by_vector

    def similarity_search(self, query, k=4, **kwargs):
        vector = self.embedding.embed_query(query)
        return [each for each, _ in self.similarity_search_with_score_by_vector(vector, k)]


@pytest.mark.usefixtures("asked")
def test_a_store_that_takes_no_vectors_is_asked_by_a_text(tmp_path):
    _, index, ids, vectors = built(Server(WithoutSearchByVector), tmp_path)
    for query in unit_vectors(5, seed=3):
        assert found(index, query) == oracle(ids, vectors, query)


class Backwards(InMemoryVectorStore):
    def similarity_search_by_vector(self, embedding, k=4, **kwargs):
        return super().similarity_search_by_vector([-each for each in embedding], k)


class NearAndThenAnything(InMemoryVectorStore):
    def similarity_search_by_vector(self, embedding, k=4, **kwargs):
        return [
            *super().similarity_search_by_vector(embedding, 1),
            *super().similarity_search_by_vector([-each for each in embedding], k - 1),
        ]


class Shouting(InMemoryVectorStore):
    def add_texts(self, texts, metadatas=None, *, ids=None, **kwargs):
        return super().add_texts([f"{text}!" for text in texts], metadatas, ids=ids)


class NamingItself(InMemoryVectorStore):
    def add_texts(self, texts, metadatas=None, *, ids=None, **kwargs):
        return super().add_texts(texts, metadatas)


class WithoutDelete(InMemoryVectorStore):
    delete = VectorStore.delete


class Down(InMemoryVectorStore):
    def add_texts(self, texts, metadatas=None, *, ids=None, **kwargs):
        raise ConnectionError("no route to host")


def unreachable(embeddings):
    raise ConnectionError("connection refused")


@pytest.mark.parametrize(
    ("kind", "error", "told"),
    [
        (Backwards, ServiceError, "does not find row 0 of 60"),
        (NearAndThenAnything, SettingsError, "compare by cosine"),
        (Shouting, InvalidInput, "changes texts"),
        (NamingItself, SettingsError, "choose a store that takes ids"),
        (WithoutDelete, SettingsError, r"has no delete\(ids\)"),
        (Down, ServiceUnreachable, "no route to host"),
        (unreachable, ServiceUnreachable, "connection refused"),
        (lambda _: None, SettingsError, "made a NoneType"),
    ],
)
def test_a_store_that_can_not_be_made_right_is_refused(tmp_path, kind, error, told):
    def make(embeddings, name):
        return kind(embeddings)

    with pytest.raises(error, match=told):
        built(make, tmp_path)


def test_a_store_is_waited_for(tmp_path):
    class Slow(InMemoryVectorStore):
        asked = 0

        def similarity_search_by_vector(self, embedding, k=4, **kwargs):
            Slow.asked += 1
            return super().similarity_search_by_vector(embedding, k) if Slow.asked > 2 else []

    factory = LangChainIndexFactory(make=Server(Slow), store="tests:make").bind(tmp_path, dict)
    assert factory.build(spaced_ids(9), unit_vectors(9)).missing() is None


def test_the_kind_names_the_store_and_its_options():
    plain = LangChainIndexFactory(make=Server(), store="a:b")
    assert plain.kind == "langchain a:b"
    assert replace(plain, options={"url": "x"}).kind == 'langchain a:b {"url": "x"}'


MODULE = """
from langchain_core.vectorstores import InMemoryVectorStore

STORES = {}

def make(embeddings, name, tenant=""):
    store = STORES.setdefault((tenant, name), InMemoryVectorStore(embeddings))
    store.embedding = embeddings
    return store
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_stores.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_stores", raising=False)
    return importlib.import_module("my_stores")


def settings_with(**dense):
    table = {"kind": "langchain", "store": "my_stores:make", **dense}
    return Settings.checked({"dense": table}, origin="rag.toml")


@pytest.mark.usefixtures("asked")
def test_a_knowledge_base_in_a_store(tmp_path, module):
    own = HashEmbedder(24)
    chosen = settings_with(options={"tenant": "t"})
    texts = {f"d{number}": f"Ware Nummer {number}" for number in range(60)}

    def answer(kb):
        return [hit.chunk.document_id for hit in kb.search("Ware Nummer 7", k=3)]

    with KnowledgeBase.open(tmp_path / "kb", settings=chosen, embedder=own) as kb:
        kb.add([EngineDocument(id=each, text=text) for each, text in texts.items()])
        kb.publish()
        first = answer(kb)
        assert first[0] == "d7"
        kb.delete(["d7"])
        assert "d7" not in answer(kb)
    assert {tenant for tenant, _ in module.STORES} == {"t"}
    for store in module.STORES.values():
        store.store.clear()  # the server was set up anew
    with KnowledgeBase.open(tmp_path / "kb", settings=chosen, embedder=own) as kb:
        assert "d7" not in answer(kb)
        assert kb.inspect().dense.startswith("langchain my_stores:make")
    assert sorted(len(store.store) for store in module.STORES.values())[-1] == 59
    with pytest.raises(SettingsError, match="may come from anybody"):
        KnowledgeBase.open(tmp_path / "kb", embedder=own)


@pytest.mark.parametrize(
    ("dense", "told"),
    [
        ({"store": "my_stores"}, r"dense\.store: it is 'module:function'"),
        ({"store": "my_stores:other"}, "holds no 'other'"),
        ({"store": "no_such:make"}, "there is no module 'no_such'"),
        ({"options": {"tennant": "t"}}, r"'tennant'; it takes \(embeddings, name, tenant=''\)"),
        ({"m": 16}, "is not used by kind = 'langchain'"),
    ],
)
@pytest.mark.usefixtures("module")
def test_settings_that_name_no_store(tmp_path, dense, told):
    def opened():
        chosen = settings_with(**dense)
        with KnowledgeBase.open(tmp_path / "kb", settings=chosen, embedder=HashEmbedder(8)) as kb:
            kb.add([EngineDocument(id="1", text="eins")])
            kb.publish()

    with pytest.raises(SettingsError, match=told):
        opened()
