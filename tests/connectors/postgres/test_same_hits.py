"""The same hits and scores as in a folder, on the small corpus that the demonstration brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import KnowledgeBase

SAMPLE = Path(__file__).resolve().parents[3] / "pipelines" / "sample_kb"
QUESTIONS = [
    "How often does the seal have to be replaced?",
    "Wie lange gilt die Garantie?",
    "¿Cuál es la temperatura máxima?",
    "水",
    "What must I do before cleaning?",
    "Quels documents faut-il ?",
]


def test_the_same_hits_and_scores(kb_address, tmp_path, real_components):
    with (
        KnowledgeBase.open(tmp_path / "kb", components=real_components) as folder,
        KnowledgeBase.open(kb_address, components=real_components) as server,
    ):
        reports = [kb.add_files(SAMPLE) for kb in (folder, server)]
        assert reports[0] == reports[1]
        assert reports[0].added > 10
        assert server.add_files(SAMPLE).unchanged_files == reports[1].files
        found = 0
        for question in QUESTIONS:
            wanted, hits = folder.search(question, k=20), server.search(question, k=20)
            assert [(h.chunk, h.title, h.source, h.metadata) for h in hits] == [
                (h.chunk, h.title, h.source, h.metadata) for h in wanted
            ]
            assert [h.score for h in hits] == pytest.approx([h.score for h in wanted], abs=1e-4)
            found += len(hits)
        assert found > 20
        told = [kb.inspect() for kb in (folder, server)]
        assert told[0].languages == told[1].languages
        assert told[0].contract == told[1].contract
