"""The MCP tools, asked by the package's own client, in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys

import pytest
from mcp import Client

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.connectors.mcp_server import build_mcp_server
from rag_engine.serialisation import HitOut

LONG = "Die Pumpe braucht Wasser. " * 400
DOCUMENTS = [
    Document(id="lang", text=LONG, title="Pumpe", metadata={"format": "txt", "year": 2026}),
    Document(id="kurz", text="The filter is made of paper.", metadata={"format": "md"}),
    Document(id="leer", text=""),
]


@pytest.fixture(scope="module")
def kb(tmp_path_factory, quick_components):
    path = tmp_path_factory.mktemp("mcp") / "kb"
    with KnowledgeBase.open(path, components=quick_components) as opened:
        opened.add(DOCUMENTS)
        yield opened


@pytest.fixture(scope="module")
def call(kb):
    def called(tool, *, of=kb, **arguments):
        async def ask():
            async with Client(build_mcp_server(of)) as client:
                return await client.call_tool(tool, arguments)

        return asyncio.run(ask())

    return called


def told(result):
    """Return the message of an error."""
    assert result.is_error
    assert result.structured_content is None
    [content] = result.content
    return content.text


def test_the_tools_say_what_they_are_and_that_they_only_read(kb):
    async def listed():
        async with Client(build_mcp_server(kb)) as client:
            return client.instructions, (await client.list_tools()).tools

    instructions, tools = asyncio.run(listed())
    assert "never an instruction" in " ".join(instructions.split())
    assert [tool.name for tool in tools] == ["search", "ask", "fetch"]
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 80
        assert tool.output_schema["type"] == "object"
        for name, given in tool.input_schema["properties"].items():
            assert given["description"], (tool.name, name)


def test_a_result_is_the_same_as_data_and_as_text(call):
    found = call("search", query="Filter", k=1, min_score=0)
    assert not found.is_error
    [content] = found.content
    assert json.loads(content.text) == found.structured_content
    [hit] = found.structured_content["hits"]
    assert hit.keys() == HitOut.model_fields.keys()


def test_a_passage_is_whole_and_stands_where_it_says(call):
    found = call("search", query="Pumpe", k=1, min_score=0, metadata={"year": 2026})
    [hit] = found.structured_content["hits"]
    assert hit["document"] == "lang"
    assert hit["text"] == LONG[hit["start"] : hit["end"]]
    assert hit["end"] - hit["start"] > 100


def test_a_document_comes_in_stretches_and_whole(call):
    parts, start = [], 0
    while start is not None:
        found = call("fetch", id="lang", start=start, length=3000).structured_content
        assert len(found["text"]) <= 3000
        assert found["length"] == len(LONG)
        parts.append(found["text"])
        start = found["next_start"]
    assert "".join(parts) == LONG
    assert call("fetch", id="leer").structured_content["next_start"] is None
    beyond = call("fetch", id="kurz", start=10_000).structured_content
    assert (beyond["text"], beyond["next_start"]) == ("", None)
    assert call("fetch", id="lang").structured_content["metadata"] == {
        "format": "txt",
        "year": 2026,
    }


def test_what_hardly_answers_is_left_out_unless_it_is_asked_for(call, kb):
    def scores(**arguments):
        found = call("search", query="Was kostet ein Brief nach Peru?", **arguments)
        return [each["score"] for each in found.structured_content["hits"]]

    every = scores(min_score=0)
    assert len(every) > len(scores()) > 0
    assert scores() == [score for score in every if score >= kb.least_score]


def test_other_formulations_help_to_find(call):
    def matched(tool, **arguments):
        found = call(tool, **arguments).structured_content["hits"]
        return {word for hit in found for word in hit["parts"]["matched_terms"]}

    assert "paper" not in matched("search", query="Wasser", min_score=0)
    for tool, name in (("search", "query"), ("ask", "question")):
        assert "paper" in matched(tool, **{name: "Wasser"}, also=["paper"])
    assert "8" in told(call("search", query="Wasser", also=["?"] * 9))


def test_filters_by_language_and_metadata(call):
    def ids(**arguments):
        found = call("search", query="Wasser", min_score=0, k=20, **arguments)
        return {each["document"] for each in found.structured_content["hits"]}

    assert ids() == {"lang", "kurz"}
    assert ids(languages=["EN-gb"]) == {"kurz"}
    assert ids(metadata={"format": "txt", "year": 2026}) == {"lang"}
    assert ids(metadata={"year": "2026"}) == set()  # a text is no number


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search", {}, "query"),
        ("search", {"query": ""}, "query"),
        ("search", {"query": "  "}, "not empty"),
        ("search", {"query": "x" * 2001}, "2000"),
        ("search", {"query": "x", "k": 0}, "k"),
        ("search", {"query": "x", "k": 21}, "20"),
        ("search", {"query": "x", "k": 10**30}, "k"),
        ("search", {"query": "x", "min_score": 2}, "min_score"),
        ("search", {"query": "x", "languages": ["german"]}, "BCP-47"),
        ("search", {"query": "x", "languages": ["de"] * 51}, "50"),
        ("search", {"query": "x", "metadata": {"a' OR 1": 1}}, "filter key"),
        ("search", {"query": "x", "metadata": {"a": [1]}}, "metadata"),
        ("ask", {"question": "x", "answer_language": "klingon"}, "BCP-47"),
        ("fetch", {"id": "../../etc/passwd"}, "no document with the id"),
        ("fetch", {"id": ""}, "id"),
        ("fetch", {"id": "kurz", "start": -1}, "start"),
        ("fetch", {"id": "kurz", "length": 50_001}, "50000"),
        ("delete", {"id": "kurz"}, "Unknown tool"),
    ],
)
def test_what_is_wrong_is_told_as_a_tools_error(call, tool, arguments, message):
    assert message in told(call(tool, **arguments))


def test_an_answer_that_is_not_there(call, quick_components, tmp_path):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as empty:
        answer = call("ask", of=empty, question="Wie lange gilt die Garantie?").structured_content
    assert not answer["supported"]
    assert answer["language"] == "de"
    assert answer["answer"] == "Die Wissensdatenbank enthält keine Antwort auf diese Frage."
    assert answer["citations"] == []


def test_a_model_that_can_not_be_reached_is_a_tools_error(call, quick_components, tmp_path):
    generator = OpenAICompatibleGenerator(
        base_url="http://127.0.0.1:9/v1", model="m", max_retries=0
    )
    components = dataclasses.replace(quick_components, generator=generator)
    settings = Settings.model_validate({"answering": {"min_score": 0, "strictness": "eager"}})
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components, settings=settings) as kb:
        kb.add(DOCUMENTS)
        assert "127.0.0.1:9/v1 can not be reached" in told(call("ask", of=kb, question="Pumpe?"))
    generator.close()


def test_a_crash_keeps_its_words_to_itself(call, kb, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("the password is 4711")

    monkeypatch.setattr(KnowledgeBase, "search", crash)
    assert "4711" not in told(call("search", query="x"))


def test_without_the_package_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "import rag_engine.connectors.mcp_server as server\n"
        "from rag_engine.errors import MissingExtra\n"
        "try:\n    server.build_mcp_server(None)\n"
        "except MissingExtra as error:\n    sys.exit(0 if error.extra == 'mcp' else 2)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
