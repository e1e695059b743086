"""The component as Haystack's users call it: in pipelines, stored, warmed up, awaited."""

from __future__ import annotations

import asyncio
import json
import threading

import haystack.telemetry._telemetry
import pytest
from haystack import Document, Pipeline
from haystack.components.builders import PromptBuilder
from haystack.components.joiners import DocumentJoiner
from haystack.dataclasses import ChatMessage

from rag_engine import KnowledgeBase, Message, Settings
from rag_engine.connectors.haystack import RagEngineRetriever
from rag_engine.errors import InvalidFilter, InvalidInput, StoreClosed, StoreNotFound
from rag_engine.serialisation import HitOut
from rag_engine.workers import WorkerThreads
from tests.conftest import components_with
from tests.connectors.langchain.conftest import DOCUMENTS
from tests.doubles import HashEmbedder
from tests.readme_blocks import python_block

QUESTION = "How often is the seal of the pump replaced?"
TEMPLATE = """{% for each in documents %}[{{ each.meta.language }}] {{ each.content }}
{% endfor %}{{ question }}"""


@pytest.fixture
def retriever(kb):
    return RagEngineRetriever(kb)


@pytest.fixture
def folder(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add(DOCUMENTS)
    return tmp_path / "kb"


def sources(found):
    return [document.meta["document"] for document in found["documents"]]


def language_is(code):
    return {"field": "meta.language", "operator": "==", "value": code}


def test_nothing_of_the_tests_is_told_to_anybody():
    assert haystack.telemetry._telemetry.telemetry is None


def test_a_document_tells_where_it_stands_and_why(kb, retriever):
    [hit] = kb.search(QUESTION, k=1)
    [found] = retriever.run(QUESTION, top_k=1)["documents"]
    assert isinstance(found, Document)
    assert (found.id, found.content, found.score) == ("pump#0", hit.chunk.text, hit.score)
    told = found.meta
    assert (told["year"], told["score"]) == (2024, "five stars")
    assert (told["language"], told["question_language"], told["page"]) == ("de", "en", 3)
    of_hit = HitOut.of(hit).model_dump(mode="json", exclude={"text", "metadata", "score"})
    assert of_hit.items() <= told.items()
    assert told["hit_score"] == HitOut.of(hit).score
    assert json.loads(json.dumps(told)) == told
    assert Document.from_dict(found.to_dict()) == found


def test_hits_are_those_of_search_in_their_order(kb, retriever):
    hits = kb.search(QUESTION, k=10)
    found = retriever.run(QUESTION)["documents"]
    assert [(each.content, each.score) for each in found] == [
        (hit.chunk.text, hit.score) for hit in hits
    ]


def test_options_of_one_run(kb, retriever):
    scores = [hit.score for hit in kb.search(QUESTION, k=2)]
    assert sources(retriever.run(QUESTION, min_score=sum(scores) / 2)) == ["pump"]
    [found] = retriever.run(QUESTION, top_k=1, language="DE-at")["documents"]
    assert found.meta["question_language"] == "de"
    assert set(sources(retriever.run(QUESTION, filters=language_is("fr")))) == {"garantie"}


def test_a_run_brings_other_formulations_and_what_was_said(kb, retriever):
    also = ["Dichtung ersetzen"]
    said = [
        ChatMessage.from_system("Be brief."),
        ChatMessage.from_user("How is the pump X-200 maintained?"),
        ChatMessage.from_assistant("Its seal is replaced every year."),
    ]
    history = [Message("user", said[1].text), Message("assistant", said[2].text)]
    found = retriever.run("And the oil?", also=also, history=said)["documents"]
    expected = kb.search("And the oil?", also=also, history=history)
    assert [(each.content, each.score) for each in found] == [
        (hit.chunk.text, hit.score) for hit in expected
    ]
    plain = retriever.run("And the oil?")["documents"]
    assert [each.score for each in found] != [each.score for each in plain]


def test_an_instruction_is_told_to_a_model_that_takes_one(kb, retriever):
    told = "Find the interval"
    for asked in (
        lambda: retriever.run(QUESTION, instruction=told),
        lambda: RagEngineRetriever(kb, instruction=told).run(QUESTION),
    ):
        with pytest.raises(InvalidInput, match="takes no instruction"):
            asked()


def test_settings_are_used_and_stored_with_the_pipeline(folder, kb):
    settings = Settings.model_validate({"retrieval": {"mode": "dense"}})
    retriever = RagEngineRetriever(folder, settings=settings)
    again = RagEngineRetriever.from_dict(json.loads(json.dumps(retriever.to_dict())))
    assert again.settings == settings
    again.warm_up()
    with KnowledgeBase.open(folder, settings=settings, read_only=True) as dense:
        expected = [hit.score for hit in dense.search(QUESTION)]
    assert [each.score for each in again.run(QUESTION)["documents"]] == expected
    again.close()
    with pytest.raises(InvalidInput, match="this knowledge base is open"):
        RagEngineRetriever(kb, settings=settings)


def test_filters_of_a_run_narrow_the_components_own(kb):
    others = {"field": "meta.document_id", "operator": "!=", "value": "pump"}
    own = RagEngineRetriever(kb, filters=others)
    for widening in (None, {}, {"field": "meta.document_id", "operator": "==", "value": "pump"}):
        assert "pump" not in sources(own.run(QUESTION, filters=widening))
    assert sources(own.run(QUESTION, filters=language_is("zh"))) == ["退款"]


def made_pipeline(retriever):
    pipeline = Pipeline()
    pipeline.add_component("retriever", retriever)
    pipeline.add_component("prompt", PromptBuilder(TEMPLATE, required_variables="*"))
    pipeline.connect("retriever.documents", "prompt.documents")
    return pipeline


def asked(**options):
    return {"retriever": {"query": QUESTION, **options}, "prompt": {"question": QUESTION}}


def test_a_pipeline_fills_its_prompt(folder):
    retriever = RagEngineRetriever(folder, top_k=2)
    prompt = made_pipeline(retriever).run(asked())["prompt"]["prompt"]
    assert prompt.startswith("[de] Wartung der Pumpe X-200.")
    assert prompt.endswith("\n" + QUESTION)
    assert prompt.count("[") == 2
    retriever.close()


def test_a_pipeline_is_stored_and_loaded(folder):
    filters = language_is("de")
    retriever = RagEngineRetriever(folder, top_k=1, filters=filters, language="en", min_score=0.01)
    pipeline = made_pipeline(retriever)
    stored = pipeline.dumps()
    module = "rag_engine.connectors.haystack.retriever"
    loaded = Pipeline.loads(stored, allowed_modules=[module])
    assert loaded.dumps() == stored
    again = loaded.get_component("retriever")
    assert again.to_dict() == retriever.to_dict()
    assert retriever.to_dict() == {
        "type": f"{module}.RagEngineRetriever",
        "init_parameters": {
            "knowledge_base": str(folder),
            "top_k": 1,
            "filters": filters,
            "language": "en",
            "min_score": 0.01,
            "instruction": None,
            "settings": None,
        },
    }
    assert loaded.run(asked())["prompt"] == pipeline.run(asked())["prompt"]
    again.close()
    retriever.close()


def test_it_is_joined_with_another(kb):
    pipeline = Pipeline()
    for code in ("de", "fr"):
        pipeline.add_component(code, RagEngineRetriever(kb, top_k=1, filters=language_is(code)))
    pipeline.add_component("join", DocumentJoiner(join_mode="concatenate"))
    for code in ("de", "fr"):
        pipeline.connect(f"{code}.documents", "join.documents")
    found = pipeline.run({"de": {"query": QUESTION}, "fr": {"query": QUESTION}})["join"]
    assert sources(found) == ["pump", "garantie"]


def test_the_folder_is_opened_when_it_is_warmed_up_and_closed_again(folder):
    retriever = RagEngineRetriever(str(folder), top_k=1)
    assert retriever._kb is None
    retriever.warm_up()
    opened = retriever._kb
    retriever.warm_up()
    assert retriever._kb is opened
    assert sources(retriever.run(QUESTION)) == ["pump"]
    assert retriever._kb is opened
    retriever.close()
    with pytest.raises(StoreClosed):
        opened.search(QUESTION)
    assert sources(retriever.run(QUESTION)) == ["pump"]  # opened again
    retriever.close()
    retriever.close()


def test_one_that_was_given_stays_open(kb):
    retriever = RagEngineRetriever(kb)
    retriever.warm_up()
    retriever.close()
    assert retriever.run(QUESTION)["documents"]
    assert retriever.to_dict()["init_parameters"]["knowledge_base"] == str(kb.path)


def test_what_is_not_there_is_told_when_it_is_opened(tmp_path):
    retriever = RagEngineRetriever(tmp_path / "none")
    for opening in (retriever.warm_up, lambda: retriever.run(QUESTION)):
        with pytest.raises(StoreNotFound):
            opening()


async def test_awaiting_is_asearch(kb, retriever, folder):
    assert await retriever.run_async(QUESTION) == retriever.run(QUESTION)
    own = RagEngineRetriever(folder, top_k=1)
    assert sources(await own.run_async(QUESTION)) == ["pump"]
    own.close()
    await own.warm_up_async()
    found = await made_pipeline(own).run_async(asked())
    assert found["prompt"]["prompt"].startswith("[de] Wartung")
    own.close()


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
        retriever = RagEngineRetriever(kb, top_k=4)
        searches = [asyncio.create_task(retriever.run_async("Pumpe")) for _ in range(3)]
        await asyncio.sleep(0.05)  # the searches begin, and wait
        gate.opened.set()
        found = await asyncio.gather(*searches)
    assert [len(each["documents"]) for each in found] == [4, 4, 4]
    assert gate.threads == {"rag-engine-search_0"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_k": 0},
        {"min_score": 2},
        {"language": "??"},
        {"filters": {"year": 2024}},
        {"filters": "year"},
    ],
)
def test_what_can_not_be_meant_is_refused(kb, retriever, wrong):
    for calling in (
        lambda: RagEngineRetriever(kb, **wrong),
        lambda: retriever.run(QUESTION, **wrong),
        lambda: asyncio.run(retriever.run_async(QUESTION, **wrong)),
    ):
        with pytest.raises(InvalidFilter if "filters" in wrong else InvalidInput):
            calling()
    with pytest.raises(InvalidInput):
        retriever.run("  ")


def test_the_example_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    block = python_block("connectors/README.md", "rag_engine.connectors.haystack")
    names = {}
    exec(compile(block, "connectors/README.md", "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert "退款通常在十四天内到账。 (zh)" in lines
    assert lines[-1] == "Question: How long is the warranty?"
    names["pipeline"].get_component("retriever").close()
