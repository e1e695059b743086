"""A backup of a knowledge base whose vectors are in Milvus: what is there is built anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
from rag_engine.connectors.milvus.service import MilvusService
from rag_engine.settings import MilvusSettings
from rag_engine.store.backup import restore_store
from tests.samples import RULES, ids


@pytest.fixture
def components(milvus_lite, quick_components):
    service = MilvusService(MilvusSettings(uri=milvus_lite, prefix="kb"))
    yield dataclasses.replace(quick_components, dense=MilvusIndexFactory(service=service))
    service.close()


def test_what_is_in_the_service_is_not_copied_and_built_anew(tmp_path: Path, components):
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add(RULES)
        kb.publish()
        report = kb.backup(tmp_path / "backup")
        assert not report.index
        assert (report.index_left_out or "").startswith("it lies in a service (milvus ")
        assert not (tmp_path / "backup" / "manifest.json").exists()
        kb.add([Document(id="neu", text="Neue Dichtung")])
    restore_store(tmp_path / "backup", tmp_path / "again")
    # It has collections of its own, and those of the first stay.
    with KnowledgeBase.open(tmp_path / "again", components=components) as again:
        assert len(again.search("Dichtung")) == len(RULES)
        again.publish()
        again.delete(["pump"])
    with KnowledgeBase.open(tmp_path / "kb", components=components, read_only=True) as kb:
        assert "pump" in ids(kb.search("Dichtung"))
        assert len(kb.search("Dichtung")) == len(RULES) + 1
