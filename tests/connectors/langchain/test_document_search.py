"""The vector store's other searches: by marginal relevance, by a vector, awaited; its scores."""

from __future__ import annotations

import asyncio
import threading

import pytest
from langchain_core.documents import Document

from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors.langchain import RagEngineEmbeddings, RagEngineVectorStore
from rag_engine.errors import InvalidFilter, InvalidInput, InvalidVectors
from rag_engine.workers import WorkerThreads
from tests.conftest import components_with
from tests.doubles import HashEmbedder

QUESTION = "How long is the warranty?"
FACTS = {
    "purchase": "The warranty lasts three years from the day of purchase.",
    "achat": "La garantie dure trois ans à partir de la date d'achat, pour toutes les pompes.",
    "counted": "Three years of warranty are given, counted from the purchase date.",
    "receipt": "Warranty claims are sent with the receipt to the office in Bremen.",
    "seals": "Wear parts such as seals are excluded from the warranty.",
    "refund": "Refunds usually arrive within fourteen days.",
    "lamp": "The lamp is blue.",
    "pump": "Die Pumpe steht im Keller.",
}
SAME = {"purchase", "achat", "counted"}


@pytest.fixture(scope="module")
def store(tmp_path_factory, bundled_e5):
    path = tmp_path_factory.mktemp("searches") / "kb"
    every = Settings.model_validate({"retrieval": {"group_twins": False}})
    embeddings = RagEngineEmbeddings(bundled_e5)
    with RagEngineVectorStore.open(path, embeddings=embeddings, settings=every) as store:
        numbered = [{"number": number} for number in range(len(FACTS))]
        store.add_texts(list(FACTS.values()), numbered, ids=list(FACTS))
        yield store


def ids(documents):
    return [document.id for document in documents]


def test_marginal_relevance_says_each_thing_once(store):
    plain = ids(store.similarity_search(QUESTION, k=3))
    assert set(plain) == SAME
    diverse = store.max_marginal_relevance_search(QUESTION, k=3)
    assert ids(diverse)[0] == plain[0]
    assert len(SAME & set(ids(diverse))) == 1
    assert diverse[0] == store.get_by_ids(plain[:1])[0]


def test_its_weights_lead_from_the_order_of_relevance_to_what_is_least_alike(store):
    def found(**options):
        return ids(store.max_marginal_relevance_search(QUESTION, k=8, **options))

    ranked = ids(store.similarity_search(QUESTION, k=8))
    assert found(lambda_mult=1) == ranked
    assert found(lambda_mult=0)[0] == ranked[0]
    assert set(found(lambda_mult=0)[-2:]) <= SAME
    assert sorted(found(lambda_mult=0.5)) == sorted(ranked)


def test_it_chooses_among_those_that_were_fetched(store):
    ranked = ids(store.similarity_search(QUESTION, k=4))
    search = store.max_marginal_relevance_search
    assert sorted(ids(search(QUESTION, k=4, fetch_k=4, lambda_mult=0))) == sorted(ranked)
    assert ids(search(QUESTION, k=4, fetch_k=2, lambda_mult=1)) == ranked
    few = search(QUESTION, k=3, filter={"number": {"$lt": 2}})
    assert sorted(ids(few)) == ["achat", "purchase"]


def test_a_long_document_is_one_candidate(tmp_path, bundled_e5):
    embeddings = RagEngineEmbeddings(bundled_e5)
    with RagEngineVectorStore.open(tmp_path / "kb", embeddings=embeddings) as store:
        long = "\n\n".join(f"The warranty of pump {n} lasts {n} years. " * 12 for n in range(2, 30))
        store.add_texts([long, FACTS["receipt"], FACTS["lamp"]], ids=["long", "receipt", "lamp"])
        found = store.max_marginal_relevance_search(QUESTION, k=3, fetch_k=3)
        assert sorted(ids(found)) == ["lamp", "long", "receipt"]


def test_without_centring_likeness_is_that_of_the_vectors(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb", components=components_with(HashEmbedder())) as kb:
        kb_store = RagEngineVectorStore(kb)
        kb_store.add_texts(["lamp", "lamp", "cat"], ids=["a", "b", "c"])
        assert ids(kb_store.max_marginal_relevance_search("lamp", k=2, lambda_mult=0.1)) == [
            "a",
            "c",
        ]


def test_a_vector_finds_what_its_question_does(store):
    vector = store.embeddings.embed_query(QUESTION)
    assert set(ids(store.similarity_search_by_vector(vector, k=3))) == SAME
    [pump] = store.similarity_search_by_vector(vector, k=1, filter={"number": 7})
    assert pump == store.get_by_ids(["pump"])[0]
    scored = store.similarity_search_with_score_by_vector(vector, k=8)
    scores = [score for _, score in scored]
    assert len(scored) == 8
    assert scores == sorted(scores, reverse=True)
    assert 1 > scores[0] > 10 * scores[-1] > 0
    diverse = ids(store.max_marginal_relevance_search_by_vector(vector, k=3, lambda_mult=0.3))
    assert len(SAME & set(diverse)) == 1
    scaled = [7 * value for value in vector]
    assert store.similarity_search_by_vector(scaled, k=8) == [each for each, _ in scored]


@pytest.mark.parametrize(
    "vector", [[1.0], [0.0] * 384, [float("nan")] * 384, [[1.0] * 384], "x", [None]]
)
def test_what_is_no_vector_of_the_model_is_refused(store, vector):
    for search in (
        store.similarity_search_by_vector,
        store.similarity_search_with_score_by_vector,
        store.max_marginal_relevance_search_by_vector,
    ):
        with pytest.raises(InvalidVectors):
            search(vector)


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"fetch_k": 1001}, {"lambda_mult": 1.5}, {"lambda_mult": "x"}, {"tenant": "a"}],
)
def test_what_can_not_be_meant_is_refused(store, wrong):
    with pytest.raises(InvalidInput):
        store.max_marginal_relevance_search(QUESTION, **wrong)
    with pytest.raises(InvalidInput):
        asyncio.run(store.amax_marginal_relevance_search(QUESTION, **wrong))


async def test_filters_by_operators_reach_every_search(store):
    late = {"number": {"$gte": 6}}
    vector = store.embeddings.embed_query(QUESTION)
    for found in (
        store.similarity_search(QUESTION, filter=late),
        await store.asimilarity_search(QUESTION, filter=late),
        store.similarity_search_by_vector(vector, filter=late),
        await store.asimilarity_search_by_vector(vector, filter=late),
        await store.amax_marginal_relevance_search(QUESTION, filter=late),
        await store.as_retriever(search_kwargs={"filter": late}).ainvoke(QUESTION),
        await store.as_retriever(search_type="mmr", search_kwargs={"filter": late}).ainvoke("x"),
    ):
        assert sorted(ids(found)) == ["lamp", "pump"]
    with pytest.raises(InvalidFilter, match=r"\$exists"):
        await store.asimilarity_search(QUESTION, filter={"number": {"$exists": True}})


async def test_what_is_awaited_is_what_is_called(store):
    scored = store.similarity_search_with_score(QUESTION, k=8)
    assert await store.asimilarity_search_with_score(QUESTION, k=8) == scored
    assert await store.asimilarity_search_with_relevance_scores(QUESTION, k=8) == scored
    assert await store.asimilarity_search(QUESTION, k=8) == [each for each, _ in scored]
    mmr = store.as_retriever(search_type="mmr", search_kwargs={"k": 3, "lambda_mult": 0.4})
    assert await mmr.ainvoke(QUESTION) == mmr.invoke(QUESTION)
    between = (scored[2][1] + scored[3][1]) / 2
    threshold = store.as_retriever(
        search_type="similarity_score_threshold",
        search_kwargs={"score_threshold": between, "k": 8},
    )
    assert set(ids(await threshold.ainvoke(QUESTION))) == SAME
    assert threshold.invoke(QUESTION) == await threshold.ainvoke(QUESTION)


class Gate(HashEmbedder):
    """Embeds a question only once somebody else has opened the gate."""

    def __init__(self):
        super().__init__()
        self.opened = threading.Event()
        self.threads = set()

    def embed_queries(self, texts):
        self.threads.add(threading.current_thread().name)
        if not self.opened.wait(300):
            raise AssertionError("nobody else got to run")
        return super().embed_queries(texts)


async def test_awaited_searches_wait_for_the_knowledge_bases_own_workers(tmp_path):
    gate = Gate()
    parts = components_with(gate)
    workers = WorkerThreads(searches=1)
    with KnowledgeBase.open(tmp_path / "kb", components=parts, workers=workers) as kb:
        store = RagEngineVectorStore(kb)
        store.add_documents([Document(text, id=name) for name, text in FACTS.items()])
        searches = [
            asyncio.create_task(search("lamp", k=2))
            for search in (
                store.asimilarity_search,
                store.asimilarity_search_with_score,
                store.amax_marginal_relevance_search,
                store.asimilarity_search_with_relevance_scores,
            )
        ]
        await asyncio.sleep(0.05)  # the searches begin, and wait
        assert not any(search.done() for search in searches)
        gate.opened.set()
        assert [len(found) for found in await asyncio.gather(*searches)] == [2, 2, 2, 2]
    assert gate.threads == {"rag-engine-search_0"}
