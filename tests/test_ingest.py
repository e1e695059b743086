"""The write path below ``KnowledgeBase``: what it makes of documents before they are stored."""

from __future__ import annotations

import dataclasses

import pytest

from rag_engine import Document
from rag_engine.ingest import batches, prepare
from rag_engine.settings import ChunkingSettings
from tests.doubles import HashEmbedder

TEXT = " ".join(f"Pumpe {number} läuft leise." for number in range(80))


@pytest.mark.parametrize(
    ("window", "longest"), [(64, 32), (96, 48), (192, 96), (200, 104), (512, 256)]
)
def test_chunks_leave_room_in_the_window_of_the_model(quick_components, window, longest):
    embedder = HashEmbedder()
    embedder.max_tokens = window
    components = dataclasses.replace(quick_components, embedder=embedder)
    document = Document(id="pump", text=TEXT)
    (stored,) = prepare([document], components, ChunkingSettings(max_tokens=256))
    tokens = embedder.count_tokens([each.chunk.text for each in stored.chunks])
    assert 0.75 * longest < max(tokens) <= longest


def test_the_first_batches_are_small_and_every_document_is_in_one():
    documents = [Document(id=str(number), text="word " * 1_000) for number in range(300)]
    parts = list(batches(documents))
    assert [len(part) for part in parts[:4]] == [10, 20, 40, 80]
    assert max(len(part) for part in parts) == 80
    assert [document for part in parts for document in part] == documents
