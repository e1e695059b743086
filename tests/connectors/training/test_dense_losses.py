"""Losses over vectors against the library and against sums by hand; cached gradients."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from rag_engine.connectors.training.dense_losses import FirstOfBatch, Triplets, dense_loss
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from tests.connectors.tiny_models import TEXTS, save_embedder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_embedder(tmp_path_factory.mktemp("models"))


def unit(*angles: float) -> torch.Tensor:
    """Vectors ``(n, 2)`` whose cosine with the first axis is that of the angle, in degrees."""
    radians = [math.radians(angle) for angle in angles]
    return torch.tensor([[math.cos(each), math.sin(each)] for each in radians])


def test_kl_compares_the_distributions_over_a_questions_own_passages():
    loss = dense_loss(None, EmbedderTraining(loss="kl", temperature=0.5))
    columns = [unit(0, 0), unit(0, 60), unit(60, 0)]
    logits = torch.tensor([[1.0, 0.5], [0.2, 2.0]])
    seen = np.array([[1.0, 0.5], [0.5, 1.0]]) / 0.5
    known = logits.double().numpy()
    log = [rows - np.log(np.exp(rows).sum(1, keepdims=True)) for rows in (known, seen)]
    by_hand = (np.exp(log[0]) * (log[0] - log[1])).sum(1).mean()
    found = loss.compute_loss_from_embeddings(columns, logits)
    assert float(found) == pytest.approx(by_hand, abs=1e-5)
    same = loss.compute_loss_from_embeddings(columns, torch.tensor(seen, dtype=torch.float32))
    assert float(same) == pytest.approx(0, abs=1e-6)


def test_margins_are_those_of_cosines_by_the_temperature():
    loss = dense_loss(None, EmbedderTraining(loss="margin-mse", temperature=0.1))
    columns = [unit(0), unit(0), unit(60), unit(90)]
    right = torch.tensor([[7.0, 2.0, -3.0]])  # margins of 5 and 10, as 0.5 and 1 by 0.1
    assert float(loss.compute_loss_from_embeddings(columns, right)) == pytest.approx(0, abs=1e-4)
    wrong = torch.tensor([[7.0, 4.0, -3.0]])
    assert float(loss.compute_loss_from_embeddings(columns, wrong)) == pytest.approx(2, abs=1e-3)


def test_each_negative_makes_a_triplet():
    loss = Triplets(None, 0.75)
    columns = [unit(0), unit(0), unit(60), unit(90)]  # distances 0, 0.5, 1
    assert float(loss.compute_loss_from_embeddings(columns, None)) == pytest.approx(0.125)


def test_infonce_stands_beside_by_its_weight():
    columns = [unit(0, 90), unit(10, 80), unit(12, 70)]
    alone, beside = (
        dense_loss(None, EmbedderTraining(loss="triplet", infonce_weight=weight))
        for weight in (0, 2)
    )
    infonce = dense_loss(None, EmbedderTraining())
    assert isinstance(infonce, MultipleNegativesRankingLoss)
    lone, both, other = (
        float(each.compute_loss_from_embeddings(columns, None)) for each in (alone, beside, infonce)
    )
    assert both == pytest.approx(lone + 2 * other)
    assert other > 0.001


def gradients(model: SentenceTransformer, settings: EmbedderTraining) -> dict[str, torch.Tensor]:
    """Return the gradients of a batch of pairs."""
    model.zero_grad()
    questions, passages = TEXTS * 2, [text[:20] for text in TEXTS[::-1] * 2]
    tables = [
        model.tokenizer(texts, padding=True, truncation=True, max_length=40, return_tensors="pt")
        for texts in (questions, passages)
    ]
    loss = dense_loss(model, settings)([dict(table) for table in tables], None)
    loss.backward()
    return {
        name: weights.grad.clone()
        for name, weights in model.named_parameters()
        if weights.grad is not None
    }


def test_cached_gradients_are_those_of_the_whole_batch_in_less_memory(folder: Path, monkeypatch):
    model = SentenceTransformer(str(folder), device="cpu").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    rows: list[int] = []
    read = model.forward
    whole = gradients(model, EmbedderTraining(temperature=0.01))
    monkeypatch.setattr(
        model, "forward", lambda batch: rows.append(len(batch["input_ids"])) or read(batch)
    )
    parted = gradients(model, EmbedderTraining(temperature=0.01, mini_batch=3))
    assert max(rows) == 3
    assert rows.count(3) == 8  # two of each column's eight, read twice
    assert whole.keys() == parted.keys()
    assert any(bool(gradient.abs().max() > 1e-3) for gradient in whole.values())
    for name, gradient in whole.items():
        torch.testing.assert_close(parted[name], gradient, rtol=1e-3, atol=1e-4)


def test_of_a_batch_of_thousands_few_are_held():
    seen: list[int] = []

    class Counting(torch.nn.Module):
        def forward(self, features, labels):
            seen.extend([len(features[0]["input_ids"]), len(labels)])
            return labels.sum()

    table = {"input_ids": torch.zeros(9, 4), "prompt_length": 2}
    assert float(FirstOfBatch(Counting(), 3)([table], torch.ones(9, 1))) == 3
    assert seen == [3, 3]
