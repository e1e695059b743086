"""Texts and keys go where the one who opens has them go, and to no stranger's server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors import wiring
from rag_engine.connectors.abortable import AbortableClient
from rag_engine.connectors.trusted_servers import check_server, check_stored_servers
from rag_engine.connectors.wiring import build_embedder, build_reranker
from rag_engine.errors import ServiceUnreachable, SettingsError
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.settings import read_stored
from tests.doubles import HashEmbedder

KEY, ENV = "sk-the-owners-own", "RAG_ENGINE_LLM_API_KEY"
URL = "https://llm.example.org/v1"
TABLES = {
    "embedder": {"kind": "openai-compatible", "model": "m", "base_url": URL},
    "reranker": {"kind": "http", "model": "m", "base_url": URL},
    "generator": {"kind": "openai-compatible", "model": "m", "base_url": URL},
}
WRITES = Settings.model_validate(
    {"generator": TABLES["generator"], "answering": {"min_score": 0, "strictness": "eager"}}
)


@pytest.fixture
def sent(monkeypatch):
    """Return the headers of every request; none leaves this machine."""
    headers = []

    def post(self, url, body, given, cancellation):
        headers.append(given)
        raise ServiceUnreachable("no network in tests")

    monkeypatch.setattr(AbortableClient, "post", post)
    monkeypatch.setattr("rag_engine.connectors.retries._sleep", lambda seconds: None)
    monkeypatch.delenv("RAG_ENGINE_TRUSTED_SERVERS", raising=False)
    return headers


@pytest.fixture
def strangers(tmp_path: Path):
    """Return a knowledge base whose own settings name a server."""
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, settings=WRITES, embedder=HashEmbedder()) as kb:
        kb.add([Document(id="1", text="Die Pumpe braucht Wasser.")])
    return path


def ask(path: Path, **options):
    with KnowledgeBase.open(path, embedder=HashEmbedder(), read_only=True, **options) as kb:
        assert kb.search("Pumpe", k=1)  # needs no language model
        with pytest.raises((ServiceUnreachable, SettingsError)) as failed:
            kb.ask("Pumpe")
    return failed


@pytest.mark.parametrize("key", [KEY, None])
def test_opening_a_strangers_sends_nothing(strangers, sent, monkeypatch, key):
    monkeypatch.setenv(ENV, KEY) if key else monkeypatch.delenv(ENV, raising=False)
    failed = ask(strangers)
    assert failed.type is SettingsError
    told = str(failed.value)
    for part in (URL, "nothing is sent there", "set RAG_ENGINE_TRUSTED_SERVERS=llm.example.org,"):
        assert part in told
    assert KEY not in told
    assert sent == []


def test_a_key_is_sent_where_it_was_said(strangers, sent, monkeypatch):
    bearer = {"Authorization": f"Bearer {KEY}"}
    monkeypatch.setenv(ENV, KEY)
    assert ask(strangers, settings=WRITES).type is ServiceUnreachable
    assert sent.pop() == bearer
    monkeypatch.setenv("RAG_ENGINE_TRUSTED_SERVERS", "other.example, LLM.example.org")
    assert ask(strangers).type is ServiceUnreachable
    assert sent.pop() == bearer


@pytest.mark.parametrize("stage", ["embedder", "reranker"])
def test_every_part_that_asks_a_server_asks_no_strangers(stage, sent):
    def asked(settings: Settings):
        if stage == "embedder":
            return build_embedder(settings.embedder).embed_queries(["x"])
        return build_reranker(settings.reranker, None).score("x", ["y"])

    data = {stage: TABLES[stage]}
    with pytest.raises(SettingsError, match=r"llm\.example\.org.* nothing is sent there"):
        asked(read_stored(data, origin="kb"))
    assert sent == []
    with pytest.raises(ServiceUnreachable):
        asked(Settings.model_validate(data))
    assert len(sent) >= 1


def test_a_strangers_milvus_is_refused(monkeypatch):
    monkeypatch.delenv("RAG_ENGINE_TRUSTED_SERVERS", raising=False)
    data = {"dense": {"kind": "milvus"}, "milvus": {"uri": "https://db.example.org:19530"}}
    stored = read_stored(data, origin="kb")
    with pytest.raises(SettingsError, match=r"TRUSTED_SERVERS=db\.example\.org:19530,"):
        check_stored_servers(stored)
    with pytest.raises(SettingsError, match=r"db\.example\.org"):
        check_stored_servers(stored.of_kind("dense", "milvus"))
    check_stored_servers(Settings.model_validate(data))
    check_stored_servers(read_stored({"milvus": data["milvus"]}, origin="kb"))  # nobody uses it
    monkeypatch.setenv("RAG_ENGINE_TRUSTED_SERVERS", "db.example.org:19530")
    check_stored_servers(stored)


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("", "http://localhost:8000/v1"),
        ("", "http://127.0.0.1:1/v1"),
        ("", "https://[::1]/v1"),
        ("api.example.com", "https://API.example.com:443/v1"),
        ("https://api.example.com/v1", "https://api.example.com/other"),
        ("a.example,  http://10.0.0.5:8000", "http://10.0.0.5:8000/v1"),
    ],
)
def test_who_is_named(named, address, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_TRUSTED_SERVERS", named)
    check_server(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com/v1",  # not encrypted
        "https://api.example.com:8443/v1",
        "https://api.example.com.evil.example/v1",
        "https://evil.example/api.example.com",
        "https://api.example.com@evil.example/v1",
        r"https://evil.example\@api.example.com/v1",
        "https://evil.example#@api.example.com/v1",
        "https://localhost.evil.example/v1",
        "http://0.0.0.0/v1",
        "",
    ],
)
def test_who_is_not(address, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_TRUSTED_SERVERS", "api.example.com")
    with pytest.raises(SettingsError, match="nothing is sent there"):
        check_server(address)


@pytest.mark.parametrize("named", ["*", "https://", "a b@c"])
def test_what_names_no_server_is_told(named, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_TRUSTED_SERVERS", named)
    with pytest.raises(SettingsError, match="which is no server; name servers as"):
        check_server(URL)


def test_the_command_and_the_service_say_what_to_do(tmp_path, sent, monkeypatch, capsys):
    monkeypatch.setattr(wiring, "build_embedder", lambda settings: HashEmbedder())
    path, toml, texts = tmp_path / "kb", tmp_path / "rag.toml", tmp_path / "a.txt"
    toml.write_text(f'[generator]\nkind = "openai-compatible"\nmodel = "m"\nbase_url = "{URL}"\n')
    texts.write_text("Die Pumpe braucht Wasser.", encoding="utf-8")
    assert main(["index", str(texts), "--kb", str(path), "--settings", str(toml)]) == 0
    monkeypatch.setenv(ENV, KEY)
    assert main(["search", "Pumpe", "--kb", str(path), "--json"]) == 0
    capsys.readouterr()
    asked = ["ask", "Was braucht die Pumpe?", "--strictness", "eager", "--kb", str(path), "--json"]
    assert main(asked) != 0
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["type"] == "SettingsError"
    assert "RAG_ENGINE_TRUSTED_SERVERS=llm.example.org" in told["message"]
    with (
        pytest.raises(SettingsError, match="RAG_ENGINE_TRUSTED_SERVERS"),
        open_service(ServeOptions(kb=path, read_only=True)),
    ):
        pass
    assert sent == []
