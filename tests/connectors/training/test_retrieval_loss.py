"""The loss of training to retrieve, with the bundled model itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.connectors.training.dense_losses import cosines
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.retrieval_loss import (
    RetrievalLoss,
    best_matches,
    token_information,
)
from rag_engine.connectors.training.tasks import retrieval_task
from rag_engine.connectors.training.trainer_parts import quiet
from rag_engine.connectors.training.training_records import AnchorTexts, Pairs
from rag_engine.embedding.prompts import Prompts
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.export_bundled import export_bundled

PROMPTS = Prompts(query="query: ", passage="passage: ", origin="family")
QUESTIONS = ["Wie lange läuft die Pumpe?", "いつ点検しますか", "What?"]
PASSAGES = [
    "The pump runs for nine hours, and then it rests until somebody fills the tank again.",
    "It is inspected every spring.",
    "Nothing.",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> SentenceTransformer:
    folder: Path = tmp_path_factory.mktemp("loss") / "base"
    export_bundled(folder, adapter=False)
    return SentenceTransformer(str(folder), device="cpu").eval()


@contextmanager
def padded(model: SentenceTransformer, side: str) -> Iterator[None]:
    before = model.tokenizer.padding_side
    model.tokenizer.padding_side = side
    try:
        yield
    finally:
        model.tokenizer.padding_side = before


def features(model: SentenceTransformer) -> list[dict[str, torch.Tensor]]:
    tables = (
        [PROMPTS.query + each for each in QUESTIONS],
        [PROMPTS.passage + each for each in PASSAGES],
    )
    return [model.tokenizer(table, padding=True, return_tensors="pt") for table in tables]


@pytest.mark.parametrize("side", ["right", "left"])
def test_without_late_interaction_it_is_the_librarys_own_loss(model, side: str):
    dense = MultipleNegativesRankingLoss(model, scale=50.0)
    loss = RetrievalLoss(model, dense, 0.0, PROMPTS)
    with padded(model, side), torch.no_grad():
        tables = features(model)
        if side == "left":  # this model counts places from the left, so tell where a text begins
            for each in tables:
                each["position_ids"] = (each["attention_mask"].cumsum(1) - 1).clamp(0)
        ours, library = loss(tables, None), dense(tables, None)
    assert float(ours) == pytest.approx(float(library), abs=1e-4)


class Echo:
    """A model that says of a token only which one it is."""

    def __init__(self, tokenizer) -> None:
        self.tokenizer = tokenizer

    def __call__(self, asked):
        states = asked["input_ids"][..., None].float()
        return {"token_embeddings": states, "sentence_embedding": states.mean(1)}


def test_it_does_not_matter_on_which_side_padding_is(model):
    loss = RetrievalLoss(Echo(model.tokenizer), None, 1.0, PROMPTS)
    _, right = loss._read(features(model)[1])
    with padded(model, "left"):
        _, left = loss._read(features(model)[1])
    assert [ids.tolist() for ids, _ in left] == [ids.tolist() for ids, _ in right]
    assert (
        right[2][0].tolist() == model.tokenizer("Nothing.", add_special_tokens=False)["input_ids"]
    )
    for (_, one), (_, other) in zip(left, right, strict=True):
        torch.testing.assert_close(one, other)


def test_tokens_are_those_that_the_engine_compares(model):
    loss = RetrievalLoss(model, MultipleNegativesRankingLoss(model, scale=50.0), 1.0, PROMPTS)
    whole = np.eye(384, dtype=np.float32)
    engine = BundledE5(adapter=False, precision="f32")
    asked, told = features(model)
    with torch.no_grad():
        for column, of_engine in (
            (asked, engine.embed_query_tokens(QUESTIONS, whole)),
            (told, engine.embed_passage_tokens(PASSAGES, whole)),
        ):
            vectors, tokens = loss._read(column)
            np.testing.assert_allclose(vectors.numpy(), of_engine[0], atol=2e-3)
            for (ids, states), expected in zip(tokens, of_engine[1], strict=True):
                assert states.shape == expected.vectors.shape
                np.testing.assert_allclose(states.numpy(), expected.vectors, atol=2e-2)
                np.testing.assert_allclose(
                    loss.information[ids].numpy(), expected.weights, atol=1e-3
                )


def test_matches_are_the_best_of_all_pairs():
    random = torch.Generator().manual_seed(1)
    questions = [torch.randn(n, 8, generator=random) for n in (3, 1, 5)]
    passages = [torch.randn(n, 8, generator=random) for n in (4, 2)]
    weights = [torch.rand(len(each), generator=random) for each in questions]
    asked, held = torch.cat(questions).mean(0), torch.cat(passages).mean(0)
    expected = [
        [
            sum(
                weight * max(torch.cosine_similarity(q - asked, p - held, dim=0) for p in passage)
                for q, weight in zip(question, weight_row, strict=True)
            )
            / weight_row.sum()
            for passage in passages
        ]
        for question, weight_row in zip(questions, weights, strict=True)
    ]
    found = best_matches(questions, weights, passages)
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-4)


def test_tokens_are_compared_where_those_of_a_sample_differ_most(model):
    sample = [PROMPTS.passage + each * 3 for each in PASSAGES + QUESTIONS]
    whole, loss = (RetrievalLoss(model, Nothing(), 1.0, PROMPTS, each) for each in ((), sample))
    rows = loss._basis
    assert rows.shape == (128, 384)
    torch.testing.assert_close(rows @ rows.T, torch.eye(128), atol=1e-4, rtol=0)
    with torch.no_grad():
        (_, asked), (_, told) = (loss._read(each) for each in features(model))
        every = torch.cat([states for _, states in told])
        centred = every - every.mean(0)
        assert (centred @ rows.T).square().sum() > 0.8 * centred.square().sum()
        matches = best_matches(
            [states @ rows.T for _, states in asked],
            [loss._weights(ids) for ids, _ in asked],
            [states @ rows.T for _, states in told],
        )
        expected = torch.nn.functional.cross_entropy(30 * matches, torch.arange(3))
        torch.testing.assert_close(loss(features(model), None), expected)
        assert float(whole(features(model), None)) != pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_in_bf16_cosines_are_still_computed_in_float32(model, late: float):
    dense = MultipleNegativesRankingLoss(model, scale=50.0, similarity_fct=cosines)
    loss = RetrievalLoss(model, dense, late, PROMPTS, PASSAGES)
    read = [loss._read(each) for each in features(model)]
    loss._read = lambda table: read.pop(0)
    kept = list(read)
    with torch.no_grad():
        full = float(loss(features(model), None))
        read += kept
        with torch.autocast("cpu", torch.bfloat16):
            assert float(loss(features(model), None)) == full


@pytest.mark.parametrize("more", [{}, {"matryoshka": (64,)}])
def test_what_is_trained_compares_in_float32(model, more, tmp_path: Path):
    pairs = Pairs(questions=QUESTIONS, positives=PASSAGES, negatives=[], symmetric=[False] * 3)
    with quiet():
        settings = EmbedderTraining(**more)
        task = retrieval_task(model, [pairs], AnchorTexts(), settings, PROMPTS, tmp_path)
    (loss,) = task.losses.values()
    assert (loss.loss if more else loss.dense).similarity_fct is cosines


class Nothing:
    """A loss over vectors that leaves everything to the tokens."""

    def compute_loss_from_embeddings(self, vectors, labels):
        return torch.zeros(())


def test_negatives_are_passages_too(model):
    loss = RetrievalLoss(model, Nothing(), 1.0, PROMPTS)
    asked, told = features(model)
    with torch.no_grad():
        few, many = loss([asked, told], None), loss([asked, told, features(model)[1]], None)
    # Each question has its passage twice, right and wrong: half of the probability is lost.
    assert float(many) == pytest.approx(float(few) + np.log(2), abs=0.02)


def test_a_tokenizer_of_another_kind_is_refused(model, monkeypatch):
    monkeypatch.setattr(type(model.tokenizer), "all_special_ids", [])
    with pytest.raises(InvalidInput, match="leave late out"):
        RetrievalLoss(model, Nothing(), 1.0, PROMPTS)
    RetrievalLoss(model, Nothing(), 0.0, PROMPTS)


def test_it_goes_down_as_tokens_learn_their_matches(model):
    loss = RetrievalLoss(model, Nothing(), 1.0, PROMPTS)
    layer = model[0].auto_model.encoder.layer[-1].output.dense
    before = layer.weight.detach().clone()
    optimiser = torch.optim.SGD([layer.weight], lr=0.05)
    losses = []
    try:
        for _ in range(4):
            optimiser.zero_grad()
            value = loss(features(model), None)
            value.backward()
            optimiser.step()
            losses.append(value.item())
    finally:
        layer.weight.data.copy_(before)
    assert losses[-1] < losses[0]


def test_a_tokenizer_without_scores_weighs_tokens_alike(model):
    class Wordpieces:
        all_special_ids = (0,)

        def __len__(self) -> int:
            return 3

        @property
        def backend_tokenizer(self):
            return self

        def to_str(self) -> str:
            return '{"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "a": 1, "b": 2}}}'

    assert token_information(Wordpieces()).tolist() == [0, 1, 1]


def test_late_and_matryoshka_do_not_go_together():
    with pytest.raises(InvalidInput, match="do not go together"):
        EmbedderTraining(late_interaction_weight=1.0, matryoshka=(64,))
