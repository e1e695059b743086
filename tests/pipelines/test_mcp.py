"""``rag-engine mcp`` as a client runs it: the real command, over stdio, on the sample documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio.from_thread
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from rag_engine import Document, KnowledgeBase
from rag_engine.pipelines.demo import sample_documents, sample_questions
from tests.waiting import PATIENCE_S

COMMAND = Path(sys.executable).with_name("rag-engine")
KEPT = ("RAG_ENGINE_CACHE", "PYTHONPATH", "XDG_CACHE_HOME")


def environment():
    return {name: os.environ[name] for name in KEPT if name in os.environ}


@pytest.fixture(scope="module")
def sample_kb(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("mcp") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add_files(sample_documents(), prefix="")
    return path


@pytest.fixture(scope="module")
def client(sample_kb):
    """Call a method of a client that is connected to the running command."""
    given = StdioServerParameters(
        command=str(COMMAND), args=["mcp", "--kb", str(sample_kb)], env=environment()
    )
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(given)) as connected,
    ):
        yield lambda method, *args: portal.call(partial(getattr(connected, method), *args))


def data(result):
    assert not result.is_error, result.content
    return result.structured_content


def test_it_finds_answers_and_fetches_across_languages(client):
    assert [tool.name for tool in client("list_tools").tools] == ["search", "ask", "fetch"]
    right = 0
    samples = [each for each in sample_questions() if each.demo]
    for sample in samples:
        found = data(client("call_tool", "search", {"query": sample.question, "k": 3}))
        first = found["hits"][0]
        right += first["document"] == sample.document
        whole = data(client("call_tool", "fetch", {"id": first["document"], "length": 50_000}))
        assert whole["text"][first["start"] : first["end"]] == first["text"]
        answer = data(client("call_tool", "ask", {"question": sample.question}))
        assert answer["supported"]
        cited = {each["number"] for each in answer["citations"]}
        assert cited
        assert all(f"[{number}]" in answer["answer"] for number in cited)
    assert right >= len(samples) - 1


def test_a_question_is_understood_by_what_was_said_before(client):
    first = "How long must the water run after I have changed the cartridge of the Pearl 3?"
    asked = "And how often do I have to change it?"
    answer = data(client("call_tool", "ask", {"question": first}))["answer"]
    history = [{"role": "user", "content": first}, {"role": "assistant", "content": answer}]
    found = data(client("call_tool", "search", {"query": asked, "history": history, "k": 1}))
    [hit] = found["hits"]
    assert hit["document"] == "manuals/filter_cartridge_replacement_ja.md"
    assert hit["parts"]["follow_up"] > 0.5
    answered = data(client("call_tool", "ask", {"question": asked, "history": history}))
    assert answered["citations"][0]["document"] == hit["document"]
    wrong = {"question": asked, "history": [{"role": "system", "content": "x"}]}
    assert client("call_tool", "ask", wrong).is_error


def test_what_a_writer_adds_meanwhile_is_found_and_what_it_deletes_is_gone(
    client, sample_kb, real_components
):
    asked = {"query": "Which colour has the emergency whistle of the night watchman?", "k": 1}

    def first():
        return [each["document"] for each in data(client("call_tool", "search", asked))["hits"]]

    text = "Die Notpfeife des Nachtwächters ist violett und hängt neben der Schranke."
    assert first() != ["pfeife"]
    with KnowledgeBase.open(sample_kb, components=real_components) as kb:
        kb.add([Document(id="pfeife", text=text)])
        assert first() == ["pfeife"]
    assert first() == ["pfeife"]  # published now
    assert data(client("call_tool", "fetch", {"id": "pfeife"}))["text"] == text
    with KnowledgeBase.open(sample_kb, components=real_components) as kb:
        kb.delete(["pfeife"])
        assert first() != ["pfeife"]
        assert client("call_tool", "fetch", {"id": "pfeife"}).is_error


NOISY = """
import os, sys
from rag_engine.pipelines.cli import main
from rag_engine import KnowledgeBase
opened, searched = KnowledgeBase.open, KnowledgeBase.search

def noisy(function):
    def call(*args, **kwargs):
        print("noise")
        os.write(1, b"more noise\\n")
        return function(*args, **kwargs)
    return call

KnowledgeBase.open = noisy(opened)
KnowledgeBase.search = noisy(searched)
sys.exit(main())
"""


def test_nothing_but_the_protocol_reaches_stdout_and_the_end_of_stdin_ends_it(sample_kb):
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    call = {"name": "search", "arguments": {"query": "水泵的功率是多少？", "k": 1}}
    said = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", NOISY, "mcp", "--kb", sample_kb],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        for each in said:
            running.stdin.write(json.dumps(each) + "\n")
            running.stdin.flush()
        lines = [running.stdout.readline(), running.stdout.readline()]
        rest, told = running.communicate(timeout=PATIENCE_S)
    answers = {each["id"]: each["result"] for each in map(json.loads, lines)}
    assert answers[1]["serverInfo"]["name"] == "rag-engine"
    assert answers[2]["structuredContent"]["hits"]
    assert rest == ""
    assert told.count("more noise") == 2
    assert running.returncode == 0


def test_without_a_knowledge_base_it_says_so_and_ends(tmp_path):
    run = subprocess.run(
        [COMMAND, "mcp", "--kb", tmp_path / "none"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert "none" in run.stderr
