"""When a new generation is worth building."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.store import index as index_module


def documents(first: int, last: int) -> list[Document]:
    return [Document(id=f"d{n}", text=f"Regel Nummer {n}.") for n in range(first, last)]


@pytest.fixture
def path(tmp_path: Path, quick_components, monkeypatch) -> Path:
    """A knowledge base of 300 chunks that counts as large: three changes are left."""
    monkeypatch.setattr(index_module, "_SMALL", 300)
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(documents(0, 300))
    return tmp_path / "kb"


def generation(path: Path, components) -> int:
    with KnowledgeBase.open(path, components=components, read_only=True) as kb:
        return kb.inspect().generation


def test_a_few_changes_to_a_large_one_are_replayed_instead(path: Path, quick_components):
    before = generation(path, quick_components)
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(documents(300, 302))
        assert kb.delete(["d7"]) == ["d7"]
    assert generation(path, quick_components) == before
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as kb:
        assert not kb.inspect().published
        assert kb.search("Regel Nummer 301.", k=1)[0].chunk.document_id == "d301"
        assert "d7" not in {hit.chunk.document_id for hit in kb.search("Regel Nummer 7.", k=300)}


def test_changes_add_up_over_openings(path: Path, quick_components):
    before = generation(path, quick_components)
    for number in range(300, 304):
        assert generation(path, quick_components) == before
        with KnowledgeBase.open(path, components=quick_components) as kb:
            kb.add(documents(number, number + 1))
    assert generation(path, quick_components) > before
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as kb:
        assert kb.inspect().published


def test_whoever_asks_for_it_gets_it(path: Path, quick_components):
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(documents(300, 301))
        kb.publish(only_if_due=True)
        assert not kb.inspect().published
        kb.publish()
        assert kb.inspect().published


def test_any_change_to_a_small_one_is_published(tmp_path: Path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(documents(0, 299))
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.delete(["d7"])
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        assert kb.inspect().published
