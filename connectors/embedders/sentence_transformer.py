"""Any sentence-transformers model on torch, on a CPU or a GPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rag_engine.connectors.embedders.local_embedder import LocalEmbedder, readable
from rag_engine.connectors.model_kinds import refuse_other_kinds
from rag_engine.connectors.torch_models import (
    model_folder,
    pick_device,
    position_limit,
    quiet_loading,
    weights_digest,
)
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Float32Array
from rag_engine.settings import Precision

__all__ = ["SentenceTransformerEmbedder"]

_BATCH_TOKENS = {"cpu": 4096, "cuda": 32_768}
"""Tokens that go through the model together, padding included."""

_log = logging.getLogger(__name__)


class SentenceTransformerEmbedder(LocalEmbedder):
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

    Raises:
        InvalidInput: a device, precision or number of threads that can not be had.
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: no such model, a damaged one, or one without safetensors.
    """

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
        folder = model_folder(model, revision=revision)
        self._model = _loaded(model, folder, self._device, truncate_dim)
        on_gpu = self._device.startswith("cuda")
        self._bf16 = precision == "bf16" or (precision == "auto" and on_gpu)
        self._batch_tokens = _BATCH_TOKENS["cuda" if on_gpu else "cpu"]
        self._lock = threading.Lock()
        prompts = _prompts(model, self._model, query_prompt, passage_prompt)
        super().__init__(
            EmbedderContract(
                model=Path(model).resolve().name if Path(model).is_dir() else model,
                weights=weights_digest(folder),
                dimension=_dimension(self._model, truncate_dim),
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
        """Return all of the model as one torch module: ids and mask in, unit vectors out."""
        import torch

        class Sentence(torch.nn.Module):  # type: ignore[misc]
            def __init__(self, model: Any) -> None:
                super().__init__()
                self.model = model

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
                vectors = self.model(inputs)["sentence_embedding"]
                return torch.nn.functional.normalize(vectors, dim=-1)

        return Sentence(self._model).eval()

    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        texts = self._beginnings(texts)
        lengths = self._lengths([prompt + text for text in texts], add_special_tokens=True)
        vectors = self._in_batches(
            [min(length, self.max_tokens) for length in lengths],
            self._batch_tokens,
            lambda batch: self._run(prompt, [texts[row] for row in batch.rows]),
        )
        return checked_vectors(vectors, rows=len(texts), dimension=self.dimension)

    def _run(self, prompt: str, texts: list[str]) -> Float32Array:
        import torch

        kind = torch.device(self._device).type
        precision = torch.autocast(kind, dtype=torch.bfloat16) if self._bf16 else nullcontext()
        with self._lock, precision:
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


def _loaded(model: str, folder: Path, device: str, truncate_dim: int | None) -> Any:
    """Load the model from its folder, with float32 weights and a limit that it can keep to."""
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as exc:
        raise MissingExtra("torch", package="sentence_transformers") from exc
    refuse_other_kinds(
        model,
        folder,
        *("embedder", "encoder", "language-model"),
        use="name an embedder; a cross-encoder goes into [reranker]",
    )
    try:
        with quiet_loading():
            loaded = SentenceTransformer(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                truncate_dim=truncate_dim,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            )
        loaded.max_seq_length = position_limit(loaded.max_seq_length, loaded.transformers_model)
        return loaded
    except Exception as exc:  # a damaged folder makes the libraries raise nearly anything
        raise ModelError(
            f"{model!r} can not be loaded as a sentence-transformers model: "
            f"{type(exc).__name__}: {str(exc).strip().splitlines()[0] if str(exc).strip() else ''}"
        ) from exc


def _dimension(model: Any, truncate_dim: int | None) -> int:
    whole = int(model.get_embedding_dimension())
    if truncate_dim is not None and truncate_dim > whole:
        raise InvalidInput(
            f"truncate_dim is at most the model's own width of {whole}, got {truncate_dim}"
        )
    return min(whole, truncate_dim or whole)


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
