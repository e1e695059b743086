"""The two heads that BGE-M3 publishes beside its encoder: what tokens weigh, and their vectors.

``sparse_linear.pt`` is a linear layer from a token's hidden state to its weight,
``colbert_linear.pt`` one to its vector (Chen et al. 2024, "BGE M3-Embedding", section 3.1). Both
are pickles; they are read by torch's reader that knows tensors only and runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.errors import MissingExtra, ModelError

__all__ = ["HEAD_FILES", "BgeM3Heads", "Linear", "load_heads"]

HEAD_FILES = ("sparse_linear.pt", "colbert_linear.pt")
"""Of token weights, and of token vectors."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer: ``weight`` ``(out, in)`` and ``bias`` ``(out,)``, torch tensors, float32."""

    weight: Any
    bias: Any

    def __call__(self, states: Any) -> Any:
        """Return ``states @ weight.T + bias``, ``(..., out)`` float32, of states ``(..., in)``."""
        import torch

        return torch.nn.functional.linear(states.float(), self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class BgeM3Heads:
    """The heads of a model of width ``w``: ``sparse`` ``(1, w)``, ``colbert`` ``(any, w)``."""

    sparse: Linear
    colbert: Linear

    @property
    def token_width(self) -> int:
        """How wide a token's vector is."""
        return int(self.colbert.weight.shape[0])

    def token_weights(self, states: Any) -> Any:
        """Return what tokens weigh, ``(...)``: ``relu(linear(state))``."""
        return self.sparse(states).relu().squeeze(-1)

    def token_vectors(self, states: Any) -> Any:
        """Return vectors of tokens, ``(..., token_width)``: ``linear(state)``, of unit length."""
        import torch

        return torch.nn.functional.normalize(self.colbert(states), dim=-1)


def load_heads(folder: Path, *, width: int, device: str) -> BgeM3Heads:
    """Load the heads of the model in ``folder``, whose hidden states are ``width`` wide.

    Raises:
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: a file is missing, holds anything but a layer's tensors, or does not fit.
    """
    sparse, colbert = (_linear(folder / name, width, device) for name in HEAD_FILES)
    if len(sparse.bias) != 1:
        raise _wrong(folder / HEAD_FILES[0], f"gives {len(sparse.bias)} weights a token, not 1")
    return BgeM3Heads(sparse, colbert)


def _linear(path: Path, width: int, device: str) -> Linear:
    try:
        import torch
    except ImportError as exc:
        raise MissingExtra("torch", package="torch") from exc
    if not path.is_file():
        raise ModelError(
            f"{str(path.parent)!r} holds no {path.name}, and is not laid out as BGE-M3 is; open a "
            "model without it by kind = 'sentence-transformer'"
        )
    try:
        tensors = torch.load(path, map_location=device, weights_only=True)
    except Exception as exc:  # a damaged file, or one with code in it, raises nearly anything
        told = str(exc).strip().splitlines()
        raise ModelError(
            f"{str(path)!r} is not read: {type(exc).__name__}: {told[0] if told else ''}; it may "
            "hold tensors only, as torch.save writes a layer's state_dict()"
        ) from exc
    if not isinstance(tensors, dict) or set(tensors) != {"weight", "bias"}:
        names = sorted(map(str, tensors)) if isinstance(tensors, dict) else type(tensors).__name__
        raise _wrong(path, f"holds {names}")
    weight, bias = tensors["weight"], tensors["bias"]
    if not all(
        isinstance(each, torch.Tensor) and each.is_floating_point() for each in (weight, bias)
    ):
        raise _wrong(path, "holds something else than numbers")
    shapes = tuple(weight.shape), tuple(bias.shape)
    if weight.ndim != 2 or weight.shape[1] != width or shapes[1] != shapes[0][:1] or not len(bias):
        raise _wrong(path, f"has weight {shapes[0]} and bias {shapes[1]}")
    if not (weight.isfinite().all() and bias.isfinite().all()):
        raise _wrong(path, "holds NaN or infinity")
    return Linear(weight.float(), bias.float())


def _wrong(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{str(path)!r} {what}; expected 'weight' (out, hidden size of the model) and 'bias' "
        f"(out,), with out = 1 in {HEAD_FILES[0]}: use the files that came with the model"
    )
