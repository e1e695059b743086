"""Damage on disk is noticed; bits, pages and swapped files: see the trial ``corruption``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.errors import StoreCorrupt
from tests.samples import RULES, ids


def test_an_index_newer_than_its_catalogue_is_refused(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES[:1])
    old = (path / "catalogue.sqlite").read_bytes()
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        kb.compact()
    (path / "catalogue.sqlite").write_bytes(old)
    with pytest.raises(StoreCorrupt, match="moment"):
        KnowledgeBase.open(path, components=quick_components, read_only=True)
    with KnowledgeBase.open(path, components=quick_components) as kb:
        assert ids(kb.search("Pumpe")) == ["pump"]


def test_an_unknown_format_is_refused(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    (path / "manifest.json").write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(StoreCorrupt, match="format 99"):
        KnowledgeBase.open(path, components=quick_components, read_only=True)


def test_an_empty_catalogue_file_is_damage(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    KnowledgeBase.open(path, components=quick_components).close()
    (path / "catalogue.sqlite").write_bytes(b"")
    with pytest.raises(StoreCorrupt):
        KnowledgeBase.open(path, components=quick_components, read_only=True)
