"""A knowledge base of version 0.3 is brought up to date by a writer; a reader says so."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from rag_engine import Document, Equals, KnowledgeBase
from rag_engine.errors import StoreCorrupt, StoreError
from tests.samples import RULES
from tests.store.old_catalogue import make_old

NOTES = [
    Document(id=f"d{n}", text=f"Note {n}.", title=f"T{n}", source="a.txt", metadata={"year": n % 9})
    for n in range(40)
]


@pytest.fixture
def old(tmp_path: Path, quick_components) -> Path:
    """A knowledge base of 0.3, of which documents were deleted."""
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add([*RULES, *NOTES])
        kb.delete(["d39"])
    make_old(path / "catalogue.sqlite")
    return path


def test_a_writer_brings_it_up_to_date(old: Path, quick_components):
    with pytest.raises(StoreError, match="rag-engine compact") as caught:
        KnowledgeBase.open(old, components=quick_components, read_only=True)
    assert not isinstance(caught.value, StoreCorrupt)
    with KnowledgeBase.open(old, components=quick_components) as kb:
        assert [kb.document(note.id) for note in NOTES[:39]] == NOTES[:39]
        assert kb.document("d39") is None
        assert len(kb.search("Note", k=100)) == 43
        found = {hit.chunk.document_id for hit in kb.search("Note", where=Equals("year", 3))}
        assert found == {"d3", "d12", "d21", "d30"}
        kb.add([Document(id="new", text="A new one.")])
        assert kb.check().problems == []
    with KnowledgeBase.open(old, components=quick_components, read_only=True) as kb:
        assert len(kb.document_ids()) == 44


def test_a_damaged_one_is_refused_and_left(old: Path, quick_components):
    path = old / "catalogue.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE document SET title = 'X' WHERE id = 'd7'")
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="'d7'"):
        KnowledgeBase.open(old, components=quick_components)
    assert path.read_bytes() == before
    assert not (old / "catalogue.sqlite.copy").exists()


def test_a_version_that_its_tables_are_not_of_is_damage(tmp_path: Path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(RULES)
    path = tmp_path / "kb" / "catalogue.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
    for read_only in (True, False):
        with pytest.raises(StoreCorrupt, match="not those of schema 2"):
            KnowledgeBase.open(tmp_path / "kb", components=quick_components, read_only=read_only)
