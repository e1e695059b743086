"""Several processes write at once; one is killed, one is stopped and woken, the server restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.postgres import database
from rag_engine.errors import StorageFailed
from rag_engine.store import catalogue
from tests.connectors.postgres.writer import text_of
from tests.doubles import HashEmbedder
from tests.samples import RULES
from tests.store.test_catalogue import stored

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 40


def started(address: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.connectors.postgres.writer", address, name, str(ROUNDS)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def lines_until(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def test_three_writers_one_killed_one_stopped(kb_address):
    embedder = HashEmbedder(32)
    KnowledgeBase.open(kb_address, embedder=embedder).close()
    writers = {name: started(kb_address, name) for name in ("one", "killed", "stopped")}
    lines = {name: lines_until(process, 3) for name, process in writers.items()}
    writers["killed"].send_signal(signal.SIGKILL)
    writers["stopped"].send_signal(signal.SIGSTOP)
    lines["one"] += lines_until(writers["one"], 10)  # who goes on is not held up for ever
    writers["stopped"].send_signal(signal.SIGCONT)
    for name, process in writers.items():
        rest, _ = process.communicate(timeout=300)
        lines[name] += rest.splitlines()
        assert process.returncode == (-signal.SIGKILL if name == "killed" else 0)
    acknowledged = [
        (name, line.split()) for name, told in lines.items() for line in told if line.strip()
    ]
    assert len([name for name, _ in acknowledged if name == "one"]) == ROUNDS
    with KnowledgeBase.open(kb_address, embedder=embedder) as kb:
        assert kb.check().problems == []  # all sums, and no duplicate
        there = set(kb.document_ids())
        for name, (word, turn, *_) in acknowledged:
            if word == "added":
                assert f"{name}-{turn}" in there
        numbers = {int(n) for _, (word, _, *ns) in acknowledged if word == "added" for n in ns}
        assert {f"d{n}" for n in numbers} <= there
        for identifier in there:
            document = kb.document(identifier)
            if identifier.startswith("d"):  # whole, and of one batch of one writer
                words = document.text.split()
                turn, writer = int(words[6]), words[3]
                assert document.text == text_of(writer, turn, int(identifier[1:]))
        assert {hit.chunk.document_id for hit in kb.search("Regel", k=1_000)} <= there
        chunks = kb.inspect().chunks
        assert len(kb.passage_ids()) == chunks
        assert len({hit.chunk_id for hit in kb.search("Regel", k=1_000)}) == min(chunks, 1_000)


def test_a_writer_that_says_nothing_in_the_middle_loses_its_turn(
    kb_address, quick_components, monkeypatch
):
    monkeypatch.setattr(database, "_BEGIN", database._BEGIN.replace("30s", "300ms"))
    with (
        KnowledgeBase.open(kb_address, components=quick_components) as stopped,
        KnowledgeBase.open(kb_address, components=quick_components) as other,
    ):

        def in_the_middle(change, documents):
            time.sleep(1.0)
            insert(change, documents)

        insert = catalogue.insert_documents
        monkeypatch.setattr(catalogue, "insert_documents", in_the_middle)
        with pytest.raises(StorageFailed, match="nothing was changed"):
            stopped._catalogue.replace([stored("late")])
        monkeypatch.undo()
        other.add(RULES)
        stopped.delete(["pump"])
        assert len(other.document_ids()) == 3
        assert other.check().problems == []


def test_a_restart_of_the_server_is_survived(own_postgres, quick_components, tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_ENGINE_CACHE", str(tmp_path / "cache"))
    address = f"{own_postgres.address}?kb=restarted_{os.getpid()}"
    with KnowledgeBase.open(address, components=quick_components) as kb:
        kb.add(RULES)
        assert len(kb.search("Pumpe", k=9)) == 4
        own_postgres.restart()
        assert len(kb.search("Pumpe", k=9)) == 4
        own_postgres.restart()
        kb.add([Document(id="after", text="Nach dem Neustart")])
        own_postgres.stop()
        with pytest.raises(StorageFailed, match="see that the server runs"):
            kb.search("Pumpe")
        with pytest.raises(StorageFailed, match="nothing was changed"):
            kb.delete(["after"])
        own_postgres.start()
        assert kb.delete(["after"]) == ["after"]
        assert len(kb.search("Pumpe", k=9)) == 4


def test_of_a_commit_that_nobody_answered_it_is_said_that_it_may_be_there(
    kb_address, quick_components, monkeypatch
):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(RULES)
        execute = psycopg.Connection.execute

        def cut(self, query, *arguments, **more):
            done = execute(self, query, *arguments, **more)
            if query == "COMMIT":
                self.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            return done

        monkeypatch.setattr(psycopg.Connection, "execute", cut)
        with pytest.raises(StorageFailed, match="is there whole or not at all"):
            kb.delete(["pump"])
        monkeypatch.undo()
        assert kb.delete(["pump"]) == []
        assert len(kb.document_ids()) == 3
