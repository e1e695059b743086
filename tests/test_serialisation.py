"""One shape: the command line, HTTP, MCP, LangChain and Python send the same of a hit."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
from mcp import Client

from rag_engine import Document, Equals, KnowledgeBase, Span
from rag_engine.connectors.http.schemas import AskReplyWithEvidence, SearchReplyWithEvidence
from rag_engine.connectors.langchain import RagEngineRetriever
from rag_engine.connectors.mcp_server import build_mcp_server
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.records import Citation, ScoreParts
from rag_engine.serialisation import (
    AskReply,
    CitationOut,
    DocumentOut,
    HitOut,
    PartsOut,
    PassageOut,
    SearchReply,
    SpanOut,
)
from tests.connectors.http.service import client_of, serving
from tests.test_twin_hits import documents as translations

GUIDE = "Öl “nachfüllen”.\n\nDie Dichtung der Pumpe X-200 wird jedes Jahr ersetzt. Danach: 1 bar."
DOCUMENTS = [
    *translations(),
    Document(
        id="ordner/pumpe #1.pdf",
        text=GUIDE,
        title="Handbuch <b>X</b>",
        source="https://example.org/pumpe.pdf",
        language_hint="de-AT",
        spans=(
            Span(start=0, end=16, section=("Pflege",), page=3),
            Span(start=18, end=len(GUIDE), section=("Pflege", "Wartung"), page=4),
        ),
        metadata={"format": "pdf", "year": 2024, "price": 1e-7, "stock": True, "名": "水"},
    ),
    Document(id="מדריך", text="המשאבה X-200 מגיעה עם מדריך בעברית. יש לקרוא אותו לפני ההפעלה."),
]
QUESTIONS = [
    "¿Cuándo cambiar la junta de la bomba?",
    "X-200",
    "מה מגיע עם המשאבה?",
    "🚰 “水泵”\n\\ X \x7f?",
]
K = 8


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components):
    folder = tmp_path_factory.mktemp("shape") / "kb"
    with KnowledgeBase.open(folder, components=real_components) as kb:
        kb.add(DOCUMENTS)
        kb.publish()
    return folder


@pytest.fixture(scope="module")
def kb(path, real_components):
    with KnowledgeBase.open(path, components=real_components, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(path):
    with (
        open_service(ServeOptions(kb=path, read_only=True)) as service,
        serving(service) as url,
        client_of(url, role=None) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def mcp(kb):
    def call(tool, **arguments):
        async def called():
            async with Client(build_mcp_server(kb)) as client:
                return await client.call_tool(tool, arguments)

        result = asyncio.run(called())
        assert not result.is_error, result.content
        [content] = result.content
        assert json.loads(content.text) == result.structured_content
        return result.structured_content

    return call


@pytest.fixture
def command(path, capsys):
    def run(*arguments):
        assert main([*arguments, "--kb", str(path), "--json"]) == 0
        return json.loads(capsys.readouterr().out)["result"]

    return run


def as_bytes(data):
    """Return data as JSON: every name, value and place in the order counts."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8")


def is_same(one, other):
    """Tell whether data of another model in memory are the same.

    Its numbers may be summed in another order, as its memory is aligned: the last place differs.
    """
    if isinstance(one, dict):
        return list(one) == list(other) and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float):
        return one == pytest.approx(other, abs=2e-6)
    return one == other


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_search_is_the_same_byte_for_byte(kb, http, mcp, command, question):
    hits = kb.search(question, k=K)
    expected = SearchReply.of(question, hits).model_dump_json().encode("utf-8")
    data = json.loads(expected)
    assert as_bytes(mcp("search", query=question, k=K, min_score=0)) == as_bytes(data)
    assert is_same(data, http.post("/v1/search", json={"question": question, "k": K}).json())
    assert is_same(data, command("search", question, "-k", str(K)))
    passages = RagEngineRetriever(knowledge_base=kb, k=K).invoke(question)
    assert len(passages) == len(hits) == K
    for sent, passage in zip(json.loads(expected)["hits"], passages, strict=True):
        assert sent.pop("text") == passage.page_content
        told = sent | sent.pop("metadata") | {"question_language": hits[0].query_language}
        assert passage.metadata == told


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_the_same_byte_for_byte(kb, http, mcp, command, question):
    expected = AskReply.of(question, kb.ask(question)).model_dump_json().encode("utf-8")
    data = json.loads(expected)
    assert as_bytes(mcp("ask", question=question)) == as_bytes(data)
    assert is_same(data, command("ask", question))
    over_http = http.post("/v1/ask", json={"question": question})
    assert is_same(data, over_http.json())
    streamed = http.post("/v1/ask", json={"question": question, "stream": True}).content
    last = streamed.rstrip().rpartition(b"\n\nevent: answer\ndata: ")[2]
    assert last == over_http.content


def test_the_questions_show_what_there_is_to_show(kb):
    sent = [SearchReply.of(question, kb.search(question, k=K)) for question in QUESTIONS]
    hits = [hit for reply in sent for hit in reply.hits]
    assert any(hit.twins for hit in hits)
    assert {"ltr", "rtl"} == {hit.direction for hit in hits}
    assert any(hit.metadata and hit.section and hit.page for hit in hits)
    assert any(hit.parts.matched_terms for hit in hits)
    assert {reply.language for reply in sent} > {"es", "he"}
    assert AskReply.of("x", kb.ask(QUESTIONS[0])).citations


def test_evidence_stands_beside_the_hits(http):
    plain = http.post("/v1/search", json={"question": QUESTIONS[0]}).json()
    marked = http.post("/v1/search", json={"question": QUESTIONS[0], "evidence": True}).json()
    evidence = marked.pop("evidence")
    assert as_bytes(marked) == as_bytes(plain)
    assert len(evidence) == len(plain["hits"])
    answer = http.post("/v1/ask", json={"question": QUESTIONS[0], "evidence": True}).json()
    assert len(answer["evidence"]) == len(answer["hits"])


def test_a_document_is_the_same(kb, http, mcp):
    document = kb.document("ordner/pumpe #1.pdf")
    expected = DocumentOut.of(document).model_dump_json().encode("utf-8")
    assert http.get("/v1/documents/ordner/pumpe%20%231.pdf").content == expected
    fetched = mcp("fetch", id=document.id)
    assert as_bytes({name: fetched[name] for name in DocumentOut.model_fields}) == as_bytes(
        json.loads(expected)
    )
    part = mcp("fetch", id=document.id, start=20, length=5)
    assert part["text"] == GUIDE[20:25]
    assert [span["page"] for span in part["spans"]] == [4]


def test_nothing_found_is_the_same(kb, http, command):
    nothing = kb.search("X-200", where=Equals("format", "none"))
    expected = SearchReply.of("X-200", nothing).model_dump_json()
    assert json.loads(expected) == {"question": "X-200", "language": None, "hits": []}
    where = {"op": "equals", "key": "format", "value": "none"}
    assert http.post("/v1/search", json={"question": "X-200", "where": where}).text == expected
    found = command("search", "X-200", "--where", "format=none")
    assert as_bytes(found) == as_bytes(json.loads(expected))


def test_what_is_computed_has_six_places_and_a_reranker_has_its_own_word():
    parts = ScoreParts(
        dense=0.12345678, dense_plain=1 / 3, lexical=2 / 3, late=-1e-9, rerank=-7.123456789
    )
    assert PartsOut.of(parts).model_dump() == {
        "dense": 0.123457,
        "dense_plain": 0.333333,
        "lexical": 0.666667,
        "matched_terms": [],
        "late": 0.0,
        "rerank": -7.123456789,
        "rerank_failure": None,
        "rank_before_rerank": 0,
        "follow_up": None,
        "translations": [],
        "translation_failures": [],
        "answerable": None,
        "image": None,
    }


def test_every_name_is_the_records_or_told_here():
    names = {field.name for field in dataclasses.fields(ScoreParts)}
    assert PartsOut.model_fields.keys() == names
    names = {field.name for field in dataclasses.fields(Citation)}
    own = {"document", "direction"}
    untold = {"chunk_id", "document_id", "knowledge_base"}  # of several, the commands add that
    assert CitationOut.model_fields.keys() == names - untold | own
    assert HitOut.model_fields.keys() - PassageOut.model_fields.keys() == {
        *("rank", "score", "metadata", "parts", "twins", "image")
    }


def test_every_field_is_documented_and_the_schemas_say_it(http, kb):
    async def listed():
        async with Client(build_mcp_server(kb)) as client:
            return {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}

    sent = {"search": SearchReply, "ask": AskReply}
    models = [HitOut, PartsOut, PassageOut, CitationOut, DocumentOut, SpanOut, *sent.values()]
    components = http.get("/openapi.json").json()["components"]["schemas"]
    tools = asyncio.run(listed())
    for tool, model in sent.items():
        fields = tools[tool]["properties"]
        assert {name: field["description"] for name, field in fields.items()} == {
            name: field.description for name, field in model.model_fields.items()
        }
    for model in (*models, SearchReplyWithEvidence, AskReplyWithEvidence):
        for name, field in model.model_fields.items():
            assert field.description, (model, name)
            told = components[model.__name__]["properties"][name]["description"]
            assert told == field.description
