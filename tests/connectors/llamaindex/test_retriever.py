"""The retriever as LlamaIndex's users call it: alone, in query engines, filtered, awaited."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from llama_index.core import Settings
from llama_index.core.base.response.schema import Response
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.query_engine import CitationQueryEngine, RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import MetadataMode, NodeRelationship, QueryBundle

from rag_engine import Equals, KnowledgeBase, Message, Not
from rag_engine import Settings as EngineSettings
from rag_engine.connectors.llamaindex import RagEngineQuery, RagEngineRetriever
from rag_engine.errors import InvalidFilter, InvalidInput, StoreClosed, StoreNotFound
from rag_engine.serialisation import HitOut
from rag_engine.workers import WorkerThreads
from tests.conftest import components_with
from tests.connectors.langchain.conftest import DOCUMENTS
from tests.doubles import HashEmbedder
from tests.readme_blocks import python_block

QUESTION = "How often is the seal of the pump replaced?"


@pytest.fixture
def retriever(kb):
    return RagEngineRetriever(kb)


def sources(found):
    return [each.node.ref_doc_id for each in found]


def test_a_node_tells_where_it_stands_and_why(kb, retriever):
    [hit] = kb.search(QUESTION, k=1)
    [found] = RagEngineRetriever(kb, similarity_top_k=1).retrieve(QUESTION)
    node = found.node
    assert isinstance(retriever, BaseRetriever)
    assert (node.node_id, node.text, found.score) == ("pump#0", hit.chunk.text, hit.score)
    assert node.relationships[NodeRelationship.SOURCE].node_id == node.ref_doc_id == "pump"
    document = kb.document("pump")
    assert document.text[node.start_char_idx : node.end_char_idx] == node.text
    told = node.metadata
    assert (told["year"], told["score"]) == (2024, "five stars")
    assert (told["language"], told["question_language"], told["page"]) == ("de", "en", 3)
    of_hit = HitOut.of(hit).model_dump(mode="json", exclude={"text", "metadata", "score"})
    assert of_hit.items() <= told.items()
    assert told["hit_score"] == HitOut.of(hit).score
    assert json.loads(json.dumps(told)) == told


def test_a_model_is_shown_what_helps_it_and_an_embedder_the_documents_own(kb):
    [found] = RagEngineRetriever(kb, similarity_top_k=1).retrieve(QUESTION)
    shown = found.node.get_content(MetadataMode.LLM)
    assert shown.endswith("\n\n" + found.text)
    names = {line.split(":")[0] for line in shown.removesuffix(found.text).split("\n") if line}
    assert names == {"year", "score", "title", "section", "page", "source"}
    embedded = found.node.get_content(MetadataMode.EMBED).removesuffix(found.text)
    assert sorted(embedded.split("\n")) == ["", "", "score: five stars", "year: 2024"]
    [bare] = RagEngineRetriever(kb, similarity_top_k=1).retrieve("退款")
    assert bare.node.get_content(MetadataMode.LLM).split("\n")[0] == "source: 退款"


def test_hits_are_those_of_search_in_their_order(kb):
    hits = kb.search(QUESTION, k=5)
    found = RagEngineRetriever(kb, similarity_top_k=5).retrieve(QUESTION)
    assert [(each.text, each.score) for each in found] == [
        (hit.chunk.text, hit.score) for hit in hits
    ]


@pytest.fixture
def echo(monkeypatch):
    """LlamaIndex's own double of a model, which answers with the prompt that it was given."""
    llm = MockLLM()
    monkeypatch.setattr(Settings, "_llm", llm)
    return llm


def test_a_query_engine_answers_from_the_passages(retriever, echo):
    engine = RetrieverQueryEngine.from_args(retriever, llm=echo)
    response = engine.query(QUESTION)
    assert isinstance(response, Response)
    assert sources(response.source_nodes)[0] == "pump"
    prompt = response.response
    assert prompt.index("Die Dichtung der Pumpe wird jedes Jahr ersetzt") < prompt.index(QUESTION)
    assert "section: ['Pflege', 'Wartung']" in prompt
    assert "parts" not in prompt


async def test_a_query_engine_is_awaited(retriever, echo):
    engine = RetrieverQueryEngine.from_args(retriever, llm=echo)
    awaited, called = await engine.aquery(QUESTION), engine.query(QUESTION)
    assert awaited.response == called.response
    assert sources(awaited.source_nodes) == sources(called.source_nodes)


def test_its_postprocessors_cut_off_by_our_scores(kb, retriever, echo):
    scores = [hit.score for hit in kb.search(QUESTION, k=2)]
    cut = SimilarityPostprocessor(similarity_cutoff=sum(scores) / 2)
    engine = RetrieverQueryEngine.from_args(retriever, llm=echo, node_postprocessors=[cut])
    assert sources(engine.query(QUESTION).source_nodes) == ["pump"]


def test_its_citations_quote_the_passages(retriever, echo):
    response = CitationQueryEngine.from_args(None, retriever=retriever, llm=echo).query(QUESTION)
    assert response.source_nodes[0].text.startswith("Source 1:\nWartung der Pumpe X-200.")


def test_it_is_fused_with_another(kb, echo):
    german = RagEngineRetriever(kb, filters=Equals("language", "de"), similarity_top_k=2)
    french = RagEngineRetriever(kb, filters=Equals("language", "fr"), similarity_top_k=2)
    fused = QueryFusionRetriever(
        [german, french], llm=echo, num_queries=1, use_async=False, similarity_top_k=3
    )
    assert set(sources(fused.retrieve(QUESTION))) == {"pump", "garantie"}


def test_further_strings_of_a_bundle_are_formulations(kb, retriever):
    also = ["À quelle fréquence faut-il changer le joint ?", "Dichtung ersetzen"]
    bundle = QueryBundle(QUESTION, custom_embedding_strs=[QUESTION, *also])
    expected = [(hit.chunk.text, hit.score) for hit in kb.search(QUESTION, k=4, also=also)]
    assert [(each.text, each.score) for each in retriever.retrieve(bundle)] == expected
    hyde = QueryBundle(QUESTION, custom_embedding_strs=also)
    assert [(each.text, each.score) for each in retriever.retrieve(hyde)] == expected


def test_a_question_brings_other_formulations_and_what_was_said(kb, retriever, echo):
    also = ["Dichtung ersetzen"]
    said = [
        ChatMessage("Be brief.", role="system"),
        ChatMessage("How is the pump X-200 maintained?", role="user"),
        ChatMessage("Its seal is replaced every year.", role="assistant"),
    ]
    history = [Message("user", said[1].content), Message("assistant", said[2].content)]
    question = RagEngineQuery("And the oil?", also=also, history=said)
    expected = kb.search("And the oil?", k=4, also=also, history=history)
    found = retriever.retrieve(question)
    assert [(each.text, each.score) for each in found] == [
        (hit.chunk.text, hit.score) for hit in expected
    ]
    assert [each.score for each in found] != [hit.score for hit in kb.search("And the oil?", k=4)]
    engine = RetrieverQueryEngine.from_args(retriever, llm=echo)  # hands it on
    assert [each.score for each in engine.query(question).source_nodes] == [
        hit.score for hit in expected
    ]


@pytest.mark.parametrize("of_question", [True, False])
def test_an_instruction_is_told_to_a_model_that_takes_one(kb, of_question):
    told = "Find the interval"
    retriever = RagEngineRetriever(kb, instruction=None if of_question else told)
    question = RagEngineQuery(QUESTION, instruction=told if of_question else None)
    with pytest.raises(InvalidInput, match="takes no instruction"):
        retriever.retrieve(question)


def test_it_opens_with_settings(tmp_path, kb):
    with KnowledgeBase.open(tmp_path / "kb") as made:
        made.add(DOCUMENTS)
    settings = EngineSettings.model_validate({"retrieval": {"mode": "dense"}})
    with RagEngineRetriever.open(tmp_path / "kb", settings=settings) as retriever:
        assert retriever.knowledge_base.settings == settings


def test_options(kb):
    scores = [hit.score for hit in kb.search(QUESTION, k=2)]
    one = RagEngineRetriever(kb, min_score=sum(scores) / 2).retrieve(QUESTION)
    assert sources(one) == ["pump"]
    [found] = RagEngineRetriever(kb, similarity_top_k=1, language="DE-at").retrieve(QUESTION)
    assert found.metadata["question_language"] == "de"
    others = RagEngineRetriever(kb, filters=Not(Equals("document_id", "pump")))
    assert "pump" not in sources(others.retrieve(QUESTION))


async def test_awaiting_is_asearch(kb, retriever):
    assert await retriever.aretrieve(QUESTION) == retriever.retrieve(QUESTION)


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


async def test_an_awaited_search_does_not_hold_up_the_event_loop(tmp_path):
    gate = Gate()
    parts, workers = components_with(gate), WorkerThreads(searches=1)
    with KnowledgeBase.open(tmp_path / "kb", components=parts, workers=workers) as kb:
        kb.add(DOCUMENTS)
        retriever = RagEngineRetriever(kb)
        searches = [asyncio.create_task(retriever.aretrieve("Pumpe")) for _ in range(3)]
        await asyncio.sleep(0.05)  # the searches begin, and wait
        gate.opened.set()
        assert [len(found) for found in await asyncio.gather(*searches)] == [4, 4, 4]
    assert gate.threads == {"rag-engine-search_0"}


def test_one_that_opened_a_knowledge_base_closes_it(tmp_path, real_components, kb):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path) as made:
        made.add(DOCUMENTS[:2])
    with RagEngineRetriever.open(path, similarity_top_k=1) as retriever:
        assert sources(retriever.retrieve(QUESTION)) == ["pump"]
    with pytest.raises(StoreClosed):
        retriever.retrieve(QUESTION)
    with pytest.raises(InvalidInput):
        RagEngineRetriever.open(path, similarity_top_k=0)
    KnowledgeBase.open(path).close()  # nobody holds it
    with pytest.raises(StoreNotFound):
        RagEngineRetriever.open(tmp_path / "none")
    with RagEngineRetriever(kb) as given:
        pass
    assert given.retrieve(QUESTION)


@pytest.mark.parametrize(
    "wrong",
    [
        {"similarity_top_k": 0},
        {"min_score": 2},
        {"language": "??"},
        {"filters": {"year": 2024}},
    ],
)
def test_what_can_not_be_meant_is_refused(kb, wrong):
    with pytest.raises(InvalidFilter if "filters" in wrong else InvalidInput):
        RagEngineRetriever(kb, **wrong)
    with pytest.raises(InvalidInput):
        RagEngineRetriever(kb).retrieve("  ")


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add(DOCUMENTS)
    monkeypatch.chdir(tmp_path)
    block = python_block("connectors/README.md", "rag_engine.connectors.llamaindex")
    exec(compile(block, "connectors/README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"pump", "退款"}
    assert "退款 zh 退款通常在十四天内到账。" in lines
