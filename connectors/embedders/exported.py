"""A model that ``rag-engine export`` wrote, run by OpenVINO or ONNX Runtime: no torch, no network.

A folder holds ``embedder.json`` (the contract, the runtime, how near its vectors are to torch's),
``tokenizer.json``, and the graph: token ids and mask in, unit vectors out, and those of the tokens
where the model gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.gathered import Gathered
from rag_engine.connectors.embedders.local_embedder import LocalTokenEmbedder, padded, readable
from rag_engine.connectors.embedders.openvino_runtime import Encoder, cpu_properties, load_openvino
from rag_engine.connectors.embedders.token_states import token_weights, unigram_information
from rag_engine.embedding.batching import Batch
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.settings import Precision

__all__ = ["DESCRIPTION", "FORMAT", "GRAPHS", "TOKENIZER", "ExportedEmbedder"]

FORMAT = 1
"""The layout of the folder; another number is refused."""
DESCRIPTION, TOKENIZER = "embedder.json", "tokenizer.json"
GRAPHS = {"openvino": "model.xml", "onnx": "model.onnx"}
"""The file that each runtime opens."""
_BATCH_TOKENS = 2048

_WITHOUT_TOKENS = "it was exported without them, by an earlier version; export it again"

_Ids = npt.NDArray[np.int64]
_Run = Callable[[_Ids, _Ids, int], list[Float32Array]]
"""Computes the first so many outputs: vectors of texts, then those of their tokens."""


class ExportedEmbedder(LocalTokenEmbedder):
    """An ``Embedder`` from the folder of an exported model.

    ``precision`` is how OpenVINO computes, as for the bundled model; ONNX Runtime computes as the
    model was written. ``threads`` limits the CPU threads; 0 is one a core. Prompts are those that
    were exported, unless others are stated. Many threads may use one instance.

    It is a ``TokenEmbedder`` where the model was exported with the vectors of its tokens;
    ``tokens_refused`` tells why it is not.

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
        self.tokens_refused = str(description.get("tokens_refused", _WITHOUT_TOKENS))
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
        self._special = [
            number
            for number, token in self._counter.get_added_tokens_decoder().items()
            if token.special
        ]
        graph = folder / GRAPHS[runtime]
        if runtime == "openvino":
            self._run, encoder = _on_openvino(graph, precision, threads)
            self._questions = Gathered(encoder.turn)
        else:
            self._run = _on_onnx(graph, precision, threads)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the model's own tokens of each text, without prompt and special tokens."""
        encodings = self._counter.encode_batch(readable(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether token vectors can be had in these directions."""
        return not self.tokens_refused and basis.shape[1] == self.dimension

    @property
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""
        return int(self._counter.get_vocab_size())

    @property
    def weighs_tokens(self) -> bool:
        """Whether the tokenizer itself tells what a token weighs."""
        return self._information is not None

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, without prompt and special tokens."""
        encodings = self._counter.encode_batch(readable(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    @cached_property
    def _information(self) -> Float32Array | None:
        return unigram_information(self._counter.to_str(), self._special, self.vocabulary_size)

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        ids = [encoding.ids for encoding in self._encoded(prompt, texts)]
        vectors = self._in_batches(
            [len(row) for row in ids],
            _BATCH_TOKENS,
            lambda batch: self._run(*padded(ids, batch, self._pad), 1)[0],
            self._divided(prompt),
        )
        return checked_vectors(vectors, rows=len(texts), dimension=self.dimension)

    def _encoded(self, prompt: str, texts: Sequence[str]) -> list[Any]:
        whole = [prompt + text for text in self._beginnings(texts)]
        encoded: list[Any] = self._tokenizer.encode_batch(whole)
        return encoded

    def _embed_tokens(
        self, prompt: str, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        if self.tokens_refused:
            raise InvalidInput(
                f"{self._contract.model!r} gives no vectors of tokens: {self.tokens_refused}"
            )
        encodings = self._encoded(prompt, texts)
        ids = [encoding.ids for encoding in encodings]
        tokens: dict[int, TokenVectors] = {}

        def compute(batch: Batch) -> Float32Array:
            vectors, states = self._run(*padded(ids, batch, self._pad), 2)
            for place, row in enumerate(batch.rows):
                own = _own(encodings[row], len(prompt.lstrip()))
                weights = token_weights(
                    [ids[row][token] for token in own], self._information, self.fit
                )
                tokens[row] = TokenVectors(states[place, own] @ basis.T, weights)
            return vectors

        lengths = [len(row) for row in ids]
        vectors = self._in_batches(lengths, _BATCH_TOKENS, compute, self._divided(prompt))
        unit = checked_vectors(vectors, rows=len(texts), dimension=self.dimension)
        return unit, [tokens[row] for row in range(len(texts))]


def _own(encoding: Any, prompt: int) -> list[int]:
    """Return which tokens are the text's own: not special, and ending behind the prompt."""
    return [
        token
        for token, ((_, end), special) in enumerate(
            zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        )
        if not special and end > prompt
    ]


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


def _on_openvino(path: Path, precision: str, threads: int) -> tuple[_Run, Encoder]:
    core = load_openvino().Core()
    try:
        model = core.read_model(path)
    except RuntimeError as exc:
        raise ModelError(f"the model {path} can not be read: {exc}") from exc
    compiled = core.compile_model(model, "CPU", cpu_properties(core, precision, threads))
    encoder, outputs = Encoder(compiled), list(compiled.outputs)  # which need not have names

    def run(ids: _Ids, mask: _Ids, count: int) -> list[Float32Array]:
        return encoder.compute({"input_ids": ids, "attention_mask": mask}, outputs[:count])

    return run, encoder


def _on_onnx(path: Path, precision: str, threads: int) -> _Run:
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

    names = [output.name for output in session.get_outputs()]

    def run(ids: _Ids, mask: _Ids, count: int) -> list[Float32Array]:
        found = session.run(names[:count], {"input_ids": ids, "attention_mask": mask})
        return list(found)

    return run
