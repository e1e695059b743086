"""A cross-encoder on torch: it reads question and passage together and says how well they fit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.model_kinds import architectures, model_kind
from rag_engine.connectors.torch_models import (
    model_folder,
    pick_device,
    position_limit,
    quiet_loading,
)
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Float32Array

__all__ = ["CrossEncoderReranker"]

_TOKEN_CHARACTERS = 8
"""Characters of a text that are read for each token of a pair: twice what the longest take.

Cutting a pair costs the tokenizer time that grows with the square of what is cut off.
"""


class CrossEncoderReranker:
    """A ``Reranker`` around ``sentence_transformers.CrossEncoder``.

    ``model`` is a directory or a hub name, ``revision`` a commit, branch or tag of the hub.
    ``device`` is ``auto`` (CUDA if there is one), ``cpu``, ``cuda``... A pair is read up to
    ``max_length`` tokens (less if the model can not), the longer text cut first; ``batch_size``
    pairs go through the model together. Many threads may share one instance.

    Raises:
        InvalidInput: a device or number that can not be had.
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: no such model, a damaged one, or one that gives no single score.
    """

    def __init__(
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "auto",
        max_length: int = 512,
        batch_size: int = 32,
    ) -> None:
        if max_length < 8 or batch_size < 1:
            raise InvalidInput(
                "max_length must be at least 8 and batch_size at least 1; got "
                f"{max_length!r} and {batch_size!r}"
            )
        self._name = Path(model).resolve().name if Path(model).is_dir() else model
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._model = _loaded(
            model, model_folder(model, revision=revision), pick_device(device), max_length
        )

    @property
    def name(self) -> str:
        """The hub name, or the directory's name."""
        return self._name

    def score(self, question: str, passages: Sequence[str]) -> Float32Array:
        """Score each passage, shape ``(n_passages,)`` float32; higher is better.

        Scores are logits: not squeezed into 0 to 1, where great ones would become equal.

        Raises:
            ModelError: the model computed NaN or infinity.
        """
        from torch.nn import Identity

        longest = int(self._model.max_seq_length) * _TOKEN_CHARACTERS
        pairs = [
            (_readable(question, longest), _readable(passage, longest)) for passage in passages
        ]
        if not pairs:
            return np.empty(0, np.float32)
        with self._lock:
            scores = self._model.predict(
                pairs,
                batch_size=self._batch_size,
                activation_fn=Identity(),
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        logits: Float32Array = np.asarray(scores, np.float32).reshape(len(pairs))
        if not np.isfinite(logits).all():
            raise ModelError(f"the reranker {self._name!r} computed NaN or infinity; it is faulty")
        return logits


def _loaded(model: str, folder: Path, device: str, max_length: int) -> Any:
    try:
        import torch
        from sentence_transformers import CrossEncoder
    except ImportError as exc:
        raise MissingExtra("torch", package="sentence_transformers") from exc
    _check_kind(model, folder)
    try:
        with quiet_loading():
            loaded = CrossEncoder(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            )
        limit = position_limit(loaded.max_seq_length, _encoder(loaded.transformers_model))
        loaded.max_seq_length = min(limit, max_length)
    except Exception as exc:  # a damaged folder makes the libraries raise nearly anything
        raise ModelError(
            f"{model!r} can not be loaded as a cross-encoder: {type(exc).__name__}: "
            f"{str(exc).strip().splitlines()[0] if str(exc).strip() else ''}"
        ) from exc
    if loaded.num_labels != 1:
        raise ModelError(f"{model!r} gives {loaded.num_labels} scores a pair; a reranker gives one")
    return loaded


def _check_kind(model: str, folder: Path) -> None:
    """Refuse an embedder: loaded as a cross-encoder, its scores would come from random weights."""
    if model_kind(folder) not in {"cross-encoder", "language-model"}:
        raise ModelError(
            f"{model!r} is no cross-encoder: its config.json names {architectures(folder)}, not a "
            "model ...ForSequenceClassification"
        )


def _encoder(transformer: Any) -> Any:
    """Return the model below the classifier, which owns the position embeddings."""
    return getattr(transformer, "base_model", transformer)


def _readable(text: str, longest: int) -> str:
    """Return the text as a tokenizer can take it: lone surrogates become ``?``."""
    return text[:longest].encode("utf-8", "replace").decode("utf-8")
