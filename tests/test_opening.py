"""Opening a knowledge base: who may, with what, and where."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.errors import (
    ContractMismatch,
    InvalidInput,
    MissingExtra,
    ModelError,
    SettingsError,
    StoreClosed,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreReadOnly,
)
from rag_engine.ports import Detection
from rag_engine.settings import BundledEmbedderSettings
from rag_engine.text.analysis import ANALYSER_VERSION
from tests.doubles import HashEmbedder
from tests.kept_data import change_meta
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


class Backwards:
    """Reranks by the passage's text alone, so that its order is known."""

    name = "backwards"

    def score(self, question, passages):
        return np.array([-ord(passage[0]) for passage in passages], dtype=np.float32)


class Klingon:
    """Finds one language in every text."""

    version = "1"

    def detect(self, text):
        return Detection("tlh", 1.0)

    def plausible(self, text):
        return (self.detect(text),)


@pytest.mark.parametrize("whole", [False, True])
def test_a_reranker_and_a_detector_of_ones_own(tmp_path: Path, quick_components, whole):
    path = tmp_path / "kb"
    base = {"components": quick_components} if whole else {"embedder": HashEmbedder(128)}
    with KnowledgeBase.open(path, detector=Klingon(), reranker=Backwards(), **base) as kb:
        kb.add(RULES)
        assert kb.inspect().languages == {"tlh": 4}
        hits = kb.search("Pumpe")
        assert [hit.parts.rerank for hit in hits] == [-ord(hit.chunk.text[0]) for hit in hits]
        assert ids(hits)[0] == "pump"
    with pytest.raises(ContractMismatch, match=r"detector: stored '1'"):
        KnowledgeBase.open(path, **base)


def test_a_knowledge_base_of_another_version_is_said_to_be_one(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
    change_meta(path, "contract", lambda text: text.replace(ANALYSER_VERSION, "2-snowball"))
    with pytest.raises(ContractMismatch, match="by another version") as refused:
        KnowledgeBase.open(path, components=quick_components)
    assert "open it with the stored ones" not in str(refused.value)
    assert "rag-engine reembed --kb DIR --settings TOML" in str(refused.value)


def test_settings_name_no_part_that_is_given(tmp_path: Path):
    settings = Settings.model_validate(
        {
            "reranker": {"kind": "cross-encoder", "model": str(tmp_path / "none")},
            "generator": {"kind": "openai-compatible", "model": "m", "base_url": "http://[::1]:9"},
            "embedder": {"kind": "sentence-transformer", "model": str(tmp_path / "none")},
        }
    )
    parts = {"embedder": HashEmbedder(16), "reranker": Backwards(), "generator": Parrot()}
    KnowledgeBase.open(tmp_path / "kb", settings=settings, **parts).close()
    with pytest.raises((MissingExtra, ModelError)):  # the first without torch
        KnowledgeBase.open(tmp_path / "other", settings=settings)
    assert not (tmp_path / "other").exists()


class Mute:
    name = "mute"
    quotes = True
    generate = None


class Unready(HashEmbedder):
    def __init__(self):
        super().__init__(16)
        self.contract = "hash"


class Loud:
    suffixes = frozenset({".TXT"})

    def load(self, path, source):
        yield from ()


class Bare(Loud):
    suffixes = ".txt"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"embedder": Parrot()},
            r"embedder: a Parrot is no Embedder, it has no method count_tokens, no method "
            r"embed_passages, no method embed_queries, no attribute contract, no attribute "
            r"dimension, no attribute max_tokens; see rag_engine\.ports\.Embedder",
        ),
        ({"embedder": HashEmbedder}, r"HashEmbedder is a class; give an object of it"),
        ({"embedder": Unready()}, r"contract is an EmbedderContract .* got 'hash'"),
        ({"generator": Mute()}, r"generator: a Mute is no Generator, it has no method generate;"),
        ({"reranker": "BAAI/bge"}, r"reranker: a str is no Reranker, it has no method score"),
        ({"detector": Parrot()}, r"no method detect, no method plausible, no attribute version"),
        ({"loaders": [Parrot()]}, r"loaders: a Parrot is no Loader, it has no method load"),
        ({"loaders": Loud()}, r"loaders is a list of Loader objects, got <.*Loud"),
        ({"loaders": [Loud()]}, r"Loud reads files that end in '\.TXT'; an ending is in lower"),
        ({"loaders": [Bare()]}, r"Bare\.suffixes is a set of file name endings .* got '\.txt'"),
    ],
)
def test_a_part_that_is_none_is_refused_at_once(tmp_path: Path, parts, message):
    with pytest.raises(InvalidInput, match=message):
        KnowledgeBase.open(tmp_path / "kb", **parts)
    assert not (tmp_path / "kb").exists()


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


def without_adapter(text: str) -> str:
    kept = json.loads(text)
    del kept["embedder"]["adapter"]
    return json.dumps(kept)


def test_one_made_before_there_was_an_adapter_opens_without_it(tmp_path: Path):
    path = tmp_path / "kb"
    plain = Settings(embedder=BundledEmbedderSettings(adapter=False))
    with KnowledgeBase.open(path, settings=plain) as kb:
        kb.add([PUMP])
    change_meta(path, "settings", without_adapter)
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


class Romulan(Klingon):
    version = "2"

    def accepts(self, version: str) -> bool:
        return version == "1"


def test_a_detector_opens_what_one_of_its_kind_built(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with_detector = dataclasses.replace
    with KnowledgeBase.open(
        path, components=with_detector(quick_components, detector=Klingon())
    ) as kb:
        kb.add([PUMP])
    newer = with_detector(quick_components, detector=Romulan())
    with KnowledgeBase.open(path, components=newer) as kb:
        kb.add(RULES)
        assert len(kb.document_ids()) == len({PUMP.id, *(rule.id for rule in RULES)})
        assert len(ids(kb.search("Pumpe"))) == len(kb.document_ids())


def test_settings_are_no_path(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"got str 'rag\.toml'.*from_toml"):
        KnowledgeBase.open(tmp_path / "kb", settings="rag.toml")
    assert not (tmp_path / "kb").exists()
