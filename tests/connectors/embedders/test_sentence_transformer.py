"""The torch embedder on a tiny model, whose numbers others check, and on the real one."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rag_engine.calibration.token_space import load_token_space
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.ports import Embedder
from tests.connectors.tiny_models import TEXTS, save_embedder

REAL_TEXTS = [
    text
    for texts in json.loads(
        Path(__file__).with_name("bundled_e5_texts.json").read_text(encoding="utf-8")
    ).values()
    for text in texts
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_embedder(
        tmp_path_factory.mktemp("models"), prompts={"query": "frage: ", "document": "text: "}
    )


@pytest.fixture(scope="module")
def embedder(folder):
    return SentenceTransformerEmbedder(model=str(folder), device="cpu")


def by_hand(folder, text):
    """Embed by transformers alone: mean of the token vectors, unit length."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        features = tokenizer(text, truncation=True, max_length=40, return_tensors="pt")
        vector = model(**features).last_hidden_state[0].mean(dim=0).numpy()
    return vector / np.linalg.norm(vector)


def test_vectors_are_those_of_transformers(folder, embedder):
    assert isinstance(embedder, Embedder)
    passages, queries = embedder.embed_passages(TEXTS), embedder.embed_queries(TEXTS)
    for row, text in enumerate(TEXTS):
        assert np.allclose(passages[row], by_hand(folder, f"text: {text}"), atol=1e-5)
        assert np.allclose(queries[row], by_hand(folder, f"frage: {text}"), atol=1e-5)
    assert passages.dtype == np.float32
    assert np.abs(passages @ queries.T).min() < 0.99


def test_the_contract_tells_all(folder, embedder):
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert embedder.contract.as_dict() == {
        "model": "tiny-embedder",
        "weights": weights,
        "dimension": 32,
        "pooling": "mean",
        "normalised": True,
        "query_prompt": "frage: ",
        "passage_prompt": "text: ",
        "max_tokens": 40,
    }
    assert (embedder.dimension, embedder.max_tokens) == (32, 40)


def test_other_weights_are_another_contract(tmp_path, embedder):
    from safetensors.numpy import load_file, save_file

    folder = save_embedder(tmp_path, prompts={"query": "frage: ", "document": "text: "})
    tensors = load_file(folder / "model.safetensors")
    name = next(iter(tensors))
    tensors[name] = tensors[name] + np.float32(1)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    other = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert other.contract.weights != embedder.contract.weights


def test_stated_prompts_win(folder):
    stated = SentenceTransformerEmbedder(
        model=str(folder), device="cpu", query_prompt="", passage_prompt="P: "
    )
    assert stated.contract.query_prompt == ""
    assert np.allclose(stated.embed_queries(TEXTS[:1])[0], by_hand(folder, TEXTS[0]), atol=1e-5)
    assert np.allclose(
        stated.embed_passages(TEXTS[:1])[0], by_hand(folder, f"P: {TEXTS[0]}"), atol=1e-5
    )


def test_a_default_prompt_of_the_model_is_not_added_to_ours(tmp_path):
    folder = save_embedder(
        tmp_path,
        prompts={"query": "frage: ", "document": ""},
        default_prompt_name="query",
    )
    embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert embedder.contract.passage_prompt == ""
    assert np.allclose(embedder.embed_passages(TEXTS[:1])[0], by_hand(folder, TEXTS[0]), atol=1e-5)


def test_a_family_taken_from_a_directorys_name_is_said_aloud(tmp_path, caplog):
    folder = save_embedder(tmp_path).rename(tmp_path / "multilingual-e5-small")
    with caplog.at_level(logging.WARNING):
        embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert embedder.contract.query_prompt == "query: "
    assert "multilingual-e5-small" in caplog.text


def test_nobodys_prompts_are_none(tmp_path, caplog):
    embedder = SentenceTransformerEmbedder(model=str(save_embedder(tmp_path)), device="cpu")
    assert (embedder.contract.query_prompt, embedder.contract.passage_prompt) == ("", "")


@pytest.mark.parametrize("roberta", [False, True])
def test_odd_and_long_texts_never_crash(tmp_path, roberta):
    folder = save_embedder(tmp_path, roberta=roberta)
    embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert embedder.max_tokens == 40
    long = "Pumpe Wasserdruck " * 3_000
    odd = ["", " ", "\ud800", "\x00", "🙂" * 200, long, long[: 10 * 18] + "anders"]
    vectors = embedder.embed_passages(odd)
    assert vectors.shape == (7, 32)
    assert np.allclose(vectors[5], embedder.embed_passages([long[:1_000]])[0], atol=1e-5)
    assert embedder.embed_passages([]).shape == (0, 32)


def test_batches_do_not_change_vectors(embedder):
    texts = [" ".join(TEXTS[:2])[: 1 + 7 * i] for i in range(20)] * 12
    together = embedder.embed_passages(texts)
    alone = np.vstack([embedder.embed_passages([text]) for text in texts[:20]])
    assert np.allclose(together, np.vstack([alone] * 12), atol=1e-5)


def test_tokens_are_counted_without_prompt_and_special_tokens(embedder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(embedder._model.transformers_model.name_or_path)
    expected = [len(tokenizer.tokenize(text)) for text in [*TEXTS, "", "Pumpe " * 500]]
    assert embedder.count_tokens([*TEXTS, "", "Pumpe " * 500]) == expected
    assert expected[-1] >= 500
    assert embedder.count_tokens([]) == []


def test_one_text_is_no_list_of_texts(embedder):
    for call in (embedder.embed_queries, embedder.embed_passages, embedder.count_tokens):
        with pytest.raises(InvalidInput, match="list of texts"):
            call("Text")


def test_threads_share_one_embedder(embedder):
    expected = embedder.embed_passages(TEXTS * 10)
    counts = embedder.count_tokens(TEXTS)
    wrong = []

    def work():
        for _ in range(5):
            if not np.allclose(embedder.embed_passages(TEXTS * 10), expected, atol=1e-5):
                wrong.append("vectors")
            if embedder.count_tokens(TEXTS) != counts:
                wrong.append("counts")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bf16_stays_close(folder, embedder):
    fast = SentenceTransformerEmbedder(model=str(folder), device="cpu", precision="bf16")
    cosines = (fast.embed_passages(TEXTS) * embedder.embed_passages(TEXTS)).sum(axis=1)
    assert 0.99 < cosines.min() < 1 - 1e-7
    assert fast.contract == embedder.contract


def test_loading_is_quiet(folder, capfd):
    SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert capfd.readouterr() == ("", "")


def test_weights_that_may_run_code_are_refused(tmp_path, folder):
    planted = tmp_path / "model"
    planted.mkdir()
    for path in folder.glob("*.json"):
        (planted / path.name).write_bytes(path.read_bytes())
    (planted / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*may run code"):
        SentenceTransformerEmbedder(model=str(planted), device="cpu")


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "", "..", "no such model!"])
def test_names_of_no_model(name):
    with pytest.raises(ModelError):
        SentenceTransformerEmbedder(model=name, device="cpu")


def test_the_hub_is_asked_and_its_cache_serves(tmp_path, monkeypatch, folder):
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="owner/nobody"):
        SentenceTransformerEmbedder(model="owner/nobody", device="cpu")
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--owner--tiny"
    snapshot = repository / "snapshots" / commit
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(folder)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")
    embedder = SentenceTransformerEmbedder(model="owner/tiny", device="cpu")
    assert embedder.contract.model == "owner/tiny"
    assert np.allclose(
        embedder.embed_queries(TEXTS[:1])[0], by_hand(folder, f"frage: {TEXTS[0]}"), atol=1e-5
    )


def test_damaged_models_are_named(tmp_path):
    folder = save_embedder(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="tiny-embedder"):
        SentenceTransformerEmbedder(model=str(folder), device="cpu")


@pytest.mark.parametrize(
    "wrong", [{"device": "abacus"}, {"device": "cuda:99"}, {"precision": "int1"}, {"threads": -1}]
)
def test_values_out_of_range(folder, wrong):
    with pytest.raises(InvalidInput):
        SentenceTransformerEmbedder(model=str(folder), **{"device": "cpu", **wrong})


def test_threads_are_torchs(folder):
    import torch

    before = torch.get_num_threads()
    try:
        SentenceTransformerEmbedder(model=str(folder), device="cpu", threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("package", ["torch", "sentence_transformers", "huggingface_hub"])
def test_a_missing_package_names_its_extra(monkeypatch, folder, package):
    monkeypatch.setitem(sys.modules, package, None)
    name = "owner/model" if package == "huggingface_hub" else str(folder)
    with pytest.raises(MissingExtra, match=rf"{package}.*rag-engine\[torch\]"):
        SentenceTransformerEmbedder(model=name, device="cpu")


def test_the_real_model_equals_the_bundled_one(tmp_path_factory):
    bundled_e5 = BundledE5(precision="f32")  # with 8 bits, as some processors have it, nearly so
    folder = tmp_path_factory.mktemp("real") / "e5"
    export_bundled(folder)
    embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert (embedder.contract.query_prompt, embedder.contract.passage_prompt) == (
        "query: ",
        "passage: ",
    )
    texts = [*REAL_TEXTS[::2], "".join(REAL_TEXTS)[:3000]]
    for mine, bundled in (
        (embedder.embed_passages(texts), bundled_e5.embed_passages(texts)),
        (embedder.embed_queries(texts[:40]), bundled_e5.embed_queries(texts[:40])),
    ):
        assert (mine * bundled).sum(axis=1).min() >= 0.999
    assert embedder.count_tokens(texts) == bundled_e5.count_tokens(texts)
    basis = load_token_space(bundled_e5.contract.weights).basis
    for embed in ("embed_query_tokens", "embed_passage_tokens"):
        vectors, tokens = getattr(embedder, embed)(texts[:20], basis)
        expected, its = getattr(bundled_e5, embed)(texts[:20], basis)
        assert np.allclose(vectors, expected, atol=1e-4)
        for mine, bundled in zip(tokens, its, strict=True):
            assert np.allclose(mine.vectors, bundled.vectors, atol=1e-3)
            assert np.allclose(mine.weights, bundled.weights)


def test_tokens_are_parts_of_the_mean(folder, embedder):
    """The mean of all tokens, prompt and special ones too, is the vector: here without them."""
    plain = SentenceTransformerEmbedder(model=str(folder), device="cpu", passage_prompt="")
    whole = np.eye(32, dtype=np.float32)
    vectors, tokens = plain.embed_passage_tokens(TEXTS, whole)
    np.testing.assert_allclose(vectors, plain.embed_passages(TEXTS), atol=1e-6)
    assert [len(each.vectors) for each in tokens] == plain.count_tokens(TEXTS)
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    for text, mine in zip(TEXTS, tokens, strict=True):
        with torch.inference_mode():
            features = tokenizer(text, truncation=True, max_length=40, return_tensors="pt")
            states = model(**features).last_hidden_state[0].numpy()
        length = np.linalg.norm(states.mean(axis=0))
        np.testing.assert_allclose(mine.vectors, states[1:-1] / length, atol=1e-4)
        assert mine.weights.tolist() == [1] * len(mine.weights)
    prompted, with_prompt = embedder.embed_passage_tokens(TEXTS, whole[:3])
    assert [each.vectors.shape for each in with_prompt] == [
        (len(each.vectors), 3) for each in tokens
    ]
    assert not np.allclose(prompted, vectors)


def test_a_model_that_pools_by_its_first_token_gives_none(tmp_path):
    folder = save_embedder(tmp_path)
    [path] = folder.glob("1_Pooling/config.json")
    config = json.loads(path.read_text())
    flags = {key: key == "pooling_mode_cls_token" for key in config if key.startswith("pooling_m")}
    if "pooling_mode" in config:
        flags = {"pooling_mode": "cls"}
    path.write_text(json.dumps({**config, **flags}))
    embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    assert embedder.contract.pooling == "cls"
    assert not embedder.serves_basis(np.eye(32, dtype=np.float32))
    with pytest.raises(InvalidInput, match="it pools by 'cls'"):
        embedder.embed_query_tokens(TEXTS, np.eye(32, dtype=np.float32))


def test_an_instruction_stands_in_the_place_of_the_usual_one(folder, embedder):
    usual = SentenceTransformerEmbedder(
        model=str(folder), device="cpu", query_prompt="Instruct: a pump\nQuery: "
    )
    stated = SentenceTransformerEmbedder(
        model=str(folder), device="cpu", query_prompt="Instruct: a filter\nQuery: "
    )
    vectors = usual.embed_instructed_queries(TEXTS, "a filter")
    np.testing.assert_array_equal(vectors, stated.embed_queries(TEXTS))
    assert not np.allclose(vectors, usual.embed_queries(TEXTS), atol=1e-3)
    with pytest.raises(InvalidInput, match="'frage: ' before a question"):
        embedder.embed_instructed_queries(TEXTS, "a filter")
