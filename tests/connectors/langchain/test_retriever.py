"""The retriever as LangChain's users call it: options, metadata, async, events, errors."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document as LangChainDocument
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import ConfigurableField, RunnableLambda
from pydantic import ValidationError

from rag_engine import Document, Equals, In, KnowledgeBase, Message, Not
from rag_engine.connectors.langchain import RagEngineRetriever
from rag_engine.errors import InvalidFilter, InvalidInput, StoreClosed, StoreNotFound
from rag_engine.serialisation import HitOut
from rag_engine.workers import WorkerThreads
from tests.conftest import components_with
from tests.connectors.langchain.conftest import DOCUMENTS
from tests.doubles import HashEmbedder
from tests.test_twin_hits import documents as translations

QUESTION = "How often is the seal of the pump replaced?"


@pytest.fixture
def retriever(kb):
    return RagEngineRetriever(knowledge_base=kb)


def names(passages):
    return [passage.metadata["document"] for passage in passages]


def test_a_passage_tells_where_it_stands_and_why(kb, retriever):
    [hit] = kb.search(QUESTION, k=1)
    [found] = retriever.invoke(QUESTION, k=1)
    assert isinstance(found, LangChainDocument)
    assert found.id == "pump#0"
    told = found.metadata
    text = kb.document("pump").text
    assert found.page_content == text[told["start"] : told["end"]] == hit.chunk.text
    assert {name: told[name] for name in ("document", "source", "title", "section", "page")} == {
        "document": "pump",
        "source": "manuals/pump.pdf",
        "title": "Handbuch",
        "section": ["Pflege", "Wartung"],
        "page": 3,
    }
    assert (told["language"], told["question_language"], told["rank"]) == ("de", "en", 1)
    assert (told["hit_score"], told["parts"]["dense"]) == (
        pytest.approx(hit.score, abs=1e-6),
        pytest.approx(hit.parts.dense, abs=1e-6),
    )
    assert told["parts"]["late"] > 0
    of_hit = HitOut.of(hit).model_dump(mode="json")
    assert of_hit.pop("metadata").items() <= told.items()
    assert of_hit.pop("text") == found.page_content
    assert told.pop("hit_score") == of_hit.pop("score")
    assert of_hit.items() <= told.items()


def test_a_question_is_understood_by_what_was_said_before(kb, retriever):
    said = [
        SystemMessage("Be brief."),
        HumanMessage(QUESTION),
        AIMessage("Every year."),
        ToolMessage("ignored", tool_call_id="1"),
    ]
    messages = [Message("user", QUESTION), Message("assistant", "Every year.")]
    hits = kb.search("And who does that?", history=messages, k=4)
    passages = retriever.invoke("And who does that?", history=said)
    assert names(passages) == [hit.chunk.document_id for hit in hits]
    assert passages[0].metadata["parts"]["follow_up"] == pytest.approx(
        hits[0].parts.follow_up, abs=1e-6
    )
    assert names(asyncio.run(retriever.ainvoke("And who does that?", history=said))) == names(
        passages
    )
    assert names(retriever.invoke("And who does that?", history=messages)) == names(passages)
    for wrong in ("Every year.", [("user", "How often?")], [{"role": "tool", "content": "x"}]):
        with pytest.raises(InvalidInput, match="history"):
            retriever.invoke("And who does that?", history=wrong)


def test_a_documents_own_metadata_stays_as_it_is(kb, retriever):
    [hit] = kb.search(QUESTION, k=1)
    [found] = retriever.invoke(QUESTION, k=1)
    assert (found.metadata["year"], found.metadata["score"]) == (2024, "five stars")
    assert found.metadata["hit_score"] == HitOut.of(hit).score
    [other] = retriever.invoke("退款", k=1)
    assert 0 < other.metadata["score"] < 1
    assert "hit_score" not in other.metadata
    assert [other.metadata[name] for name in ("page", "section", "title")] == [None, [], ""]


def test_metadata_is_plain_data(retriever):
    found = retriever.invoke(QUESTION, k=4)
    assert [json.loads(json.dumps(each.metadata)) for each in found] == [
        each.metadata for each in found
    ]


def test_hits_are_those_of_search_in_their_order(kb, retriever):
    hits = kb.search(QUESTION, k=5)
    found = retriever.invoke(QUESTION, k=5)
    assert [each.page_content for each in found] == [hit.chunk.text for hit in hits]
    assert [each.metadata["rank"] for each in found] == [1, 2, 3, 4, 5]


def test_twins_are_one_passage_that_names_the_others(tmp_path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(translations())
        kb.publish()
        [found] = RagEngineRetriever(knowledge_base=kb, k=1).invoke("¿Cuándo cambiar la junta?")
    assert found.metadata["document"] == "seal-es"
    twins = {twin["document"]: twin for twin in found.metadata["twins"]}
    assert sorted(twins) == ["seal-de", "seal-en"]
    assert twins["seal-de"]["language"] == "de"
    assert twins["seal-de"]["start"] == 0


def test_options_of_one_call(kb, retriever):
    assert len(retriever.invoke(QUESTION)) == 4
    assert len(retriever.invoke(QUESTION, k=2)) == 2
    scores = [hit.score for hit in kb.search(QUESTION, k=5)]
    between = (scores[0] + scores[1]) / 2
    assert names(retriever.invoke(QUESTION, min_score=between)) == ["pump"]
    assert retriever.invoke(QUESTION, min_score=1.0) == []
    assert retriever.invoke(QUESTION, language="DE-at")[0].metadata["question_language"] == "de"
    strict = RagEngineRetriever(knowledge_base=kb, k=5, min_score=between, language="fr")
    assert len(strict.invoke(QUESTION)) == 1
    assert len(strict.invoke(QUESTION, min_score=0)) == 5
    assert strict.invoke(QUESTION, min_score=0)[0].metadata["question_language"] == "fr"


def test_filters(kb, retriever):
    assert set(names(retriever.invoke(QUESTION, where=Equals("language", "de")))) == {"pump"}
    assert set(names(retriever.invoke(QUESTION, where={"year": 2023}))) == {"退款"}
    assert retriever.invoke(QUESTION, where=In("language", ())) == []
    own = RagEngineRetriever(knowledge_base=kb, where={"language": "fr"})
    assert names(own.invoke(QUESTION)) == ["garantie"]


def test_a_calls_filter_never_widens_the_retrievers_own(kb):
    own = RagEngineRetriever(knowledge_base=kb, where=Not(Equals("document_id", "pump")))
    for widening in (None, Equals("document_id", "pump"), {}, {"document_id": "pump"}):
        assert "pump" not in names(own.invoke(QUESTION, where=widening))
    assert names(own.invoke(QUESTION, where=Equals("language", "zh"))) == ["退款"]


def test_batches_and_a_stream_give_the_same(retriever):
    questions = [QUESTION, "¿Cuánto dura la garantía?", "water temperature"]
    each = [retriever.invoke(question) for question in questions]
    assert retriever.batch(questions) == each
    assert list(retriever.stream(QUESTION)) == [each[0]]
    assert asyncio.run(retriever.abatch(questions)) == each
    assert retriever.batch([QUESTION], k=1) == [each[0][:1]]


async def test_async_takes_the_same_options(retriever):
    [found] = await retriever.ainvoke(QUESTION, k=1, where={"language": "fr"})
    assert names([found]) == ["garantie"]
    with pytest.raises(InvalidInput, match="k is a whole number"):
        await retriever.ainvoke(QUESTION, k=0)


async def test_other_formulations_are_given_for_one_call(kb, retriever):
    also = ["À quelle fréquence faut-il changer le joint ?", "Dichtung der Pumpe ersetzen"]
    expected = [(hit.chunk.document_id, hit.score) for hit in kb.search(QUESTION, k=4, also=also)]
    for passages in (
        retriever.invoke(QUESTION, also=also),
        await retriever.ainvoke(QUESTION, also=also),
    ):
        found = [(p.metadata["document"], p.metadata.get("hit_score")) for p in passages]
        assert [name for name, _ in found] == [name for name, _ in expected]
        assert found[0][1] == pytest.approx(expected[0][1], abs=1e-6)
    assert retriever.invoke(QUESTION) != retriever.invoke(QUESTION, also=also)
    with pytest.raises(InvalidInput, match="at most 8"):
        await retriever.ainvoke(QUESTION, also=["?"] * 9)


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


async def test_a_search_does_not_hold_up_the_event_loop(tmp_path):
    gate = Gate()
    with KnowledgeBase.open(tmp_path / "kb", components=components_with(gate)) as kb:
        kb.add(DOCUMENTS)
        retriever = RagEngineRetriever(knowledge_base=kb)
        searches = [asyncio.create_task(retriever.ainvoke("Pumpe")) for _ in range(3)]
        await asyncio.sleep(0.05)  # the searches begin, and wait
        gate.opened.set()
        assert [len(found) for found in await asyncio.gather(*searches)] == [4, 4, 4]


async def test_async_calls_wait_for_the_knowledge_bases_own_workers(tmp_path):
    gate = Gate()
    workers = WorkerThreads(searches=1)
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components_with(gate), workers=workers) as kb:
        kb.add(DOCUMENTS)
        retriever = RagEngineRetriever(knowledge_base=kb)
        gate.opened.set()
        await asyncio.gather(*(retriever.ainvoke("Pumpe") for _ in range(5)))
    assert gate.threads == {"rag-engine-search_0"}


async def test_events_of_a_chain(retriever):
    chain = retriever | RunnableLambda(len)
    events = [event async for event in chain.astream_events(QUESTION, version="v2")]
    mine = [event for event in events if event["name"] == "RagEngineRetriever"]
    assert [event["event"] for event in mine] == ["on_retriever_start", "on_retriever_end"]
    assert mine[0]["data"]["input"] == {"query": QUESTION}
    assert names(mine[1]["data"]["output"])[0] == "pump"
    assert events[-1]["data"]["output"] == 4


class Witness(BaseCallbackHandler):
    def __init__(self):
        self.seen = []

    def on_retriever_start(self, serialized, query, *, tags=None, metadata=None, **_):
        self.seen.append(("start", query, tags, metadata.get("who")))

    def on_retriever_end(self, documents, **_):
        self.seen.append(("end", len(documents)))

    def on_retriever_error(self, error, **_):
        self.seen.append(("error", type(error)))


def test_callbacks_see_start_end_and_error(kb):
    witness = Witness()
    retriever = RagEngineRetriever(knowledge_base=kb, k=2, tags=["kb"])
    retriever.invoke(QUESTION, {"callbacks": [witness], "metadata": {"who": "me"}})
    with pytest.raises(InvalidInput):
        retriever.invoke("  ", {"callbacks": [witness]})
    assert witness.seen == [
        ("start", QUESTION, ["kb"], "me"),
        ("end", 2),
        ("start", "  ", ["kb"], None),
        ("error", InvalidInput),
    ]


def test_fields_can_be_configured_at_run_time(retriever):
    configurable = retriever.configurable_fields(k=ConfigurableField(id="k"))
    assert len(configurable.invoke(QUESTION, {"configurable": {"k": 1}})) == 1
    assert len(configurable.invoke(QUESTION)) == 4


def test_one_that_opened_a_knowledge_base_closes_it(kb_path):
    with RagEngineRetriever.open(kb_path, k=1, where={"language": "de"}) as retriever:
        [found] = retriever.invoke("Wann wird der Behälter geleert?")
        assert (found.metadata["page"], found.id) == (4, "pump#1")
    with pytest.raises(StoreClosed):
        retriever.invoke(QUESTION)
    retriever.close()


def test_one_that_was_given_a_knowledge_base_leaves_it_open(kb):
    with RagEngineRetriever(knowledge_base=kb) as retriever:
        pass
    assert retriever.invoke(QUESTION)


def test_what_can_not_be_opened(tmp_path, kb_path):
    with pytest.raises(StoreNotFound):
        RagEngineRetriever.open(tmp_path / "none")
    with pytest.raises(ValidationError, match="k"):
        RagEngineRetriever.open(kb_path, k=0)


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"k": 1001}, {"min_score": 2}, {"language": "??"}, {"where": "year > 3"}, {"kk": 3}],
)
def test_what_can_not_be_meant_is_refused(kb, retriever, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        RagEngineRetriever(knowledge_base=kb, **wrong)
    with pytest.raises((InvalidInput, TypeError)) as caught:
        retriever.invoke(QUESTION, **wrong)
    if "where" in wrong:
        assert caught.type is InvalidFilter


def test_a_document_of_the_knowledge_base_is_not_changed(kb, retriever):
    [found] = retriever.invoke(QUESTION, k=1)
    found.metadata["year"] = 1
    assert kb.document("pump") == DOCUMENTS[0]
    assert isinstance(kb.document("pump"), Document)
    assert retriever.invoke(QUESTION, k=1)[0].metadata["year"] == 2024
