"""Damaged pictures, and who can do without them."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StoreCorrupt
from rag_engine.images.image_store import IMAGES
from tests.doubles import ColourImages
from tests.images.drawn import picture


@pytest.fixture(scope="module")
def components(real_components):
    return dataclasses.replace(real_components, images=ColourImages())


@pytest.fixture
def root(tmp_path, components):
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add([Document(id="pump", text="The pump hums."), picture("IMG 1", "red")])
    return tmp_path / "kb"


def test_texts_are_found_where_no_model_looks_at_the_damaged_pictures(
    root, components, real_components
):
    with sqlite3.connect(root / IMAGES) as other:
        other.execute("UPDATE image SET vector = zeroblob(64)")
    other.close()
    with KnowledgeBase.open(root, components=real_components, read_only=True) as kb:
        assert kb.search("Does the pump hum?")[0].chunk.document_id == "pump"
    with (
        KnowledgeBase.open(root, components=components, read_only=True) as kb,
        pytest.raises(StoreCorrupt, match=r"the vector of .*check --repair"),
    ):
        kb.search("Does the pump hum?")


def test_a_file_that_is_no_database_keeps_nobody_from_the_texts(
    root, components, real_components, caplog
):
    (root / IMAGES).write_bytes(b"no database at all" * 100)
    with KnowledgeBase.open(root, components=real_components, read_only=True) as kb:
        assert kb.search("Does the pump hum?")[0].chunk.document_id == "pump"
        assert kb.thumbnail(kb.search("IMG 1", k=2)[0].image or "ab" * 32) is None
    assert "no pictures are shown" in caplog.text
    with pytest.raises(StoreCorrupt):
        KnowledgeBase.open(root, components=components, read_only=True)
    with pytest.raises(StoreCorrupt):  # a writer would take them for none
        KnowledgeBase.open(root, components=real_components)
