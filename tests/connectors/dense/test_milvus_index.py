from __future__ import annotations

import itertools
import json

import numpy as np
import pymilvus
import pytest
from hypothesis import HealthCheck, given, settings

from rag_engine.connectors.dense import milvus_index
from rag_engine.connectors.dense.exact_index import ExactIndexFactory
from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
from rag_engine.connectors.milvus import vector_rows
from rag_engine.connectors.milvus.collection_journal import VECTORS, CollectionJournal
from rag_engine.connectors.milvus.expressions import compile_expression
from rag_engine.connectors.milvus.service import CollectionMissing, MilvusService
from rag_engine.errors import (
    ServiceError,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
    StoreCorrupt,
)
from rag_engine.filters import And, Equals, In, Not
from rag_engine.ports import ChunkFields, IdSelector
from rag_engine.settings import MilvusSettings
from tests.contracts.dense_index import (
    DenseIndexContract,
    brute_force,
    searches,
    spaced_ids,
    unit_vectors,
)
from tests.contracts.filters import VALUES, matches, trees

HOSTILE = [
    'a" or id > 0 or "',
    "a' or '1'=='1",
    '\\" or id >= 0 //',
    "\\",
    '"]}) drop',
    "{id}",
    "%",
    "日本語 «é»\n\t\r",
    "\u2028\u202e",
    "${x}",
    "a\x00b",
    "\b\f\x1b[31m",
    "id",
    "",
]


UNWRITABLE = set("\x00\b\f\x1b")


@pytest.fixture(scope="module", params=["lite", "server"])
def service(request):
    uri = request.getfixturevalue(f"milvus_{request.param}")
    found = MilvusService(MilvusSettings(uri=uri, prefix="tests"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def lite(milvus_lite):
    found = MilvusService(MilvusSettings(uri=milvus_lite, prefix="tests"))
    yield found
    found.close()


@pytest.fixture
def on_lite(lite, tmp_path):
    """A factory for what does not depend on the server."""
    yield MilvusIndexFactory(service=lite).bind(tmp_path, lambda _: {})
    CollectionJournal(tmp_path, VECTORS, lite).clear()


@pytest.fixture
def factory(service, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(milvus_index, "_COMPARED", 0)  # ask Milvus even of a handful
    root = tmp_path_factory.mktemp("kb")
    yield MilvusIndexFactory(service=service).bind(root, lambda _: {})
    CollectionJournal(root, VECTORS, service).clear()


class TestMilvusIndex(DenseIndexContract):
    exact = False

    @pytest.fixture
    def factory(self, factory):
        return factory

    @settings(
        max_examples=4,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(case=searches())
    def test_finds_what_brute_force_finds(self, factory, case):
        self.check_search(factory, case)


def recall(index, ids, vectors, queries, k, restriction=None):
    rankings = index.search(queries, k, restriction)
    found = sum(
        len(
            {each for each, _ in brute_force(ids, vectors, query, k, restriction)}
            & set(ranking.ids.tolist())
        )
        for query, ranking in zip(queries, rankings, strict=True)
    )
    return found / (k * len(queries))


def fields_of_thousand(ids):
    return {
        each: ChunkFields(
            language="de" if each % 2 else "fr",
            document={"document_id": f"d{each}", "title": "", "source": ""},
            metadata={"tenth": each % 10, "rare": each % 100 == 0},
        )
        for each in ids.tolist()
    }


def test_recall_with_and_without_filters(factory, tmp_path):
    ids = np.arange(1, 3_001, dtype=np.int64)
    vectors = unit_vectors(3_000, 48, clusters=30)
    queries = unit_vectors(20, 48, seed=5, clusters=30)
    index = factory.bind(tmp_path, fields_of_thousand).build(ids, vectors)
    try:
        assert index.filterable
        assert recall(index, ids, vectors, queries, 10) >= 0.98
        for where, chosen in (
            (Equals("language", "de"), ids[ids % 2 == 1]),
            (And(Equals("tenth", 3), Not(Equals("language", "fr"))), ids[ids % 10 == 3]),
            (Equals("rare", True), ids[ids % 100 == 0]),
        ):
            restriction = IdSelector(chosen, where=where)
            assert recall(index, ids, vectors, queries, 10, restriction) >= 0.95
    finally:
        CollectionJournal(tmp_path, VECTORS, factory.service).clear()


@pytest.fixture(scope="module")
def filtered(service, tmp_path_factory):
    """A collection of odd fields, and the same fields in plain Python."""
    values = [*VALUES, *HOSTILE]
    known = {}
    for number in range(1, 81):
        metadata = {
            key: values[(number * step) % len(values)]
            for key, step in (("alpha", 1), ("beta", 3))
            if number % (step + 3)
        }
        document = {"document_id": f"d{number}", "title": values[number % 2], "source": "s"}
        if number % 3:
            document["page"] = number % 3
        known[number] = ChunkFields(
            language=["de", "x", "1"][number % 3], document=document, metadata=metadata
        )
    root = tmp_path_factory.mktemp("filtered")
    factory = MilvusIndexFactory(service=service).bind(root, lambda ids: known)
    index = factory.build(np.arange(1, 81, dtype=np.int64), unit_vectors(80))
    yield (
        index,
        {
            number: {**each.metadata, **each.document, "language": each.language}
            for number, each in known.items()
        },
    )
    service.drop(index.name)


def chosen_by(service, index, where) -> set[int]:
    client = pymilvus.MilvusClient(uri=service.uri)
    rows = client.query(index.name, filter=compile_expression(where), output_fields=["id"])
    return {row["id"] for row in rows}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(where=trees)
def test_an_expression_never_hides_what_a_filter_means(service, filtered, where):
    index, fields = filtered
    expected = {number for number, values in fields.items() if matches(where, values)}
    assert chosen_by(service, index, where) >= expected


@pytest.mark.parametrize("value", [*VALUES, *HOSTILE])
def test_hostile_values_mean_themselves(service, filtered, value):
    index, fields = filtered
    for where in (Equals("alpha", value), In("beta", (value, "no such")), Equals("title", value)):
        expected = {number for number, values in fields.items() if matches(where, values)}
        found = chosen_by(service, index, where)
        if isinstance(value, str) and not UNWRITABLE & set(value):
            assert found == expected
        elif isinstance(value, str):  # Milvus is not asked: the catalogue decides
            assert found >= expected
        else:  # a number and a truth value may be taken for each other
            assert (
                expected
                <= found
                <= expected
                | {
                    number
                    for number, values in fields.items()
                    if any(values.get(key) in {0, 1} for key in ("alpha", "beta"))
                }
            )


def collections(service) -> set[str]:
    return set(pymilvus.MilvusClient(uri=service.uri).list_collections())


def names(factory):
    return [
        each.name for each in CollectionJournal(factory.root, VECTORS, factory.service).entries()
    ]


def test_it_is_of_one_server_and_one_knowledge_base(on_lite, tmp_path):
    assert isinstance(on_lite.local, ExactIndexFactory)
    assert on_lite.bind(tmp_path, lambda _: {}).root == tmp_path
    assert on_lite.kind == f"milvus {on_lite.service.uri}"


def test_only_two_collections_stay(on_lite):
    ids, vectors = spaced_ids(5), unit_vectors(5)
    first, second, third = (on_lite.build(ids, vectors) for _ in range(3))
    on_lite.collect_garbage(third)
    there = collections(on_lite.service)
    assert first.name not in there
    assert {second.name, third.name} <= set(there)
    assert names(on_lite) == [second.name, third.name]


def test_what_a_kill_left_is_swept(on_lite):
    ids, vectors = spaced_ids(5), unit_vectors(5)
    current = on_lite.build(ids, vectors)
    left, _ = CollectionJournal(on_lite.root, VECTORS, on_lite.service).begin("some contents")
    on_lite.service.create(left, lambda *given: vector_rows.add_fields(16, *given))
    never_made, _ = CollectionJournal(on_lite.root, VECTORS, on_lite.service).begin("others")
    on_lite.collect_garbage(current)
    assert names(on_lite) == [current.name]
    assert {left, never_made}.isdisjoint(collections(on_lite.service))


def test_a_copy_does_not_touch_the_others_collections(on_lite, tmp_path):
    index = on_lite.build(spaced_ids(5), unit_vectors(5))
    copy = tmp_path / "copy"
    copy.mkdir()
    journal = on_lite.root / VECTORS
    (copy / VECTORS).write_text(journal.read_text(encoding="utf-8"), encoding="utf-8")
    other = on_lite.bind(copy, lambda _: {})
    theirs = other.build(spaced_ids(5), unit_vectors(5))
    other.collect_garbage(theirs)
    assert {index.name, theirs.name} <= set(collections(on_lite.service))
    on_lite.service.drop(theirs.name)


def test_a_collection_that_lost_rows_is_refused(factory, tmp_path):
    ids, vectors = spaced_ids(40), unit_vectors(40)
    index = factory.build(ids, vectors)
    index.save(tmp_path)
    client = pymilvus.MilvusClient(uri=factory.service.uri)
    client.delete(index.name, ids=ids[:3].tolist())
    with pytest.raises(StoreCorrupt, match="holds 37 rows, the knowledge base 40"):
        factory.load(tmp_path, ids, vectors)


def test_a_collection_of_other_vectors_is_refused(factory, tmp_path):
    ids = spaced_ids(40)
    factory.build(ids, unit_vectors(40)).save(tmp_path)
    with pytest.raises(StoreCorrupt, match="another vector"):
        factory.load(tmp_path, ids, unit_vectors(40, seed=9))


def test_a_collection_that_is_gone(factory, tmp_path, caplog):
    ids, vectors = spaced_ids(40), unit_vectors(40)
    index = factory.build(ids, vectors)
    index.save(tmp_path)
    factory.service.drop(index.name)
    factory.service.drop(index.name)  # twice is no error
    with pytest.raises(StoreCorrupt, match="gone"):
        factory.load(tmp_path, ids, vectors)
    # One that is searched already goes on without it, exactly.
    [ranking] = index.search(vectors[:1], 3)
    assert ranking.ids.tolist() == [each for each, _ in brute_force(ids, vectors, vectors[0], 3)]
    assert "comparing all vectors here" in caplog.text


@pytest.mark.parametrize("after", [0, 1, 3])
def test_filling_goes_on_where_it_stopped(factory, monkeypatch, after):
    monkeypatch.setattr(milvus_index, "_AGAIN", 10)
    monkeypatch.setattr(MilvusService, "batch_bytes", 4 * 16 * 20)  # 20 rows
    ids, vectors = spaced_ids(100), unit_vectors(100)
    real, sent = MilvusService.upsert, []

    def upsert(self, name, rows):
        if len(sent) == after:
            raise ServiceTimeout("no")
        sent.append(len(rows))
        real(self, name, rows)

    monkeypatch.setattr(MilvusService, "upsert", upsert)
    with pytest.raises(ServiceTimeout):
        factory.build(ids, vectors)
    [begun] = names(factory)
    done = sum(sent)
    assert (done > 0) == (after > 0)
    sent.clear()
    after = -1
    index = factory.build(ids, vectors)
    assert index.name == begun
    assert sum(sent) == 100 - max(0, done - 10)
    assert factory.service.count(begun) == 100
    assert [each.ids.tolist() for each in index.search(vectors, 1)] == [[each] for each in ids]
    # The same once more is a collection of its own: this one is searched and never changes.
    assert factory.build(ids, vectors).name != begun


def test_fields_that_find_no_room_are_not_filtered_by(on_lite, tmp_path):
    ids, vectors = spaced_ids(30), unit_vectors(30)
    long = ChunkFields(language="de", metadata={"note": "x" * 70_000})
    short = ChunkFields(language="de", document={"document_id": "d"})
    some = on_lite.bind(
        tmp_path, lambda ids_: dict.fromkeys(ids_.tolist(), short) | {int(ids[3]): long}
    )
    index = some.build(ids, vectors)
    assert not index.filterable
    restriction = IdSelector(ids[3:4], where=Equals("note", "x" * 70_000))
    assert index.search(vectors[:1], 5, restriction)[0].ids.tolist() == [int(ids[3])]
    on_lite.service.drop(index.name)


def test_batches_keep_to_their_bytes():
    rows = [({"id": n}, size) for n, size in enumerate([3, 3, 5, 20, 1])]
    batches = list(vector_rows.in_batches(rows, 8))
    assert [[data["id"] for data, _ in batch] for batch in batches] == [[0, 1], [2], [3], [4]]
    assert list(vector_rows.in_batches([], 8)) == []


@pytest.mark.parametrize(
    "uri",
    ["", "localhost", "http://", "http://a:b@host:1", "ftp://x", "http://h/?token=x", "/tmp/x"],
)
def test_addresses_that_are_none(uri):
    with pytest.raises(SettingsError, match=r"milvus\.uri"):
        MilvusService(MilvusSettings(uri=uri))


def test_a_prefix_that_no_name_may_have():
    with pytest.raises(SettingsError, match="prefix"):
        MilvusService(MilvusSettings(prefix="1 x"))


def test_nobody_listens(monkeypatch):
    monkeypatch.setattr("rag_engine.connectors.milvus.service._TRIES", 0)
    service = MilvusService(MilvusSettings(uri="http://127.0.0.1:9", timeout_s=1))
    with pytest.raises((ServiceUnreachable, ServiceTimeout)):
        service.count("any")


def test_errors_are_typed(service):
    with pytest.raises(CollectionMissing):
        service.count("no_such_collection")
    with pytest.raises(CollectionMissing):
        service.upsert("no_such_collection", [{"id": 1}])


def test_a_row_that_does_not_fit_is_refused(factory):
    index = factory.build(spaced_ids(5), unit_vectors(5))
    with pytest.raises(ServiceError):
        factory.service.upsert(index.name, [{"id": 1, "vector": [1.0], "language": "x"}])


def test_the_token_is_told_nobody(monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_MILVUS_TOKEN", "root:very-secret")
    monkeypatch.setattr("rag_engine.connectors.milvus.service._TRIES", 0)
    service = MilvusService(MilvusSettings(uri="http://127.0.0.1:9", timeout_s=1))
    with pytest.raises(ServiceError) as caught:
        service.count("any")
    assert "very-secret" not in f"{caught.value!r} {service!r}"


def test_limits_are_tried_again(service, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    failures = itertools.repeat(pymilvus.MilvusException(8, "rate limit exceeded"), 2)

    def limited(client):
        for failure in failures:
            raise failure
        return client.list_collections()

    assert set(service._ask(limited)) == collections(service)


@pytest.mark.parametrize("wrong", [3, [3], [{"name": "x"}], None])
def test_a_damaged_journal_is_told(lite, tmp_path, wrong):
    (tmp_path / VECTORS).write_text(json.dumps({"collections": wrong}), encoding="utf-8")
    with pytest.raises(StoreCorrupt, match="damaged"):
        CollectionJournal(tmp_path, VECTORS, lite).entries()


def test_a_journal_leaves_other_servers_alone(lite, tmp_path):
    journal = CollectionJournal(tmp_path, VECTORS, lite)
    name, _ = journal.begin("contents")
    elsewhere = CollectionJournal(
        tmp_path, VECTORS, MilvusService(MilvusSettings(uri="http://127.0.0.1:9"))
    )
    theirs, begun = elsewhere.begin("contents")
    assert not begun
    journal.clear()
    assert [each.name for each in elsewhere.entries()] == [theirs] != [name]
    assert journal.entries() == []


def test_what_was_begun_and_is_damaged_is_begun_anew(on_lite):
    ids, vectors = spaced_ids(30), unit_vectors(30)
    name, _ = on_lite._journal().begin(vector_rows.vectors_digest(ids, vectors))
    on_lite.service.create(name, lambda *given: vector_rows.add_fields(16, *given))
    stranger = {"id": 5, "vector": vectors[0], "language": "", "document": {}, "metadata": {}}
    on_lite.service.upsert(name, [stranger])
    index = on_lite.build(ids, vectors)
    assert index.name != name
    assert names(on_lite) == [index.name]
    assert on_lite.service.count(index.name) == 30
