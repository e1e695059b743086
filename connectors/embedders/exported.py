"""A model that ``rag-engine export`` wrote, run by OpenVINO or ONNX Runtime: no torch, no network.

A folder holds ``embedder.json`` (the contract, the runtime, how near its vectors are to torch's),
``tokenizer.json``, and the graph: token ids and mask in, unit vectors out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.local_embedder import LocalEmbedder, padded, readable
from rag_engine.connectors.embedders.openvino_runtime import Encoder, cpu_properties, load_openvino
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Float32Array
from rag_engine.settings import Precision

__all__ = ["DESCRIPTION", "FORMAT", "GRAPHS", "TOKENIZER", "ExportedEmbedder"]

FORMAT = 1
"""The layout of the folder; another number is refused."""
DESCRIPTION, TOKENIZER = "embedder.json", "tokenizer.json"
GRAPHS = {"openvino": "model.xml", "onnx": "model.onnx"}
"""The file that each runtime opens."""
_BATCH_TOKENS = 2048

_Ids = npt.NDArray[np.int64]


class ExportedEmbedder(LocalEmbedder):
    """An ``Embedder`` from the folder of an exported model.

    ``precision`` is how OpenVINO computes, as for the bundled model; ONNX Runtime computes as the
    model was written. ``threads`` limits the CPU threads; 0 is one a core. Prompts are those that
    were exported, unless others are stated. Many threads may use one instance.

    Raises:
        InvalidInput: ``precision`` or ``threads`` can not be had.
        MissingExtra: the runtime, or tokenizers, is not installed (extra ``onnx``, ``cpu``).
        ModelError: the folder is none that was exported, or is damaged.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        precision: Precision = "auto",
        threads: int = 0,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
    ) -> None:
        if precision == "int8":
            raise InvalidInput(
                "precision 'int8' is the bundled model's; another is exported so: "
                "rag-engine export MODEL DIR --to openvino --int8"
            )
        folder = Path(folder)
        description = _described(folder)
        runtime, contract = description["runtime"], description["contract"]
        self._pad = int(description["pad"])
        super().__init__(
            EmbedderContract(
                **contract
                | ({} if query_prompt is None else {"query_prompt": query_prompt})
                | ({} if passage_prompt is None else {"passage_prompt": passage_prompt})
            )
        )
        try:
            import tokenizers
        except ImportError as exc:
            raise MissingExtra("onnx", package="tokenizers") from exc
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as exc:  # tokenizers raises nothing narrower
            raise ModelError(f"{folder / TOKENIZER} can not be read: {exc}") from exc
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._contract.max_tokens)
        self._counter = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
        self._counter.no_padding()
        self._counter.no_truncation()
        opened = {"openvino": _on_openvino, "onnx": _on_onnx}[runtime]
        self._run = opened(folder / GRAPHS[runtime], precision, threads)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the model's own tokens of each text, without prompt and special tokens."""
        encodings = self._counter.encode_batch(readable(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        whole = [prompt + text for text in self._beginnings(texts)]
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(whole)]
        vectors = self._in_batches(
            [len(row) for row in ids],
            _BATCH_TOKENS,
            lambda batch: self._run(*padded(ids, batch, self._pad)),
        )
        return checked_vectors(vectors, rows=len(texts), dimension=self.dimension)


def _described(folder: Path) -> dict[str, Any]:
    """Return what a folder says of itself."""
    path = folder / DESCRIPTION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        contract = {field.name: data["contract"][field.name] for field in fields(EmbedderContract)}
        known = data["format"] == FORMAT and data["runtime"] in GRAPHS
        description: dict[str, Any] = {**data, "contract": contract, "pad": int(data["pad"])}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(
            f"{str(folder)!r} holds no exported model: {exc!r}; write one with `rag-engine export "
            "MODEL DIR --to openvino`"
        ) from exc
    if not known:
        raise ModelError(
            f"{path} has format {data['format']!r} and runtime {data['runtime']!r}; this version "
            f"reads format {FORMAT} and {sorted(GRAPHS)}"
        )
    return description


def _on_openvino(path: Path, precision: str, threads: int) -> Callable[[_Ids, _Ids], Float32Array]:
    core = load_openvino().Core()
    try:
        model = core.read_model(path)
    except RuntimeError as exc:
        raise ModelError(f"the model {path} can not be read: {exc}") from exc
    compiled = core.compile_model(model, "CPU", cpu_properties(core, precision, threads))
    encoder, output = Encoder(compiled), compiled.output(0)  # which need not have a name

    def run(ids: _Ids, mask: _Ids) -> Float32Array:
        [vectors] = encoder.compute({"input_ids": ids, "attention_mask": mask}, [output])
        return vectors

    return run


def _on_onnx(path: Path, precision: str, threads: int) -> Callable[[_Ids, _Ids], Float32Array]:
    if precision == "bf16":
        raise InvalidInput("ONNX Runtime computes as the model was written; use precision 'auto'")
    try:
        import onnxruntime
    except ImportError as exc:
        raise MissingExtra("onnx", package="onnxruntime") from exc
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as exc:  # its errors have no common class
        raise ModelError(f"the model {path} can not be read: {exc}") from exc

    def run(ids: _Ids, mask: _Ids) -> Float32Array:
        vectors: Float32Array = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return vectors

    return run
