"""Any sentence-transformers model on torch, on a CPU or a GPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rag_engine.connectors.embedders.local_embedder import LocalTokenEmbedder, readable
from rag_engine.connectors.embedders.sentence_transformer_model import loaded_model, width_of
from rag_engine.connectors.embedders.token_states import TokenStates, token_weights
from rag_engine.connectors.torch_models import (
    model_folder,
    pick_device,
    weights_digest,
)
from rag_engine.embedding.batching import Batch
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.settings import Precision

__all__ = ["SentenceTransformerEmbedder"]

_BATCH_TOKENS = {"cpu": 4096, "cuda": 32_768}
"""Tokens that go through the model together, padding included."""

_log = logging.getLogger(__name__)


class SentenceTransformerEmbedder(LocalTokenEmbedder):
    """An ``Embedder`` around ``sentence_transformers.SentenceTransformer``.

    ``model`` is a directory or a hub name, ``revision`` a commit, branch or tag of the hub.
    ``device`` is ``auto`` (CUDA if there is one), ``cpu``, ``cuda``, ``cuda:1``... ``precision``
    is how it computes: ``f32``, ``bf16`` (float32 weights under bfloat16 autocast: twice as fast
    where the processor has it), or ``auto``, which is ``bf16`` on a GPU and ``f32`` on a CPU.
    ``threads`` sets torch's CPU threads for the whole process; 0 leaves them as they are.
    ``truncate_dim`` keeps only so many leading components, for models that were trained for it.

    Prompts that are not stated are the model's own, else those of its family, else none (see
    ``resolve_prompts``); the contract names what is used. Code that comes with a model is never
    run, and only safetensors are loaded. Many threads may share one instance: a long job lets
    others in after each batch.

    It is a ``TokenEmbedder`` where the model pools by the mean (``token_states`` says why);
    ``tokens_refused`` tells why it is not. What tokens weigh is told by a unigram tokenizer, else
    by the model's ``fit``; without either all weigh the same.

    Raises:
        InvalidInput: a device, precision or number of threads that can not be had.
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: no such model, a damaged one, or one without safetensors.
    """

    pickled: tuple[str, ...] = ()
    """Files of a kind of models that are no safetensors (see ``model_folder``)."""

    def __init__(
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        threads: int = 0,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        truncate_dim: int | None = None,
    ) -> None:
        if precision not in {"auto", "bf16", "f32"} or threads < 0:
            raise InvalidInput(
                "precision is 'auto', 'bf16' or 'f32', and threads 0 or more; got "
                f"{precision!r} and {threads!r}"
            )
        self._device = pick_device(device)
        self._folder = folder = model_folder(model, revision=revision, pickled=self.pickled)
        self._model = loaded_model(model, folder, self._device, truncate_dim)
        on_gpu = self._device.startswith("cuda")
        self._bf16 = precision == "bf16" or (precision == "auto" and on_gpu)
        self._batch_tokens = _BATCH_TOKENS["cuda" if on_gpu else "cpu"]
        self._lock = threading.Lock()
        self._tokens = TokenStates(self._model, width_of(self._model, truncate_dim))
        prompts = _prompts(model, self._model, query_prompt, passage_prompt)
        super().__init__(
            EmbedderContract(
                model=Path(model).resolve().name if Path(model).is_dir() else model,
                weights=weights_digest(folder, pickled=self.pickled),
                dimension=width_of(self._model, truncate_dim),
                pooling=_pooling(self._model),
                normalised=True,
                query_prompt=prompts.query,
                passage_prompt=prompts.passage,
                max_tokens=int(self._model.max_seq_length),
            )
        )
        if threads:
            import torch

            torch.set_num_threads(threads)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the model's own tokens of each text, without prompt and special tokens."""
        return self._lengths(readable(texts), add_special_tokens=False)

    @property
    def tokens_refused(self) -> str:
        """Why the model gives no token vectors; empty where it does."""
        return self._tokens.refused

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether token vectors can be had in these directions."""
        return not self.tokens_refused and basis.shape[1] == self.dimension

    @property
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""
        return self._tokens.vocabulary

    @property
    def weighs_tokens(self) -> bool:
        """Whether the tokenizer itself tells what a token weighs."""
        return self._tokens.information is not None

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, without prompt and special tokens."""
        texts = readable(texts)
        with self._lock:
            return self._tokens.ids(texts)

    def fast_tokenizer(self) -> Any:
        """Return the model's tokenizer as the package ``tokenizers`` has it.

        Raises:
            ModelError: it has none that runs without transformers.
        """
        backend = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"the tokenizer of {self._contract.model!r} has no tokenizer.json and can not be "
                "exported"
            )
        return backend

    @property
    def pad(self) -> int:
        """The id of the token that fills up short texts."""
        return int(self._model.tokenizer.pad_token_id or 0)

    def features(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return passages as the model takes them, torch tensors ``(n_texts, length)`` int64."""
        passages = [self._contract.passage_prompt + text for text in readable(texts)]
        with self._lock:
            table = self._model.tokenizer(
                passages,
                padding=True,
                truncation=True,
                max_length=self.max_tokens,
                return_tensors="pt",
            )
        return {name: table[name] for name in ("input_ids", "attention_mask")}

    def sentence_module(self) -> Any:
        """Return all of the model as one torch module: ids and mask in, unit vectors out.

        Where it gives token vectors, those of all tokens come out beside them, in full width.
        """
        import torch

        class Sentence(torch.nn.Module):  # type: ignore[misc]
            def __init__(self, model: Any, tokens: TokenStates) -> None:
                super().__init__()
                self.model = model
                self.tokens = tokens

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
                found = self.model(inputs)
                vectors = torch.nn.functional.normalize(found["sentence_embedding"], dim=-1)
                if self.tokens.refused:
                    return vectors
                return vectors, self.tokens.scaled(found["token_embeddings"], attention_mask)

        return Sentence(self._model, self._tokens).eval()

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        texts = self._beginnings(texts)
        lengths = self._lengths([prompt + text for text in texts], add_special_tokens=True)
        vectors = self._in_batches(
            [min(length, self.max_tokens) for length in lengths],
            self._batch_tokens,
            lambda batch: self._run(prompt, [texts[row] for row in batch.rows]),
        )
        return checked_vectors(vectors, rows=len(texts), dimension=self.dimension)

    def _embed_tokens(
        self, prompt: str, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        if self.tokens_refused:
            raise InvalidInput(
                f"{self._contract.model!r} gives no vectors of tokens: {self.tokens_refused}"
            )
        texts = self._beginnings(texts)
        lengths = self._lengths([prompt + text for text in texts], add_special_tokens=True)
        tokens: dict[int, TokenVectors] = {}

        def compute(batch: Batch) -> Float32Array:
            with self._lock, self._precision():
                vectors, its_tokens = self._tokens.compute(
                    prompt, [texts[row] for row in batch.rows], basis, self._weights_of
                )
            tokens.update(zip(batch.rows, its_tokens, strict=True))
            return vectors

        limited = [min(length, self.max_tokens) for length in lengths]
        vectors = self._in_batches(limited, self._batch_tokens, compute)
        unit = checked_vectors(vectors, rows=len(texts), dimension=self.dimension)
        return unit, [tokens[row] for row in range(len(texts))]

    def _weights_of(self, ids: Sequence[int]) -> Float32Array:
        return token_weights(ids, self._tokens.information, self.fit)

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        kind = torch.device(self._device).type
        return torch.autocast(kind, dtype=torch.bfloat16) if self._bf16 else nullcontext()

    def _run(self, prompt: str, texts: list[str]) -> Float32Array:
        with self._lock, self._precision():
            vectors: Float32Array = self._model.encode(
                texts,
                prompt=prompt,
                batch_size=len(texts),
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return vectors

    def _lengths(self, texts: Sequence[str], *, add_special_tokens: bool) -> list[int]:
        if not texts:
            return []
        # The lock: a Hugging Face tokenizer keeps the last call's truncation as its state.
        with self._lock:
            encoded = self._model.tokenizer(
                list(texts),
                add_special_tokens=add_special_tokens,
                truncation=False,
                padding=False,
                return_attention_mask=False,
                verbose=False,
            )
        return [len(ids) for ids in encoded["input_ids"]]


def _prompts(
    name: str, model: Any, query_prompt: str | None, passage_prompt: str | None
) -> Prompts:
    prompts = resolve_prompts(
        name, own=model.prompts, query_prompt=query_prompt, passage_prompt=passage_prompt
    )
    if prompts.origin == "family" and Path(name).is_dir():
        _log.warning(
            "the prompts %r and %r are those of the family that the directory %r is named for; "
            "state query_prompt and passage_prompt if that is wrong",
            prompts.query,
            prompts.passage,
            name,
        )
    return prompts


def _pooling(model: Any) -> str:
    """Name how token vectors become one: ``mean``, ``cls``..., or the model's last modules."""
    for module in model:
        mode = getattr(module, "pooling_mode", None)
        if mode is not None:
            return mode if isinstance(mode, str) else "+".join(mode)
    return "+".join(type(module).__name__ for module in model)
