"""A write that is stopped between two steps: documents are wholly there, or wholly absent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase, ingest
from rag_engine.components import Components
from rag_engine.errors import WriteStopped
from rag_engine.ingest import prepare
from rag_engine.settings import ChunkingSettings
from rag_engine.store.progress import never
from tests.doubles import HashEmbedder

DOCUMENTS = [
    Document(id=f"d{n:03}", text=" ".join(f"Satz {n} {m} handelt von Pumpen." for m in range(60)))
    for n in range(12)
]


def stop_at(call: int) -> Callable[[], bool]:
    """Say so when asked for the ``call``-th time."""
    calls = iter(range(1, 1_000_000))
    return lambda: next(calls) >= call


def steps(components: Components) -> int:
    """Count how often a batch of four documents asks."""
    asked = []
    prepare(
        DOCUMENTS[:4],
        components,
        ChunkingSettings(),
        lambda: bool(asked.append(1)),
    )
    return len(asked)


def test_at_whatever_step_whole_batches_are_kept_and_the_rest_is_not(
    tmp_path: Path, quick_components, monkeypatch
):
    monkeypatch.setattr(ingest, "BATCH_DOCUMENTS", 4)
    monkeypatch.setattr(ingest, "_STEP_TEXTS", 2)
    a_batch = steps(quick_components) + 2  # and before it, and before its transaction
    assert a_batch > 4
    for call in range(1, 3 * a_batch + 1):
        path = tmp_path / str(call)
        with KnowledgeBase.open(path, components=quick_components) as kb:
            with pytest.raises(WriteStopped) as stopped:
                kb.add(DOCUMENTS, stop=stop_at(call))
            kept = 4 * ((call - 1) // a_batch)
            assert stopped.value.kept == kept
            assert kb.document_ids() == [each.id for each in DOCUMENTS[:kept]]
            assert [kb.document(each.id) for each in DOCUMENTS[:kept]] == DOCUMENTS[:kept]
        if call % a_batch == 0:
            with KnowledgeBase.open(path, components=quick_components) as kb:
                assert kb.add(DOCUMENTS).unchanged == kept
                assert kb.check().problems == []
                assert len(kb.document_ids()) == len(DOCUMENTS)


def test_one_that_is_not_stopped_writes_the_same(quick_components, monkeypatch):
    settings = ChunkingSettings()
    whole = prepare(DOCUMENTS, quick_components, settings)
    monkeypatch.setattr(ingest, "_STEP_TEXTS", 3)
    in_steps = prepare(DOCUMENTS, quick_components, settings, lambda: False)
    assert len(whole) == len(in_steps) == len(DOCUMENTS)
    for one, other in zip(whole, in_steps, strict=True):
        assert one.document == other.document
        assert len(one.chunks) == len(other.chunks) > 0
        for mine, theirs in zip(one.chunks, other.chunks, strict=True):
            assert mine.chunk == theirs.chunk
            assert mine.terms == theirs.terms
            np.testing.assert_array_equal(mine.vector, theirs.vector)


def test_who_stops_nothing_embeds_all_texts_at_once(quick_components, monkeypatch):
    monkeypatch.setattr(ingest, "_STEP_TEXTS", 2)
    calls: list[int] = []

    class Counting(HashEmbedder):
        def embed_passages(self, texts):
            calls.append(len(texts))
            return super().embed_passages(texts)

    components = dataclasses.replace(quick_components, embedder=Counting())
    prepare(DOCUMENTS, components, ChunkingSettings(), never)
    assert len(calls) == 1
    del calls[:]
    prepare(DOCUMENTS, components, ChunkingSettings(), lambda: False)
    assert max(calls) <= 2


def test_a_file_that_is_stopped_is_read_again(tmp_path: Path, quick_components, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_DOCUMENTS", 4)
    rows = [json.dumps({"id": f"r{n}", "text": f"Zeile {n} über Seile."}) for n in range(10)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        with pytest.raises(WriteStopped) as stopped:  # before the second batch is embedded
            kb.add_file(path, source="rows.jsonl", stop=lambda: len(kb.document_ids()) == 4)
        assert stopped.value.kept == len(kb.document_ids()) == 4
        assert kb.sources() == {"rows.jsonl": b""}
        report = kb.add_file(path, source="rows.jsonl", stop=lambda: False)
        assert (report.added, report.unchanged) == (6, 4)
        assert len(kb.document_ids()) == 10
        assert kb.sources()["rows.jsonl"]


def test_a_file_of_nothing_but_problems_can_be_stopped(tmp_path: Path, quick_components):
    path = tmp_path / "rows.jsonl"
    path.write_text("{\n" * 10, encoding="utf-8")
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        with pytest.raises(WriteStopped) as stopped:
            kb.add_file(path, source="rows.jsonl", stop=stop_at(3))
        assert stopped.value.kept == 0
        assert len(kb.add_file(path, source="rows.jsonl", stop=lambda: False).problems) == 10


def test_closed_without_publishing_the_index_is_built_by_the_next(tmp_path, quick_components):
    kb = KnowledgeBase.open(tmp_path / "kb", components=quick_components)
    kb.add(DOCUMENTS)
    kb.close(publish=False)
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as again:
        assert not again.inspect().published
        assert len(again.document_ids()) == len(DOCUMENTS)
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as again:
        assert again.inspect().published
