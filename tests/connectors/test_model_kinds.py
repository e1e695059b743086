"""What kind of model a folder holds, by what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_engine.connectors.model_kinds import model_kind, refuse_other_kinds
from rag_engine.errors import ModelError


def folder(path: Path, network: str = "", modules: str = "", said: str = "") -> Path:
    path.mkdir(exist_ok=True)
    if network:
        text = json.dumps({"architectures": [network]})
        (path / "config.json").write_text(text, encoding="utf-8")
    if modules:
        text = json.dumps([{"type": f"sentence_transformers.models.{modules}"}])
        (path / "modules.json").write_text(text, encoding="utf-8")
    if said:
        text = json.dumps({"model_type": said})
        (path / "config_sentence_transformers.json").write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"network": "XLMRobertaForSequenceClassification"}, "cross-encoder"),
        ({"network": "BertModel"}, "encoder"),
        ({"network": "BertForMaskedLM"}, "encoder"),
        ({"network": "Qwen3ForCausalLM"}, "language-model"),
        ({"network": "Qwen3ForCausalLM", "modules": "Pooling"}, "embedder"),
        ({"network": "Qwen3ForCausalLM", "said": "CrossEncoder"}, "cross-encoder"),
        ({"network": "BertModel", "modules": "Pooling", "said": "CrossEncoder"}, "cross-encoder"),
        ({"network": "BertForMaskedLM", "modules": "SpladePooling"}, "sparse-encoder"),
        ({"modules": "StaticEmbedding"}, "embedder"),
        ({"network": "BertModel", "modules": "Pooling", "said": "SentenceTransformer"}, "embedder"),
    ],
)
def test_kinds(tmp_path: Path, files: dict[str, str], kind: str):
    assert model_kind(folder(tmp_path / "model", **files)) == kind


def test_a_model_of_another_kind_is_refused_by_its_kind(tmp_path: Path):
    scoring = folder(tmp_path / "ce", "BertForSequenceClassification")
    with pytest.raises(ModelError, match=r"'mine' is a cross-encoder: .* no vectors; try that"):
        refuse_other_kinds("mine", scoring, "embedder", "encoder", use="try that")
    refuse_other_kinds("mine", scoring, "embedder", "cross-encoder", use="try that")


def test_a_folder_that_says_nothing_or_nonsense(tmp_path: Path):
    with pytest.raises(ModelError, match=r"no config\.json that says"):
        model_kind(folder(tmp_path / "empty"))
    (tmp_path / "empty" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json' can not be read"):
        model_kind(tmp_path / "empty")
