"""Opening a knowledge base: who may, with what, and where."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.errors import (
    ContractMismatch,
    InvalidInput,
    SettingsError,
    StoreClosed,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreReadOnly,
)
from rag_engine.settings import BundledEmbedderSettings
from tests.doubles import HashEmbedder
from tests.samples import PUMP, RULES, ids


def test_one_writes_many_read(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        with pytest.raises(StoreLocked):
            KnowledgeBase.open(path, components=quick_components)
        reader = KnowledgeBase.open(path, components=quick_components, read_only=True)
        kb.add(RULES)
        assert len(reader.search("Pumpe")) == 4
        kb.delete(["pump"])
        assert len(reader.search("Pumpe")) == 3
        kb.compact()
        kb.add([PUMP])
        assert len(reader.search("Pumpe")) == 4
        with pytest.raises(StoreReadOnly):
            reader.add(RULES)
        reader.close()
        with pytest.raises(StoreClosed):
            reader.search("x")
    KnowledgeBase.open(path, components=quick_components).close()


class Parrot:
    name = "parrot"
    quotes = False

    def generate(self, prompt):
        yield "Ja [1]."


def test_parts_of_ones_own(tmp_path: Path, quick_components):
    path, parrot = tmp_path / "kb", Parrot()
    with KnowledgeBase.open(path, embedder=HashEmbedder(16), generator=parrot) as kb:
        kb.add(RULES)
        assert kb.inspect().contract["embedder.dimension"] == 16
        assert kb.ask("Pumpe?").generator == "parrot"
    with KnowledgeBase.open(path, embedder=HashEmbedder(16), read_only=True) as kb:
        assert kb.ask("Pumpe?").generator.startswith("extractive")
    with pytest.raises(ContractMismatch, match=r"embedder\.model: stored 'hash'"):
        KnowledgeBase.open(path)
    path = tmp_path / "other"
    for _ in range(2):  # made, and opened again
        with KnowledgeBase.open(path, components=quick_components, generator=parrot) as kb:
            kb.add(RULES)
            assert kb.ask("Pumpe?").generator == "parrot"
    with pytest.raises(InvalidInput, match="components or an embedder"):
        KnowledgeBase.open(path, components=quick_components, embedder=HashEmbedder(16))


def test_missing(tmp_path: Path, quick_components):
    with pytest.raises(StoreNotFound):
        KnowledgeBase.open(tmp_path / "no", components=quick_components, read_only=True)
    with pytest.raises(StoreNotFound):
        KnowledgeBase.open(tmp_path / "no", components=quick_components, create=False)
    assert not (tmp_path / "no").exists()


def test_nothing_is_created_over_other_files(tmp_path: Path, quick_components):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        KnowledgeBase.open(tmp_path, components=quick_components)


def test_the_contract_is_kept(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    KnowledgeBase.open(path, components=quick_components).close()
    other = dataclasses.replace(quick_components, embedder=HashEmbedder(dimension=16))
    with pytest.raises(ContractMismatch, match=r"embedder\.dimension: stored 128, given 16"):
        KnowledgeBase.open(path, components=other)
    settings = Settings.model_validate({"chunking": {"max_tokens": 99}})
    with pytest.raises(ContractMismatch, match=r"chunking\.max_tokens"):
        KnowledgeBase.open(path, settings=settings, components=quick_components)


def test_settings_from_toml(tmp_path: Path):
    path = tmp_path / "rag.toml"
    path.write_text("[chunking]\nmax_tokens = 100\n[dense]\nkind = 'hnsw'\n", encoding="utf-8")
    settings = Settings.from_toml(path)
    assert (settings.chunking.max_tokens, settings.dense.kind) == (100, "hnsw")
    path.write_text("[chunking]\nmax_token = 100\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="max_token"):
        Settings.from_toml(path)
    path.write_text("= nothing", encoding="utf-8")
    with pytest.raises(SettingsError):
        Settings.from_toml(path)


@pytest.mark.parametrize("kind", ["bundled", "exported"])
def test_a_device_that_a_kind_can_not_use_is_told(kind):
    model = {"model": "m"} if kind == "exported" else {}
    with pytest.raises(SettingsError, match=r"'cuda' is not used.* a GPU with kind = 'sentence-"):
        Settings.checked({"embedder": {"kind": kind, "device": "cuda", **model}}, origin="x")


def test_parts_may_be_built_by_a_function_of_the_settings(tmp_path, quick_components):
    asked: list[Settings] = []

    def build(settings: Settings):
        asked.append(settings)
        return quick_components

    own = Settings.model_validate({"retrieval": {"pool": 7}})
    KnowledgeBase.open(tmp_path / "a", settings=own, components=build).close()
    KnowledgeBase.open(tmp_path / "a", components=build).close()
    KnowledgeBase.open(tmp_path / "b", components=build).close()
    assert asked == [own, own, Settings()]


def test_one_made_before_there_was_an_adapter_opens_without_it(tmp_path: Path):
    path = tmp_path / "kb"
    plain = Settings(embedder=BundledEmbedderSettings(adapter=False))
    with KnowledgeBase.open(path, settings=plain) as kb:
        kb.add([PUMP])
    with closing(sqlite3.connect(path / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute(
            "UPDATE meta SET value = json_remove(value, '$.embedder.adapter') "
            "WHERE key = 'settings'"
        )
    with KnowledgeBase.open(path, read_only=True) as kb:
        assert ids(kb.search("Pumpe")) == [PUMP.id]
        assert not kb.settings.embedder.adapter
    adapted = Settings(embedder=BundledEmbedderSettings(adapter=True))
    with pytest.raises(ContractMismatch, match=r"embedder\.adapter = false"):
        KnowledgeBase.open(path, settings=adapted)
    with KnowledgeBase.open(tmp_path / "new", settings=adapted):
        pass
    with pytest.raises(ContractMismatch, match=r"embedder\.adapter = true"):
        KnowledgeBase.open(tmp_path / "new", settings=plain)
