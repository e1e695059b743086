"""What a reranker is trained from: a cross-encoder, or an encoder that gets a fresh head."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.trainer_parts import quiet
from rag_engine.errors import MissingExtra, ModelError

try:
    import torch
    import transformers
    from sentence_transformers import CrossEncoder
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["needs_fresh_head", "opened", "starting_model"]

_HEAD = "ForSequenceClassification"
_GENERATORS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_START = "start"


def needs_fresh_head(folder: Path) -> bool:
    """Tell a cross-encoder from an encoder without a head.

    Raises:
        ModelError: it is neither: a generator, or a classifier of several classes; or its
            ``config.json`` can not be read.
    """
    try:
        with quiet():
            config = transformers.AutoConfig.from_pretrained(
                str(folder), trust_remote_code=False, local_files_only=True
            )
    except Exception as error:  # a damaged folder makes the libraries raise nearly anything
        raise ModelError(
            f"{str(folder)!r} is no model that can be trained: {type(error).__name__}: "
            f"{(str(error).strip().splitlines() or [''])[0]}"
        ) from error
    kinds = [str(name) for name in config.architectures or []]
    if any(kind.endswith(_HEAD) for kind in kinds):
        if config.num_labels != 1:
            raise ModelError(
                f"{str(folder)!r} gives {config.num_labels} scores a pair; a reranker gives one"
            )
        return False
    if any(kind.endswith(_GENERATORS) for kind in kinds):
        raise ModelError(
            f"{str(folder)!r} is a language model ({', '.join(kinds)}); rerankers are trained from "
            f"cross-encoders (...{_HEAD}) and from encoders"
        )
    return True


def starting_model(folder: Path, run: Path) -> Path:
    """Return the folder of the cross-encoder that training starts from.

    That is ``folder`` itself, or without a head a copy with a fresh one, kept in ``run``: training
    that was stopped goes on from the same.
    """
    if not needs_fresh_head(folder):
        return folder
    start = run / _START
    if not start.exists():
        made = opened(folder, "cpu")
        _open_pooler(made.transformers_model)
        aside = run / f"{_START}.new"
        shutil.rmtree(aside, ignore_errors=True)
        made.save_pretrained(str(aside), create_model_card=False, safe_serialization=True)
        aside.rename(start)
    return start


def opened(folder: Path, device: str, **options: str) -> Any:
    """Open a model as a cross-encoder; without a head it gets one of random weights.

    ``options`` are what the network's own loader is told besides.

    Raises:
        ModelError: it can not be loaded.
    """
    try:
        with quiet():
            return CrossEncoder(
                str(folder),
                num_labels=1,
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32, **options},
            )
    except Exception as error:  # a damaged folder makes the libraries raise nearly anything
        raise ModelError(
            f"{str(folder)!r} can not be loaded as a cross-encoder: {type(error).__name__}: "
            f"{(str(error).strip().splitlines() or [''])[0]}"
        ) from error


def _open_pooler(network: Any) -> None:
    """Draw a pooler that is all zeros, as the bundled model's: it would let nothing through."""
    pooler = getattr(network.base_model, "pooler", None)
    dense = getattr(pooler, "dense", None)
    if dense is not None and not bool(dense.weight.any()):
        torch.nn.init.normal_(dense.weight, std=network.config.initializer_range)
