"""BGE-M3's three kinds on a tiny model in its layout, against the paper's formulas in torch."""

from __future__ import annotations

import pickle
import shutil
import sys

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors.embedders.bge_m3 import BgeM3Embedder
from rag_engine.errors import ContractMismatch, MissingExtra, ModelError
from rag_engine.ports import SparseEmbedder, TokenEmbedder
from tests.connectors.tiny_models import TEXTS, save_bge_m3

LONG = " ".join(TEXTS * 4)
WHOLE = np.eye(24, dtype=np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_bge_m3(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def embedder(folder):
    return BgeM3Embedder(model=str(folder), device="cpu")


def by_hand(folder, text):
    """Section 3.1 with torch and transformers alone: one vector, weights by id, one a token."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    heads = [torch.load(folder / f"{name}_linear.pt") for name in ("sparse", "colbert")]
    with torch.inference_mode():
        features = tokenizer(text, truncation=True, max_length=40, return_tensors="pt")
        states = model(**features).last_hidden_state[0]
        dense = states[0] / states[0].norm()
        sparse = {}
        for token, state in zip(features["input_ids"][0].tolist(), states, strict=True):
            weight = (heads[0]["weight"].float() @ state + heads[0]["bias"].float()).item()
            if weight > 0 and token not in tokenizer.all_special_ids:
                sparse[token] = max(weight, sparse.get(token, 0.0))
        multi = states[1:] @ heads[1]["weight"].float().T + heads[1]["bias"].float()
        multi = multi / multi.norm(dim=1, keepdim=True)
    return dense.numpy(), sparse, multi.numpy()


def test_three_kinds_are_those_of_the_formulas(folder, embedder):
    assert isinstance(embedder, SparseEmbedder)
    assert isinstance(embedder, TokenEmbedder)
    assert embedder.contract.pooling == "cls"
    assert (embedder.contract.query_prompt, embedder.contract.passage_prompt) == ("", "")
    texts = [*TEXTS, LONG, "水 水 水 Pumpe", ""]
    kinds = embedder.embed_passage_kinds(texts, WHOLE)
    assert kinds.tokens is not None
    for row, text in enumerate(texts):
        dense, sparse, multi = by_hand(folder, text)
        assert np.allclose(kinds.vectors[row], dense, atol=1e-5)
        assert kinds.sparse[row].tokens.tolist() == sorted(sparse)
        weights = [sparse[token] for token in sorted(sparse)]
        assert np.allclose(kinds.sparse[row].weights, weights, atol=1e-5)
        assert kinds.tokens[row].vectors.shape == multi.shape
        assert np.allclose(kinds.tokens[row].vectors, multi, atol=1e-5)
        assert (kinds.tokens[row].weights == 1).all()
    assert max(len(sparse.tokens) for sparse in kinds.sparse) > 3
    assert np.allclose(embedder.embed_passages(texts), kinds.vectors, atol=1e-6)
    vectors, tokens = embedder.embed_query_tokens(texts, WHOLE[:5])
    assert np.allclose(vectors, kinds.vectors, atol=1e-6)
    assert np.allclose(tokens[1].vectors, kinds.tokens[1].vectors[:, :5], atol=1e-6)
    assert embedder.embed_query_kinds(texts).tokens is None


def test_a_prompt_weighs_nothing_and_has_no_vectors(folder):
    prompted = BgeM3Embedder(model=str(folder), device="cpu", query_prompt="Wie oft die Pumpe: ")
    kinds = prompted.embed_query_kinds(["Wie oft"], WHOLE)
    _, _, multi = by_hand(folder, "Wie oft die Pumpe: Wie oft")
    own = by_hand(folder, "Wie oft")[2]
    assert kinds.tokens is not None
    assert np.allclose(kinds.tokens[0].vectors, multi[-len(own) :], atol=1e-5)
    assert len(kinds.sparse[0].tokens) <= len(own)


def test_published_weights_open_without_running_what_is_in_them(tmp_path, folder, embedder):
    published = save_bge_m3(tmp_path, pickled=True)
    opened = BgeM3Embedder(model=str(published), device="cpu")
    assert np.allclose(opened.embed_passages(TEXTS), embedder.embed_passages(TEXTS), atol=1e-6)
    assert opened.contract.weights != embedder.contract.weights


class Trap:
    """What a pickle would run."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (open, (str(self.place), "w"))


def test_a_head_with_code_in_it_is_refused_and_not_run(tmp_path, folder):
    trapped = tmp_path / "trapped"
    shutil.copytree(folder, trapped)
    (trapped / "sparse_linear.pt").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(ModelError, match="may hold tensors only"):
        BgeM3Embedder(model=str(trapped), device="cpu")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [
        ("sparse_linear.pt", None, "holds no sparse_linear.pt"),
        ("colbert_linear.pt", None, "holds no colbert_linear.pt"),
        ("sparse_linear.pt", (2, 32), "gives 2 weights a token"),
        ("colbert_linear.pt", (24, 31), r"weight \(24, 31\) and bias \(24,\)"),
        ("colbert_linear.pt", (0, 32), r"weight \(0, 32\)"),
        ("colbert_linear.pt", "nan", "NaN"),
        ("colbert_linear.pt", "list", "holds list"),
        ("colbert_linear.pt", "more", r"holds \['bias', 'more', 'weight'\]"),
    ],
)
def test_heads_that_do_not_fit_are_refused(tmp_path, folder, name, shape, told):
    import torch

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / name).unlink()
    bias = torch.zeros(24)
    given = {
        "nan": {"weight": torch.full((24, 32), torch.nan), "bias": bias},
        "list": [bias],
        "more": {"weight": torch.zeros(24, 32), "bias": bias, "more": bias},
    }
    if isinstance(shape, tuple):
        torch.save({"weight": torch.zeros(shape), "bias": torch.zeros(shape[0])}, broken / name)
    elif shape is not None:
        torch.save(given[shape], broken / name)
    with pytest.raises(ModelError, match=told):
        BgeM3Embedder(model=str(broken), device="cpu")


def test_another_head_is_another_model(tmp_path, folder, embedder):
    import torch

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    torch.save({"weight": torch.ones(1, 32), "bias": torch.zeros(1)}, other / "sparse_linear.pt")
    changed = BgeM3Embedder(model=str(other), device="cpu")
    assert changed.contract.weights != embedder.contract.weights


def test_a_knowledge_base_keeps_all_three_and_says_so_in_its_contract(tmp_path, folder):
    plain = {"kind": "bge-m3", "model": str(folder), "device": "cpu"}
    settings = Settings.model_validate({"embedder": plain})
    with KnowledgeBase.open(tmp_path / "kb", settings=settings) as kb:
        kb.add([Document(id=str(row), text=text) for row, text in enumerate(TEXTS)])
        first = kb.search(TEXTS[1], k=4)
    assert first[0].chunk.text == TEXTS[1]
    late = [hit.parts.late for hit in first]
    assert None not in late
    assert late[0] == max(late)
    with KnowledgeBase.open(tmp_path / "kb", read_only=True) as kb:
        again = kb.search(TEXTS[1], k=4)
    assert [(hit.chunk_id, hit.score) for hit in again] == [
        (hit.chunk_id, hit.score) for hit in first
    ]
    without = Settings.model_validate({"embedder": {**plain, "sparse_vectors": False}})
    with pytest.raises(ContractMismatch, match="sparse: stored 'weights of tokens', given None"):
        KnowledgeBase.open(tmp_path / "kb", settings=without)


def test_without_torch_the_extra_is_named(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match="torch"):
        BgeM3Embedder(model=str(folder))
