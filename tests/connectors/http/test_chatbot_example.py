"""The chatbot of the README: it streams, keeps conversations apart and understands follow-ups."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from rag_engine import KnowledgeBase
from rag_engine.pipelines.demo import sample_documents
from tests.connectors.scripted_server import scripted_server
from tests.readme_blocks import python_block

FIRST = "How long must the water run after I have changed the cartridge of the Pearl 3?"
FOLLOW_UP = "Et tous les combien faut-il la changer ?"
STANDING_ALONE = "Tous les combien faut-il changer la cartouche du filtre Pearl 3 ?"
FILTER = "manuals/filter_cartridge_replacement_ja.md"


@pytest.fixture
def model():
    """A server of OpenAI's protocol that writes questions anew, and answers with the first mark."""
    with scripted_server() as server:
        server.script[:] = [_written]
        yield server


def _written(handler, request):
    asked = request.body["messages"][-1]["content"]
    pieces = ["Tous les six ", "mois [1]."] if "<source-" in asked else [STANDING_ALONE]
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for piece in pieces:
        event = {"choices": [{"delta": {"content": piece}, "finish_reason": None}]}
        handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
    handler.wfile.write(b"data: [DONE]\n\n")
    handler.close_connection = True


@pytest.fixture
def chatbot(tmp_path, monkeypatch, model):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add_files(sample_documents(), prefix="")
    toml = f'[generator]\nkind = "openai-compatible"\nbase_url = "{model.url}"\nmodel = "m"\n'
    (tmp_path / "chat.toml").write_text(toml)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "chat"}
    block = python_block("connectors/http/README.md", "FastAPI")
    assert len([line for line in block.splitlines() if line.strip()]) <= 32
    exec(compile(block, "chat.py", "exec", dont_inherit=True), names)
    with TestClient(names["app"]) as client:
        yield client
    names["kb"].close()


def said(client, conversation, question):
    with client.stream(
        "POST", "/chat", json={"conversation": conversation, "question": question}
    ) as got:
        assert got.status_code == 200
        return "".join(got.iter_text())


def test_a_follow_up_in_another_language_is_understood(chatbot, model):
    first = said(chatbot, "a", FIRST)
    assert first.splitlines()[0].endswith("[1].")
    assert first.splitlines()[-1] == f"[1] {FILTER}"
    assert len(model.requests) == 1  # nothing was said before
    second = said(chatbot, "a", FOLLOW_UP)
    assert second.splitlines() == ["Tous les six mois [1].", f"[1] {FILTER}"]
    rewriting, answering = (
        request.body["messages"][-1]["content"] for request in model.requests[1:]
    )
    assert FIRST in rewriting
    assert "French" in rewriting
    assert STANDING_ALONE in answering


def test_conversations_are_kept_apart(chatbot, model):
    said(chatbot, "a", FIRST)
    said(chatbot, "b", "Bis wann kann man Ware zurückgeben?")
    assert all("<conversation-" not in str(request.body) for request in model.requests)


@pytest.mark.parametrize("question", ["", "  ", "x" * 2_001])
def test_what_is_no_question_is_refused(chatbot, model, question):
    body = {"conversation": "a", "question": question}
    assert chatbot.post("/chat", json=body).status_code == 422
    assert model.requests == []
