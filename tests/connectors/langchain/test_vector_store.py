"""The vector store beyond the standard suite: long documents, filters, twins, errors, indexing."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import threading

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.indexing import InMemoryRecordManager, index

from rag_engine import And, Equals, In, KnowledgeBase, Range
from rag_engine.connectors.langchain import (
    RagEngineEmbeddings,
    RagEngineRetriever,
    RagEngineVectorStore,
)
from rag_engine.errors import (
    ContractMismatch,
    InvalidDocument,
    InvalidFilter,
    InvalidInput,
    StoreClosed,
    StoreReadOnly,
)
from tests.test_twin_hits import RULES

FAKE = DeterministicFakeEmbedding(size=8)
LONG = "\n\n".join(
    f"Absatz {n}. Die Pumpe Nummer {n} steht im Keller des Hauses {n} und wird gewartet."
    for n in range(1000)
)
FACTS = [
    Document("La garantie dure trois ans.", id="fr", metadata={"year": 2024, "kind": "rule"}),
    Document("退款通常在十四天内到账。", id="zh", metadata={"year": 2023, "kind": "rule"}),
    Document("The lamp is blue.", id="en", metadata={"year": 2024, "kind": "part"}),
]


@pytest.fixture
def store(tmp_path):
    with RagEngineVectorStore.open(tmp_path / "kb", embeddings=FAKE) as store:
        yield store


@pytest.fixture(scope="module")
def facts(tmp_path_factory, bundled_e5):
    path = tmp_path_factory.mktemp("facts") / "kb"
    with RagEngineVectorStore.open(path, embeddings=RagEngineEmbeddings(bundled_e5)) as store:
        store.add_documents(FACTS)
        yield store


def ids(documents):
    return [document.id for document in documents]


def test_a_question_finds_the_document_in_another_language(facts):
    assert facts.similarity_search("How long is the warranty?", k=1) == [FACTS[0]]
    assert ids(facts.similarity_search("Wann bekomme ich mein Geld zurück?", k=1)) == ["zh"]


def test_a_long_document_comes_back_whole_and_once(store):
    long = Document(LONG, id="long", metadata={"source": "keller.pdf", "pages": [1, 2]})
    store.add_documents([long, Document("Ein kurzer Satz über Lampen.", id="short")])
    passages = store.knowledge_base.inspect().chunks
    assert passages > 100
    assert store.get_by_ids(["long"]) == [long]
    found = store.similarity_search("Die Pumpe im Keller", k=2)
    assert found == [long, *store.get_by_ids(["short"])]
    assert store.similarity_search("Die Pumpe im Keller", k=1) == [long]


def test_one_long_document_does_not_crowd_the_others_out(store):
    store.add_texts([LONG, *(f"Lampe {n}" for n in range(5))], ids=["long", *"abcde"])
    found = store.similarity_search("Die Pumpe Nummer 7 steht im Keller des Hauses", k=6)
    assert sorted(ids(found)) == ["a", "b", "c", "d", "e", "long"]
    assert found[0].id == "long"


def test_translations_count_as_one_as_long_as_there_are_others(tmp_path, bundled_e5):
    texts = {f"{rule}-{code}": text for rule, its in RULES.items() for code, text in its.items()}
    embeddings = RagEngineEmbeddings(bundled_e5)
    with RagEngineVectorStore.from_texts(
        list(texts.values()), embeddings, ids=list(texts), path=tmp_path / "kb"
    ) as store:
        store.knowledge_base.publish()
        best = ids(store.similarity_search("When must the seal be replaced?", k=3))
        assert best[0] == "seal-en"
        assert len({each.split("-")[0] for each in best}) == 3
        scored = store.similarity_search_with_score("When must the seal be replaced?", k=24)
        assert sorted(ids(document for document, _ in scored)) == sorted(texts)
        scores = [score for _, score in scored]
        assert scores == sorted(scores, reverse=True)


class ByLength:
    """A reranker for which only a text's length counts."""

    name = "length"

    def score(self, question, passages):
        return np.array([len(each) for each in passages], dtype=np.float32)


def test_a_rerankers_order_stays(tmp_path, quick_components):
    components = dataclasses.replace(quick_components, reranker=ByLength())
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        store = RagEngineVectorStore(kb)
        store.add_texts([f"lamp {'x' * n}" for n in range(6)], ids=list("abcdef"))
        assert ids(store.similarity_search("lamp", k=6)) == list("fedcba")
        assert ids(store.similarity_search("lamp", k=9)) == list("fedcba")


def test_scores_are_probabilities_and_a_threshold_holds(facts):
    scored = facts.similarity_search_with_relevance_scores("How long is the warranty?", k=3)
    assert scored == facts.similarity_search_with_score("How long is the warranty?", k=3)
    scores = [score for _, score in scored]
    assert 1 >= scores[0] > scores[1] > scores[2] >= 0
    retriever = facts.as_retriever(
        search_type="similarity_score_threshold",
        search_kwargs={"k": 3, "score_threshold": (scores[0] + scores[1]) / 2},
    )
    assert ids(retriever.invoke("How long is the warranty?")) == ["fr"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Equals("year", 2024), ["en", "fr"]),
        ({"year": 2024}, ["en", "fr"]),
        ({"year": 2024, "kind": "rule"}, ["fr"]),
        (And(Range(key="year", maximum=2023), In("language", ("zh", "fr"))), ["zh"]),
        ({"year": "2024"}, []),
        (None, ["en", "fr", "zh"]),
    ],
)
def test_filters(facts, condition, expected):
    assert sorted(ids(facts.similarity_search("x", k=3, filter=condition))) == expected
    retriever = facts.as_retriever(search_kwargs={"k": 3, "filter": condition})
    assert sorted(ids(retriever.invoke("x"))) == expected


@pytest.mark.parametrize("wrong", ["year == 2024", ["year"], {"year": None}, {"bad key": 1}])
def test_what_is_no_filter_is_refused(facts, wrong):
    with pytest.raises(InvalidFilter):
        facts.similarity_search("x", filter=wrong)


def test_an_unknown_argument_is_refused_not_passed_over(facts, store):
    for call in (
        lambda: facts.similarity_search("x", where=Equals("year", 2024)),
        lambda: facts.similarity_search_with_score("x", fliter={"year": 2024}),
        lambda: facts.as_retriever(search_kwargs={"tenant": "a"}).invoke("x"),
        lambda: store.add_texts(["a"], namespace="tenant"),
        lambda: store.delete(["a"], namespace="tenant"),
    ):
        with pytest.raises(InvalidInput, match="knows no argument"):
            call()
    assert store.get_by_ids(["a"]) == []


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 1001}, {"query": " "}, {"language": "??"}])
def test_what_can_not_be_searched_is_refused(facts, wrong):
    with pytest.raises(InvalidInput):
        facts.similarity_search(**{"query": "x", "k": 1, **wrong})


def test_metadata_comes_back_as_it_was(store):
    metadata = {
        "text": "ä",
        "number": 3,
        "share": 0.5,
        "yes": True,
        "nothing": None,
        "list": ["a", 1, None],
        "nested": {"coordinates": {"points": [[1.5, 2.0]]}},
        "huge": [2**70],
        "language": "de-AT",
        "source": "https://example.org/a",
        "title": "Der Titel",
        "page": 0,
        "score": 7,
    }
    [name] = store.add_documents([Document("Ein Satz.", metadata=metadata)])
    [found] = store.get_by_ids([name])
    assert found.metadata == metadata
    assert type(found.metadata["yes"]) is bool
    assert store.similarity_search("Satz", k=1, filter={"source": metadata["source"]}) == [found]
    assert store.similarity_search("Satz", k=1, filter={"yes": True, "share": 0.5}) == [found]
    [passage] = RagEngineRetriever(knowledge_base=store.knowledge_base).invoke("Satz")
    assert {name: passage.metadata[name] for name in metadata} == metadata
    assert passage.metadata["hit_language"] == "de"
    assert not {"hit_title", "hit_source"} & passage.metadata.keys()  # they say the same


def test_what_metadata_tells_the_engine(store):
    told = {"language": "sv", "source": "skrifter/a.pdf", "title": "Priser"}
    store.add_documents([Document("4711-0815", id="a", metadata=told)])
    store.add_documents([Document("4711-0815", id="b", metadata={"language": 7, "source": " "})])
    stored = [store.knowledge_base.document(each) for each in "ab"]
    assert [each.language_hint for each in stored] == ["sv", None]
    assert [each.source for each in stored] == ["skrifter/a.pdf", "b"]
    assert [each.title for each in stored] == ["Priser", ""]


@pytest.mark.parametrize(
    "metadata",
    [
        {"when": datetime.date(2024, 1, 1)},
        {"raw": b"x"},
        {"list": [float("nan")]},
        {"number": float("inf")},
        {"huge": 2**70},
        {3: "three"},
        {"_langchain": "{}"},
        {"text": "\ud800"},
        {"list": ["\ud800"]},
    ],
)
def test_metadata_that_can_not_be_kept_is_refused_before_anything_is_added(store, metadata):
    with pytest.raises(InvalidDocument, match="'b'"):
        store.add_documents(
            [
                Document("good", id="a"),
                Document.model_construct(page_content="bad", id="b", metadata=metadata),
            ]
        )
    assert store.knowledge_base.document_ids() == []


def test_ids_that_do_not_fit(store):
    with pytest.raises(InvalidInput, match="1 ids were given for 2"):
        store.add_texts(["a", "b"], ids=["1"])
    with pytest.raises(InvalidInput, match="3 metadatas"):
        store.add_texts(["a"], [{}, {}, {}])
    with pytest.raises(InvalidDocument):
        store.add_texts(["a"], ids=[""])
    for method in (store.delete, store.get_by_ids):
        with pytest.raises(InvalidInput, match="pass a list"):
            method("abc")
    assert store.knowledge_base.document_ids() == []


def test_ids_are_given_or_made(store):
    made = store.add_texts(iter(["a", "b", "c"]), ids=["1", None, "3"])
    assert (made[0], made[2]) == ("1", "3")
    assert len(set(made)) == 3
    assert ids(store.get_by_ids(["3", made[1], "none", "1", "3"])) == ["3", made[1], "1"]
    assert store.add_documents([Document("x", id="own")], ids=["other"]) == ["other"]
    assert store.get_by_ids(["own"]) == []


def test_delete_without_ids_deletes_all(store):
    store.add_texts(["a", "b"])
    assert store.delete([]) is True
    assert len(store.knowledge_base.document_ids()) == 2
    assert store.delete() is True
    assert store.knowledge_base.document_ids() == []
    assert store.similarity_search("a") == []


def test_it_is_there_again_with_the_same_embeddings_only(tmp_path):
    path = tmp_path / "kb"
    with RagEngineVectorStore.from_documents(FACTS, FAKE, path=path) as store:
        assert store.embeddings is FAKE
        assert store.get_by_ids(["zh"]) == [FACTS[1]]
    with pytest.raises(StoreClosed):
        store.similarity_search("x")
    with RagEngineVectorStore.open(path, embeddings=FAKE, read_only=True) as reader:
        assert reader.similarity_search("The lamp is blue.", k=1) == [FACTS[2]]
        with pytest.raises(StoreReadOnly):
            reader.add_texts(["a"])
        with pytest.raises(StoreReadOnly):
            reader.delete(["zh"])
    with pytest.raises(ContractMismatch, match=r"embedder\.dimension: stored 8, given 9"):
        RagEngineVectorStore.open(path, embeddings=DeterministicFakeEmbedding(size=9))
    with pytest.raises(ContractMismatch, match="DeterministicFakeEmbedding"):
        RagEngineVectorStore.open(path)


def test_from_texts_says_what_it_needs(tmp_path):
    with pytest.raises(InvalidInput, match="path="):
        RagEngineVectorStore.from_texts(["a"], FAKE)
    with pytest.raises(InvalidInput, match="'paht'"):
        RagEngineVectorStore.from_texts(["a"], FAKE, paht="kb")
    for _ in range(2):  # the lock is free again after a failure
        with pytest.raises(InvalidInput, match="2 ids"):
            RagEngineVectorStore.from_texts(["a"], FAKE, ids=["1", "2"], path=tmp_path / "kb")


def test_a_store_over_an_open_knowledge_base(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        with RagEngineVectorStore(kb) as store:
            store.add_texts(["eins"], ids=["1"])
            assert store.embeddings is None
        assert kb.document("1").text == "eins"


async def test_async_all_the_way(tmp_path):
    with await RagEngineVectorStore.afrom_texts(["one"], FAKE, ids=["1"], path=tmp_path / "a") as s:
        await asyncio.gather(*(s.aadd_texts([f"text {n}"], ids=[f"t{n}"]) for n in range(8)))
        assert len(s.knowledge_base.document_ids()) == 9
        [(found, score)] = await s.asimilarity_search_with_score("text 3", k=1)
        assert (found.id, 0 < score <= 1) == ("t3", True)
        assert ids(await s.as_retriever(search_kwargs={"k": 1}).ainvoke("text 5")) == ["t5"]
        assert await s.adelete([f"t{n}" for n in range(8)])
        assert await s.aget_by_ids(["t1", "1"]) == [Document("one", id="1")]


class Gate(Embeddings):
    """Embeds passages only once somebody else has opened the gate."""

    def __init__(self):
        self.opened = threading.Event()

    def embed_query(self, text):
        return [1.0, 0.0]

    def embed_documents(self, texts):
        if not self.opened.wait(300):
            raise AssertionError("nobody else got to run")
        return [[0.0, 1.0] for _ in texts]


async def test_adding_does_not_hold_up_the_event_loop(tmp_path):
    gate = Gate()
    with RagEngineVectorStore.open(tmp_path / "kb", embeddings=gate) as store:
        adding = asyncio.create_task(store.aadd_texts(["a"]))
        await asyncio.sleep(0.05)
        assert not adding.done()
        gate.opened.set()
        assert len(await adding) == 1


def test_langchains_indexing_keeps_it_in_step(store):
    """``index`` of LangChain: nothing twice, what is gone is deleted, what changed is replaced."""
    records = InMemoryRecordManager(namespace="test")
    records.create_schema()

    def run(*texts):
        documents = [Document(text, metadata={"source": name}) for name, text in texts]
        done = index(
            documents,
            records,
            store,
            cleanup="full",
            source_id_key="source",
            key_encoder="sha256",
        )
        return done["num_added"], done["num_skipped"], done["num_deleted"]

    assert run(("a", "eins"), ("b", "zwei"), ("a", "eins")) == (2, 1, 0)
    assert run(("a", "eins"), ("b", "zwei")) == (0, 2, 0)
    assert run(("a", "neu")) == (1, 0, 2)
    assert [each.page_content for each in store.similarity_search("neu")] == ["neu"]
