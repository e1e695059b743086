"""No setting goes anywhere without effect: all kinds, all fields, refused or used."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import rag_engine.connectors.dense.auto_index as auto_index
import rag_engine.connectors.dense.faiss_hnsw as faiss_hnsw
import rag_engine.connectors.dense.faiss_ivf as faiss_ivf
import rag_engine.connectors.dense.langchain_index as langchain_index
import rag_engine.connectors.dense.milvus_index as milvus_index
import rag_engine.connectors.embedders.bge_m3 as bge_m3
import rag_engine.connectors.embedders.bundled_e5 as bundled_e5
import rag_engine.connectors.embedders.exported as exported
import rag_engine.connectors.embedders.openai_compatible as openai_embedder
import rag_engine.connectors.embedders.sentence_transformer as sentence_transformer
import rag_engine.connectors.generators.openai_compatible as openai_generator
import rag_engine.connectors.milvus.service as milvus_service
import rag_engine.connectors.rerankers.cross_encoder as cross_encoder
import rag_engine.connectors.rerankers.http_rerank as http_rerank
import rag_engine.connectors.rerankers.listwise as listwise
from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors import wiring
from rag_engine.connectors.dense.faiss_ivf import FaissIvfPqFactory
from rag_engine.errors import SettingsError
from rag_engine.settings import MilvusSettings, rerank_pool
from rag_engine.settings.base import Kind
from tests.doubles import HashEmbedder

STAGES = [
    stage for stage, field in Settings.model_fields.items() if isinstance(field.default, Kind)
]
SAMPLES: dict[str, object] = {
    "adapter": False,
    "api_key_env": "SOME_KEY",
    "base_url": "http://127.0.0.1:9/v1",
    "batch_size": 5,
    "compact_from": 12_345,
    "device": "cuda",
    "ef_construction": 77,
    "ef_search": 66,
    "exact_below": 5_432,
    "fit": "my.npz",
    "group_twins": False,
    "input_types": ("ask", "tell"),
    "late_interaction": False,
    "late_interaction_pool": 7,
    "m": 24,
    "max_retries": 4,
    "max_tokens": 99,
    "model": "some/model",
    "options": {"size": 3},
    "passage_prompt": "passage: ",
    "pool": 17,
    "precision": "f32",
    "protocol": "tei",
    "query_prompt": "query: ",
    "sparse_vectors": False,
    "stop": ("###",),
    "storage": "float16",
    "store": "json:loads",
    "temperature": 0.4,
    "threads": 3,
    "timeout_s": 4.5,
    "token_vectors": False,
    "translate": ("en", "sw"),
    "translate_timeout_s": 7.5,
    "truncate_dim": 64,
    "window": 6,
}
"""For every field a value that is no default."""


def kinds() -> Iterator[tuple[str, type[Kind], str]]:
    for stage in STAGES:
        for kind in Settings.model_fields[stage].default.kinds():
            for name in kind.names():
                yield stage, kind, name


def fields(kind: type[Kind]) -> list[str]:
    return [name for name in kind.model_fields if name != kind.choice]


def needed(kind: type[Kind]) -> dict[str, object]:
    return {
        name: SAMPLES[name]
        for name, field in kind.model_fields.items()
        if field.is_required() and name != kind.choice
    }


def strangers() -> Iterator[Any]:
    for stage, kind, name in kinds():
        others = {field for other in kind.kinds() for field in fields(other)}
        for field in sorted(others - set(kind.model_fields)):
            yield pytest.param(stage, kind, name, field, id=f"{stage}-{name}-{field}")


@pytest.mark.parametrize(("stage", "kind", "name", "field"), list(strangers()))
def test_what_another_kind_uses_is_refused(stage, kind, name, field):
    users = [
        used for other in kind.kinds() if field in other.model_fields for used in other.names()
    ]
    table = {kind.choice: name, **needed(kind), field: SAMPLES[field]}
    message = f"{stage}.{field} = {SAMPLES[field]!r} is not used by {kind.choice} = {name!r}; "
    with pytest.raises(SettingsError) as caught:
        Settings.checked({stage: table}, origin="rag.toml")
    assert f"rag.toml: {message}" in str(caught.value)
    assert all(repr(user) in str(caught.value) for user in users)
    with pytest.raises(ValidationError) as plain:
        Settings.model_validate({stage: table})
    assert message in str(plain.value)
    with pytest.raises(ValidationError, match="is not used by"):
        kind(**{kind.choice: name, **needed(kind), field: SAMPLES[field]})


@pytest.mark.parametrize("stage", STAGES)
def test_without_a_kind_the_error_says_to_name_it(stage):
    default = Settings.model_fields[stage].default
    others = {field for kind in default.kinds() for field in fields(kind)} - set(
        fields(type(default))
    )
    for field in sorted(others):
        with pytest.raises(SettingsError, match=f"is by .*: name the {default.choice}"):
            Settings.checked({stage: {field: SAMPLES[field]}}, origin="rag.toml")


@pytest.mark.parametrize(
    ("stage", "kind", "name"), [pytest.param(*each, id=f"{each[0]}-{each[2]}") for each in kinds()]
)
def test_what_a_kind_needs_is_asked_for(stage, kind, name):
    if name == "module:Class":
        pytest.skip("a plug-in has a kind of its own, which test_plugins.py tries")
    for missing in needed(kind):
        table = {kind.choice: name, **needed(kind)}
        del table[missing]
        with pytest.raises(
            SettingsError, match=rf"x: {stage}\.{missing} is missing: kind = '{name}'"
        ):
            Settings.checked({stage: table}, origin="x")
        table[missing] = ""
        with pytest.raises(
            SettingsError, match=rf"{stage}\.{missing}: String should have at least"
        ):
            Settings.checked({stage: table}, origin="x")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"milvus": {"uri": "a.db"}}, "milvus.uri = 'a.db' has no effect: dense.kind = 'milvus'"),
        (
            {"retrieval": {"late_interaction": False, "late_interaction_pool": 7}},
            "retrieval.late_interaction_pool = 7 has no effect",
        ),
        (
            {"retrieval": {"mode": "dense"}, "answering": {"strictness": "eager"}},
            "answering.strictness = 'eager' has no effect: retrieval.mode = 'dense'",
        ),
        (
            {"retrieval": {"mode": "bm25"}, "answering": {"min_score": 0.1}},
            "answering.min_score = 0.1 has no effect: retrieval.mode = 'bm25'",
        ),
        (
            {"dense": {"storage": "sq4", "compact_from": 9}},
            "dense.compact_from = 9 has no effect: storage = 'sq4'",
        ),
        (
            {"embedder": {"token_vectors": False}, "retrieval": {"late_interaction_pool": 7}},
            "retrieval.late_interaction_pool = 7 has no effect",
        ),
        (
            {
                "embedder": {"kind": "exported", "model": "m", "fit": "none"},
                "retrieval": {"late_interaction": True},
            },
            "retrieval.late_interaction = True has no effect",
        ),
    ],
)
def test_what_another_setting_turns_off_is_refused(table, told):
    with pytest.raises(SettingsError) as caught:
        Settings.checked(table, origin="x")
    assert told in str(caught.value)


def test_a_model_with_a_fit_may_keep_tokens():
    for fit in ({}, {"fit": "my.npz"}):
        embedder = {"kind": "exported", "model": "m", **fit}
        table = {"embedder": embedder, "retrieval": {"late_interaction": False}}
        settings = Settings.checked(table, origin="x")
        assert settings.model_dump()["retrieval"]["late_interaction"] is False


def test_no_key_is_shown():
    with pytest.raises(SettingsError) as caught:
        Settings.checked({"generator": {"api_key": "sk-123"}}, origin="x")
    assert "sk-123" not in str(caught.value)
    assert "generator.api_key" in str(caught.value)


class Spies:
    """What constructors were called with, by the names of their arguments."""

    def __init__(self, monkeypatch) -> None:
        self.received: list[Any] = []
        for module, name in (
            (bundled_e5, "BundledE5"),
            (exported, "ExportedEmbedder"),
            (sentence_transformer, "SentenceTransformerEmbedder"),
            (bge_m3, "BgeM3Embedder"),
            (openai_embedder, "OpenAICompatibleEmbedder"),
            (openai_generator, "OpenAICompatibleGenerator"),
            (cross_encoder, "CrossEncoderReranker"),
            (http_rerank, "HttpReranker"),
            (listwise, "ListwiseReranker"),
            (auto_index, "AutoDenseFactory"),
            (faiss_hnsw, "FaissHnswFactory"),
            (faiss_ivf, "FaissIvfPqFactory"),
            (langchain_index, "LangChainIndexFactory"),
            (milvus_index, "MilvusIndexFactory"),
            (milvus_service, "MilvusService"),
        ):
            monkeypatch.setattr(module, name, self._spy)

    def _spy(self, *positional: object, **named: object) -> object:
        if positional:
            named["model"] = positional[0]
        self.received.append(named)
        return self


class Writing:
    """A generator that does not quote; nobody asks it."""

    name = "writing"
    quotes = False

    def generate(self, prompt):
        raise NotImplementedError


def built(settings: Settings) -> None:
    wiring.build_embedder(settings.embedder)
    wiring.build_dense(settings.dense, settings.milvus)
    wiring.build_reranker(settings.reranker, Writing())
    wiring.build_generator(settings.generator, HashEmbedder(16))


# How each of these is used is seen elsewhere: what the retriever reads in a search (below), what a
# plug-in's class gets in test_plugins.py, token vectors in the index contract (below), weights of
# tokens in test_bge_m3.py, and the fit in tests/pipelines/test_fit.py.
ELSEWHERE = {"fit", "options", "sparse_vectors", "token_vectors"}


@pytest.mark.parametrize(
    ("stage", "kind", "name", "field"),
    [
        pytest.param(stage, kind, name, field, id=f"{stage}-{name}-{field}")
        for stage, kind, name in kinds()
        for field in fields(kind)
        if stage != "retrieval" and field not in ELSEWHERE and name != "module:Class"
    ],
)
def test_what_a_kind_takes_reaches_its_part(monkeypatch, stage, kind, name, field):
    value = SAMPLES[field]
    settings = Settings.model_validate({stage: {kind.choice: name, **needed(kind), field: value}})
    if (stage, field) == ("reranker", "pool"):
        assert rerank_pool(settings.reranker) == value
        return
    spies = Spies(monkeypatch)
    built(settings)
    assert any(call.get(field) == value for call in spies.received), spies.received


def test_the_kinds_without_fields_build_their_parts():
    milvus = MilvusSettings()
    exact = Settings.model_validate({"dense": {"kind": "exact"}, "lexical": {"kind": "rank-bm25"}})
    assert type(wiring.build_dense(exact.dense, milvus)).__name__ == "ExactIndexFactory"
    assert type(wiring.build_lexical(exact.lexical, milvus)).__name__ == "RankBm25Factory"
    plain = Settings()
    assert type(wiring.build_lexical(plain.lexical, milvus)).__name__ == "TantivyFactory"
    assert wiring.build_reranker(plain.reranker, Writing()) is None
    generator = wiring.build_generator(plain.generator, HashEmbedder(16))
    assert type(generator).__name__ == "ExtractiveGenerator"


def test_the_fewest_vectors_of_lists_are_the_factorys():
    for least, allowed in ((FaissIvfPqFactory.fewest, True), (FaissIvfPqFactory.fewest - 1, False)):
        table = {"dense": {"kind": "ivf-pq", "exact_below": least}}
        if allowed:
            assert Settings.checked(table, origin="x").dense.exact_below == least
        else:
            with pytest.raises(SettingsError, match=r"dense\.exact_below"):
                Settings.checked(table, origin="x")


@pytest.mark.milvus
@pytest.mark.parametrize("field", list(MilvusSettings.model_fields))
def test_the_servers_settings_reach_it(monkeypatch, field):
    samples = {
        "uri": "http://db.example:1",
        "token_env": "SOME_TOKEN",
        "database": "other",
        "prefix": "mine",
        "ca_file": "ca.pem",
        "timeout_s": 5.5,
        "batch_mb": 3,
    }
    connected: dict[str, Any] = {}

    class Client:
        def __init__(self, **arguments: Any) -> None:
            connected.update(arguments)

        def load_collection(self, name: str, timeout: float) -> None:
            connected["asked within"] = timeout

    monkeypatch.setenv("SOME_TOKEN", "the token")
    service = milvus_service.MilvusService(MilvusSettings(**{field: samples[field]}))
    monkeypatch.setattr(service._pymilvus, "MilvusClient", Client)
    service.load("c")
    effects = {
        "uri": connected["uri"],
        "token_env": connected["token"],
        "database": connected["db_name"],
        "prefix": service.prefix,
        "ca_file": connected.get("server_pem_path"),
        "timeout_s": connected["asked within"],
        "batch_mb": service.batch_bytes / 2**20,
    }
    wanted = "the token" if field == "token_env" else samples[field]
    assert effects[field] == wanted


def test_all_samples_are_of_fields_that_there_are():
    assert {field for _, kind, _ in kinds() for field in fields(kind)} == set(SAMPLES)


RETRIEVAL = {
    "pool": 3,
    "late_interaction": False,
    "late_interaction_pool": 2,
}
"""What is tried in searches below; ``group_twins`` is in test_twin_hits.py, and what is in
``TRANSLATING`` in test_translations.py."""
TRANSLATING = {"translate", "translate_timeout_s"}


def test_every_field_of_retrieval_is_tried():
    tried = {field for stage, kind, _ in kinds() for field in fields(kind) if stage == "retrieval"}
    assert tried == {*RETRIEVAL, *TRANSLATING, "group_twins"}


class Counting:
    """A reranker that counts what it is given to read."""

    name = "counting"

    def __init__(self) -> None:
        self.read = 0

    def score(self, question, passages):
        self.read = len(passages)
        return np.arange(len(passages), dtype=np.float32)


@pytest.fixture
def passages() -> list[Document]:
    things = ("Pumpe", "Ventil", "Filter", "Motor", "Tank", "Rohr", "Schlauch", "Deckel")
    return [Document(id=name, text=f"Die Dichtung am Teil {name} hält lange.") for name in things]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical", "rrf", "bm25"])
def test_the_pool_is_what_is_looked_at(tmp_path, real_components, passages, mode):
    counting = Counting()
    parts = dataclasses.replace(real_components, reranker=counting)
    with KnowledgeBase.open(tmp_path / "kb", components=parts) as kb:
        kb.add(passages)
    seen = {}
    for pool in (RETRIEVAL["pool"], 100):
        settings = Settings.model_validate({"retrieval": {"mode": mode, "pool": pool}})
        path = tmp_path / "kb"
        with KnowledgeBase.open(path, components=parts, settings=settings, read_only=True) as kb:
            kb.search("Wie lange hält die Dichtung?", k=1)
        seen[pool] = counting.read
    assert seen[3] < seen[100] == len(passages)


def test_the_rerankers_pool_is_what_it_reads(tmp_path, real_components, passages):
    counting = Counting()
    parts = dataclasses.replace(real_components, reranker=counting)
    table = {"reranker": {"kind": "cross-encoder", "model": "m", "pool": 4}}
    settings = Settings.model_validate(table)
    with KnowledgeBase.open(tmp_path / "kb", components=parts, settings=settings) as kb:
        kb.add(passages)
        kb.search("Wie lange hält die Dichtung?", k=1)
    assert counting.read == 4


def test_late_interaction_and_how_many_it_compares(tmp_path, real_components, passages):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(passages)
    compared = {}
    for name in ("late_interaction", "late_interaction_pool"):
        settings = Settings.model_validate({"retrieval": {name: RETRIEVAL[name]}})
        path = tmp_path / "kb"
        with KnowledgeBase.open(
            path, components=real_components, settings=settings, read_only=True
        ) as kb:
            hits = kb.search("Wie lange hält die Dichtung?", k=8)
        compared[name] = sum(hit.parts.late is not None for hit in hits)
    assert compared == {"late_interaction": 0, "late_interaction_pool": 2}


def test_token_vectors_are_part_of_the_contract(bundled_e5):
    spaces = [
        wiring.build_components(
            Settings.model_validate({"embedder": {"token_vectors": wanted}}), embedder=bundled_e5
        ).token_space
        for wanted in (True, False)
    ]
    assert spaces[0] is not None
    assert spaces[1] is None


def test_the_bundled_models_vectors_are_not_cut_and_why():
    with pytest.raises(SettingsError, match=r"not trained for it.*token_vectors.*--matryoshka"):
        Settings.checked({"embedder": {"truncate_dim": 128}}, origin="rag.toml")
