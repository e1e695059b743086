"""The reranker with a real, if tiny, cross-encoder from disk."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.ports import Reranker
from tests.connectors.tiny_models import TEXTS, save_cross_encoder, save_embedder

QUESTION = "Wann wird der Filter gewechselt?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_cross_encoder(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def reranker(folder):
    return CrossEncoderReranker(model=str(folder), device="cpu", batch_size=2)


def logits(folder, pairs, max_length=48):
    """Score by transformers alone, one pair at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    scores = []
    with torch.inference_mode():
        for question, passage in pairs:
            features = tokenizer(
                question,
                passage,
                truncation="longest_first",
                max_length=max_length,
                return_tensors="pt",
            )
            scores.append(model(**features).logits.item())
    return np.array(scores, np.float32)


def test_scores_are_the_models_logits(folder, reranker):
    assert isinstance(reranker, Reranker)
    scores = reranker.score(QUESTION, TEXTS)
    expected = logits(folder, [(QUESTION, text) for text in TEXTS])
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected, atol=1e-5)
    assert np.ptp(expected) > 0.1  # else the model tells nothing apart, and neither would the test


def test_the_order_of_passages_does_not_matter(reranker):
    forwards, backwards = reranker.score(QUESTION, TEXTS), reranker.score(QUESTION, TEXTS[::-1])
    assert np.allclose(forwards, backwards[::-1], atol=1e-5)


def test_question_and_passage_are_not_interchangeable(reranker):
    assert reranker.score(TEXTS[0], [TEXTS[2]]) != reranker.score(TEXTS[2], [TEXTS[0]])


def test_long_pairs_are_cut_to_what_the_model_reads(folder, reranker, monkeypatch):
    long = "Die Pumpe startet nicht. " * 40
    scores = reranker.score(long, [long, "Kurz.", ""])
    assert np.allclose(scores[0], logits(folder, [(long, long)])[0], atol=1e-5)
    seen = []
    predict = reranker._model.predict

    def watched(pairs, **options):
        seen.extend(pairs)
        return predict(pairs, **options)

    monkeypatch.setattr(reranker._model, "predict", watched)
    assert np.allclose(reranker.score(long * 50, [long * 50]), scores[0], atol=1e-5)
    assert max(len(text) for text in seen[0]) < len(long) * 10  # cut before it costs anything
    short = CrossEncoderReranker(model=str(folder), device="cpu", max_length=16)
    assert np.allclose(
        short.score(QUESTION, TEXTS[:1]), logits(folder, [(QUESTION, TEXTS[0])], 16), atol=1e-5
    )


def test_odd_texts(reranker):
    assert reranker.score("", []).shape == (0,)
    assert np.isfinite(reranker.score("", ["", "\ud800", "\x00", "🙂"])).all()


def test_threads_share_one_reranker(reranker):
    expected = reranker.score(QUESTION, TEXTS)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(reranker.score(QUESTION, TEXTS)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, expected) for result in results)


def test_its_name_is_the_directorys(reranker):
    assert reranker.name == "tiny-cross-encoder"


def test_an_embedder_is_no_cross_encoder(tmp_path):
    # sentence-transformers would load it, and score by a classifier of random weights.
    with pytest.raises(ModelError, match="no cross-encoder"):
        CrossEncoderReranker(model=str(save_embedder(tmp_path)), device="cpu")


def test_a_classifier_of_three_labels_is_no_reranker(tmp_path):
    with pytest.raises(ModelError, match="3 scores"):
        CrossEncoderReranker(model=str(save_cross_encoder(tmp_path, labels=3)), device="cpu")


def test_a_model_that_computes_nan_is_named(tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = save_cross_encoder(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"] = np.full(1, np.nan, np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="NaN"):
        CrossEncoderReranker(model=str(folder), device="cpu").score("a", ["b"])


def test_damaged_folders(tmp_path):
    folder = save_cross_encoder(tmp_path)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-200])
    with pytest.raises(ModelError, match="tiny-cross-encoder"):
        CrossEncoderReranker(model=str(folder), device="cpu")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        CrossEncoderReranker(model=str(folder), device="cpu")
    (folder / "config.json").write_text("{", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="config"):
        CrossEncoderReranker(model=str(folder), device="cpu")


def test_code_in_a_model_is_never_run(tmp_path):
    folder = save_cross_encoder(tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {
        "model_type": "planted",
        "auto_map": {
            "AutoConfig": "planted.Config",
            "AutoModelForSequenceClassification": "planted.Model",
        },
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    ran = tmp_path / "ran"
    (folder / "planted.py").write_text(f"open({str(ran)!r}, 'w')", encoding="utf-8")
    with pytest.raises(ModelError):
        CrossEncoderReranker(model=str(folder), device="cpu")
    assert not ran.exists()


@pytest.mark.parametrize("wrong", [{"max_length": 2}, {"batch_size": 0}, {"device": "abacus"}])
def test_values_out_of_range(folder, wrong):
    with pytest.raises(InvalidInput):
        CrossEncoderReranker(model=str(folder), **{"device": "cpu", **wrong})
