"""Token vectors of 0.7 and before are written anew by one command; nothing else changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.components import Components, default_components
from rag_engine.errors import InvalidInput, StoreError, StoreLocked
from rag_engine.pipelines.cli import main
from rag_engine.recoding import recode_tokens
from tests.samples import RULES

QUESTIONS = [
    "Darf mein Hund mit in den Bus?",
    "How long may I keep a book?",
    "Quand part le bateau ?",
]


@pytest.fixture(scope="module")
def parts() -> Components:
    return default_components(Settings())


@pytest.fixture
def old(tmp_path: Path, parts: Components) -> Path:
    """A knowledge base whose tokens are kept in eight bits."""
    assert parts.token_space is not None
    in_eight_bits = replace(parts, token_space=replace(parts.token_space, bits=8))
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=in_eight_bits) as kb:
        kb.add(RULES)
    return path


def _token_bytes(path: Path) -> int:
    with closing(sqlite3.connect(path / "catalogue.sqlite")) as connection:
        [(count,)] = connection.execute("SELECT sum(length(data)) FROM token_vectors")
    return int(count)


def _scores(path: Path, parts: Components) -> list[dict[str, float]]:
    with KnowledgeBase.open(path, components=parts, read_only=True) as kb:
        return [
            {hit.chunk.document_id: hit.score for hit in kb.search(question, k=5)}
            for question in QUESTIONS
        ]


def test_an_old_one_goes_on_in_eight_bits(old: Path, parts: Components):
    before = _token_bytes(old)
    with KnowledgeBase.open(old, components=parts) as kb:
        kb.add([replace(RULES[0], id="again")])
        assert kb.check().problems == []
    assert _token_bytes(old) > before * (1 + 1 / len(RULES) / 3)


def test_they_are_written_anew(old: Path, parts: Components):
    before, scores = _token_bytes(old), _scores(old, parts)
    assert recode_tokens(old, components=parts)
    assert not recode_tokens(old, components=parts)
    after = _token_bytes(old)
    assert after < 0.7 * before  # short texts, each with moments of its own
    with KnowledgeBase.open(old, components=parts) as kb:
        assert kb.check().problems == []
        documents = {rule.id: kb.document(rule.id) for rule in RULES}
    assert documents == {rule.id: rule for rule in RULES}
    for one, other in zip(scores, _scores(old, parts), strict=True):
        assert max(one, key=one.__getitem__) == max(other, key=other.__getitem__)
        assert all(abs(one[name] - other[name]) < 0.1 for name in one.keys() & other.keys())


def test_a_new_one_is_the_same_as_a_recoded_one(old: Path, tmp_path: Path, parts: Components):
    with KnowledgeBase.open(tmp_path / "new", components=parts) as kb:
        kb.add(RULES)
    recode_tokens(old, components=parts)
    ratio = _token_bytes(old) / _token_bytes(tmp_path / "new")
    assert ratio == 1
    for one, other in zip(_scores(old, parts), _scores(tmp_path / "new", parts), strict=True):
        assert one == pytest.approx(other, abs=0.02)


def test_the_command(old: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["compact", "--kb", str(old), "--small-tokens"]) == 0
    assert "two bits now" in capsys.readouterr().out
    assert main(["compact", "--kb", str(old), "--small-tokens"]) == 0
    assert "two bits now" not in capsys.readouterr().out


def test_whoever_writes_is_not_disturbed(old: Path, parts: Components):
    with KnowledgeBase.open(old, components=parts), pytest.raises(StoreLocked):
        recode_tokens(old, components=parts)


def test_who_reads_it_is_told_to_open_it_again(old: Path, parts: Components):
    with KnowledgeBase.open(old, components=parts, read_only=True) as reader:
        assert reader.search("bus", k=1)
        recode_tokens(old, components=parts)
        with pytest.raises(StoreError, match="open the knowledge base again"):
            reader.search("bus", k=1)


def test_a_copy_that_a_kill_left_goes_when_a_writer_comes(old: Path, parts: Components):
    left = old / "catalogue.sqlite.copy"
    left.write_bytes(b"half of a catalogue")
    KnowledgeBase.open(old, components=parts).close()
    assert not left.exists()


def test_without_tokens_there_is_nothing_to_do(tmp_path: Path, quick_components: Components):
    parts = replace(quick_components, token_space=None)
    with KnowledgeBase.open(tmp_path / "kb", components=parts) as kb:
        kb.add(RULES[:2])
    with pytest.raises(InvalidInput, match="keeps no token vectors"):
        recode_tokens(tmp_path / "kb", components=parts)
