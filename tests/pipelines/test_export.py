"""Exported models: near the original, refused if not, and run without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from rag_engine.connectors.embedders.exported import DESCRIPTION, ExportedEmbedder
from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.pipelines.export import export_model
from rag_engine.ports import Embedder
from tests.connectors.tiny_models import TEXTS, save_embedder
from tests.waiting import PATIENCE_S

LONG = " ".join(TEXTS * 20)
ODD = [*TEXTS, "", LONG, "\ud800", "x"]


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    prompts = {"query": "query: ", "document": "passage: "}
    return save_embedder(folder, roberta=request.param == "xlm-roberta", prompts=prompts)


@pytest.fixture(scope="module", params=["openvino", "onnx"])
def exported(request, model, tmp_path_factory):
    target = tmp_path_factory.mktemp("exported") / request.param
    said = export_model(str(model), target, request.param)
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    assert said == json.loads((target / "embedder.json").read_text(encoding="utf-8"))
    return target


def test_vectors_and_contract_are_those_of_the_original(model, exported):
    original = SentenceTransformerEmbedder(model=str(model), device="cpu")
    embedder = ExportedEmbedder(exported, precision="auto")
    assert isinstance(embedder, Embedder)
    assert embedder.contract == original.contract
    assert embedder.contract.query_prompt == "query: "
    assert embedder.count_tokens(ODD) == original.count_tokens(ODD)
    for one, other in (
        (embedder.embed_passages(ODD), original.embed_passages(ODD)),
        (embedder.embed_queries(ODD), original.embed_queries(ODD)),
    ):
        assert one.dtype == np.float32
        assert np.vecdot(one, other).min() > 0.999
    assert embedder.embed_queries([]).shape == (0, 32)


def test_tokens_are_those_of_the_original(model, exported):
    original = SentenceTransformerEmbedder(model=str(model), device="cpu", precision="f32")
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(32, 8)))[0].T.astype(np.float32)
    embedder = ExportedEmbedder(exported, precision="f32")
    assert embedder.serves_basis(basis)
    for embed in ("embed_query_tokens", "embed_passage_tokens"):
        vectors, tokens = getattr(embedder, embed)([*TEXTS, "a " * 60], basis)
        expected, its = getattr(original, embed)([*TEXTS, "a " * 60], basis)
        np.testing.assert_allclose(vectors, expected, atol=1e-3)
        for mine, one in zip(tokens, its, strict=True):
            np.testing.assert_allclose(mine.vectors, one.vectors, atol=1e-3)
            np.testing.assert_array_equal(mine.weights, one.weights)


def test_what_was_exported_before_there_were_tokens_gives_none(tmp_path, exported):
    folder = tmp_path / "old"
    shutil.copytree(exported, folder)
    description = json.loads((folder / DESCRIPTION).read_text())
    del description["tokens_refused"]
    (folder / DESCRIPTION).write_text(json.dumps(description))
    old = ExportedEmbedder(folder)
    assert not old.serves_basis(np.eye(32, dtype=np.float32))
    np.testing.assert_array_equal(
        old.embed_passages(TEXTS), ExportedEmbedder(exported).embed_passages(TEXTS)
    )
    with pytest.raises(InvalidInput, match="export it again"):
        old.embed_query_tokens(TEXTS, np.eye(32, dtype=np.float32))


def test_it_runs_without_torch(exported):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from rag_engine.connectors.embedders.exported import DESCRIPTION, ExportedEmbedder\n"
        f"print(ExportedEmbedder({str(exported)!r}).embed_queries(['pump']).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert done.stdout == "(1, 32)\n"


def test_prompts_can_be_stated_anew(exported):
    embedder = ExportedEmbedder(exported, query_prompt="", passage_prompt="")
    assert (embedder.contract.query_prompt, embedder.contract.passage_prompt) == ("", "")
    assert np.array_equal(embedder.embed_queries(["pump"]), embedder.embed_passages(["pump"]))


@pytest.mark.parametrize("to", ["openvino", "onnx"])
def test_eight_bits_are_smaller_and_checked(tmp_path, to):
    model = save_embedder(tmp_path)
    whole = export_model(str(model), tmp_path / "whole", to)
    small = export_model(str(model), tmp_path / "small", to, int8=True, least_cosine=0.5)
    assert whole["cosine_to_torch"]["min"] > 0.9999 > small["cosine_to_torch"]["min"]
    with pytest.raises(ModelError, match=r"less than 0\.999999.*nothing was written"):
        export_model(str(model), tmp_path / "exact", to, int8=True, least_cosine=0.999999)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        ["bare", model.name, "small", "whole"]
    )


def test_the_bundled_model_to_openvino(tmp_path, bundled_e5):
    said = export_model("bundled", tmp_path / "e5", "openvino")
    assert said["cosine_to_torch"]["min"] > 0.9999
    embedder = ExportedEmbedder(tmp_path / "e5", precision="f32")
    passages = [
        "Der See ist 54 Meter tief.",
        "Le pain est cuit à six heures.",
        "滤芯每六个月更换。",
    ]
    cosines = np.vecdot(embedder.embed_passages(passages), bundled_e5.embed_passages(passages))
    assert cosines.min() > 0.999
    assert embedder.count_tokens(passages) == bundled_e5.count_tokens(passages)


def test_what_can_not_be_exported(tmp_path):
    with pytest.raises(InvalidInput, match="tflite"):
        export_model("bundled", tmp_path / "x", "tflite")
    with pytest.raises(InvalidInput, match="int8"):
        export_model("bundled", tmp_path / "x", "sentence-transformers", int8=True)
    with pytest.raises(InvalidInput, match="already"):
        export_model(str(tmp_path), tmp_path / "x", "sentence-transformers")
    with pytest.raises(InvalidInput, match="empty folder"):
        export_model("bundled", tmp_path.parent, "onnx")
    with pytest.raises(ModelError, match="no weights in safetensors"):
        export_model(str(tmp_path), tmp_path / "x", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_no_exported_models(tmp_path, model, exported):
    with pytest.raises(ModelError, match="rag-engine export"):
        ExportedEmbedder(tmp_path)
    with pytest.raises(ModelError, match="rag-engine export"):
        ExportedEmbedder(model)
    said = json.loads((exported / "embedder.json").read_text(encoding="utf-8"))
    (tmp_path / "embedder.json").write_text(json.dumps({**said, "format": 9}), encoding="utf-8")
    with pytest.raises(ModelError, match="format 9"):
        ExportedEmbedder(tmp_path)
    (tmp_path / "embedder.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        ExportedEmbedder(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((exported / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match="can not be read"):
        ExportedEmbedder(tmp_path)


def test_one_text_is_no_list(exported):
    with pytest.raises(InvalidInput, match="list"):
        ExportedEmbedder(exported).embed_queries("pump")
