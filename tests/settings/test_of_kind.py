"""Another kind in a stage: what a command line says over a file of settings."""

from __future__ import annotations

import pytest

from rag_engine import Settings
from rag_engine.errors import SettingsError
from rag_engine.settings import HnswDenseSettings, MilvusDenseSettings, PlainRetrievalSettings


def test_what_both_kinds_know_is_kept():
    graph = Settings(dense=HnswDenseSettings(m=16, storage="sq4"))
    moved = graph.of_kind("dense", "milvus")
    assert moved.dense == MilvusDenseSettings(m=16)
    assert moved.chunking is graph.chunking
    assert graph.dense.kind == "hnsw"


def test_a_baseline_in_spite_of_settings_that_it_does_not_use():
    table = {"retrieval": {"pool": 9, "late_interaction_pool": 5}, "answering": {"min_score": 0.5}}
    settings = Settings.model_validate(table)
    plain = settings.of_kind("retrieval", "rrf")
    assert plain.retrieval == PlainRetrievalSettings(mode="rrf", pool=9)
    assert "min_score" not in plain.model_dump()["answering"]
    assert Settings.checked(plain.model_dump(), origin="x").retrieval == plain.retrieval


@pytest.mark.parametrize(
    ("stage", "kind", "told"),
    [
        ("dense", "tree", r"dense\.kind is one of 'auto', .*'langchain' \(got 'tree'\)"),
        ("embedder", "exported", r"embedder\.model is missing: kind = 'exported' needs it"),
        ("dense", "ivf-pq", r"dense\.exact_below: .*4096 \(got 10\)"),
    ],
)
def test_what_can_not_be_had(stage, kind, told):
    settings = Settings.model_validate({"dense": {"exact_below": 10}})
    with pytest.raises(SettingsError, match=told):
        settings.of_kind(stage, kind)
