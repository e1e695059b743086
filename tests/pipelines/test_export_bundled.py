"""The exported directory in sentence-transformers, on torch, against the bundled embedder."""

from __future__ import annotations

import itertools
import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.pipelines.export_bundled import export_bundled

TEXTS_FILE = Path(__file__).parents[1] / "connectors" / "embedders" / "bundled_e5_texts.json"
SENTENCES = json.loads(TEXTS_FILE.read_text(encoding="utf-8"))
TEXTS = [
    text
    for sentences in SENTENCES.values()
    for text in (*sentences, *map(" ".join, itertools.combinations(sentences, 2)))
]
ODD = ["", "cafe\u0301 ①～", " x \u200d y\u3000z\n", "\x00", "word " * 3000]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    target = tmp_path_factory.mktemp("models") / "e5"
    target.mkdir()
    export_bundled(target)
    return target


@pytest.fixture(scope="module")
def on_torch(exported):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(exported), device="cpu")


@pytest.fixture(scope="module")
def bundled():
    return {precision: BundledE5(precision=precision) for precision in ("f32", "auto")}


@pytest.fixture(scope="module")
def torch_vectors(on_torch):
    return on_torch.encode_document(TEXTS), on_torch.encode_query(TEXTS[::4])


@pytest.mark.parametrize(("precision", "closest"), [("f32", 0.99999), ("auto", 0.998)])
def test_vectors_equal_those_of_torch(torch_vectors, bundled, precision, closest):
    assert len(TEXTS) >= 200
    assert len(SENTENCES) >= 20
    passages, queries = torch_vectors
    embedder = bundled[precision]
    assert (embedder.embed_passages(TEXTS) * passages).sum(axis=1).min() >= closest
    assert (embedder.embed_queries(TEXTS[::4]) * queries).sum(axis=1).min() >= closest


def test_odd_texts_are_read_alike(on_torch, bundled):
    vectors = bundled["f32"].embed_passages(ODD)
    np.testing.assert_allclose(vectors, on_torch.encode_document(ODD), atol=1e-4)


def test_the_directory_says_what_the_model_is(exported, on_torch, bundled):
    contract = bundled["f32"].contract
    assert on_torch.prompts["query"] == contract.query_prompt
    assert on_torch.prompts["document"] == contract.passage_prompt
    assert on_torch.max_seq_length == contract.max_tokens
    assert on_torch.get_embedding_dimension() == contract.dimension
    assert stat.S_IMODE(exported.stat().st_mode) == 0o755
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for target in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(InvalidInput, match="not an empty folder"):
            export_bundled(target)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_without_safetensors_the_extra_is_named_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingExtra, match=r"safetensors.*rag-engine\[torch\]"):
        export_bundled(tmp_path / "e5")
    assert not list(tmp_path.iterdir())
