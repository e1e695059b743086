"""Settings that version 0.1 stored: every field of every kind, literally as it wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.errors import SettingsError
from rag_engine.settings import (
    CrossEncoderRerankerSettings,
    HybridRetrievalSettings,
    IvfPqDenseSettings,
    NoRerankerSettings,
    OpenAICompatibleGeneratorSettings,
    SentenceTransformerEmbedderSettings,
    read_stored,
)
from tests.kept_data import change_meta
from tests.samples import PUMP, ids

V0_1 = """{"chunking": {"max_tokens": 256, "overlap_sentences": 1, "include_heading": true},
"embedder": {"kind": "bundled", "model": "", "adapter": true, "base_url": "",
"api_key_env": "RAG_ENGINE_EMBEDDINGS_API_KEY", "query_prompt": null, "passage_prompt": null,
"device": "auto", "precision": "auto", "truncate_dim": null, "threads": 0, "token_vectors": true},
"dense": {"kind": "auto", "exact_below": 20000, "compact_from": 200000, "storage": "auto",
"device": "cpu", "m": 32, "ef_construction": 200, "ef_search": 128},
"milvus": {"uri": "http://localhost:19530", "token_env": "RAG_ENGINE_MILVUS_TOKEN", "database": "",
"prefix": "rag_engine", "ca_file": "", "timeout_s": 30.0, "batch_mb": 8},
"lexical": {"kind": "tantivy"}, "fairness": {"enabled": true},
"retrieval": {"mode": "hybrid", "pool": 100, "late_interaction": true, "late_interaction_pool": 30,
"rerank_pool": 50, "group_twins": true}, "reranker": {"model": "", "device": "auto"},
"generator": {"kind": "extractive", "model": "", "base_url": "",
"api_key_env": "RAG_ENGINE_LLM_API_KEY", "timeout_s": 60.0, "max_tokens": 512},
"answering": {"hits": 8, "min_score": 0.03, "context_tokens": 1500},
"loaders": {"text_columns": [], "title_column": "", "id_column": "", "metadata_columns": null,
"max_file_mb": 200, "timeout_s": 20.0}}"""


def changed(**tables: dict[str, object]) -> dict[str, dict[str, object]]:
    data = json.loads(V0_1)
    for stage, table in tables.items():
        data[stage] |= table
    return data


def test_its_defaults_are_the_defaults():
    assert read_stored(json.loads(V0_1), origin="kb") == Settings()


def test_its_loaders_are_written_as_before_so_that_no_file_is_read_anew():
    before = json.dumps(json.loads(V0_1)["loaders"], separators=(",", ":"))
    assert Settings().loaders.model_dump_json() == before


def test_every_kind_keeps_its_own():
    settings = read_stored(
        changed(
            embedder={"kind": "sentence-transformer", "model": "m", "device": "cuda"},
            dense={"kind": "ivf-pq", "exact_below": 10},
            retrieval={"rerank_pool": 20, "pool": 70},
            reranker={"model": "r", "device": "cpu"},
            generator={"kind": "openai-compatible", "model": "g", "base_url": "http://h/v1"},
        ),
        origin="kb",
    )
    assert settings.embedder == SentenceTransformerEmbedderSettings(model="m", device="cuda")
    assert settings.dense == IvfPqDenseSettings(exact_below=4_096)
    assert settings.retrieval == HybridRetrievalSettings(pool=70)
    assert settings.reranker == CrossEncoderRerankerSettings(model="r", device="cpu", pool=20)
    generator = OpenAICompatibleGeneratorSettings(model="g", base_url="http://h/v1")
    assert settings.generator == generator
    written = json.loads(settings.model_dump_json())
    assert read_stored(written, origin="kb") == settings
    assert Settings.checked(written, origin="x") == settings  # nothing without effect is written


@pytest.mark.parametrize("mode", ["dense", "lexical", "rrf", "bm25"])
def test_baselines(mode):
    settings = read_stored(changed(retrieval={"mode": mode, "pool": 9}), origin="kb")
    assert (settings.retrieval.mode, settings.retrieval.pool) == (mode, 9)
    assert isinstance(settings.reranker, NoRerankerSettings)
    assert Settings.checked(settings.model_dump(), origin="x") == settings


def test_milvus_on_both_sides():
    data = changed(dense={"kind": "milvus", "m": 16}, milvus={"uri": "a.db"})
    settings = read_stored(data, origin="kb")
    assert (settings.dense.kind, settings.milvus.uri) == ("milvus", "a.db")
    assert Settings.checked(settings.model_dump(), origin="x") == settings


def test_what_no_version_wrote_is_still_refused():
    with pytest.raises(SettingsError, match=r"kb: dense\.kindd is not permitted"):
        read_stored(changed(dense={"kindd": "hnsw"}), origin="kb")


def test_a_knowledge_base_of_its_opens(tmp_path: Path):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path) as kb:
        kb.add([PUMP])
    change_meta(path, "settings", lambda _: V0_1)
    with KnowledgeBase.open(path) as kb:
        assert kb.settings == Settings()
        assert ids(kb.search("Pumpe")) == [PUMP.id]
        kb.keep_settings()
    with KnowledgeBase.open(path, read_only=True) as kb:
        assert kb.settings == Settings()
