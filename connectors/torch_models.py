"""What every model on torch needs: a folder, a device, the identity of its weights, quiet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rag_engine.errors import InvalidInput, MissingExtra, ModelError

__all__ = [
    "model_folder",
    "pick_device",
    "pick_precision",
    "position_limit",
    "quiet_loading",
    "weights_digest",
]

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
_UNWANTED = ["onnx/*", "openvino/*"]
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_FIT_FOR_ALL = 512
"""Tokens that a model may read which states no limit of its own."""


def model_folder(model: str, *, revision: str | None = None, pickled: Sequence[str] = ()) -> Path:
    """Return the folder of a model: ``model`` itself, or what the hub (or its cache) holds.

    Only weights in safetensors are taken: they can not run code when they are loaded. Where a
    model's kind has others, ``pickled`` names them, first the file that may stand for safetensors:
    whoever names them loads them by a reader that runs no code either (torch's
    ``weights_only=True``).

    Raises:
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: no such folder or hub model, or one without such weights.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _from_hub(model, revision, pickled)
    if not _weight_files(folder) and not any((folder / name).is_file() for name in pickled[:1]):
        pickled = sorted(path.name for path in folder.rglob("*") if path.suffix in _PICKLED)
        held = f"only {', '.join(pickled[:3])}, which may run code when loaded" if pickled else ""
        raise ModelError(
            f"the model {model!r} holds no weights in safetensors{f', {held}' if held else ''}; "
            "use a model or a revision that does, or convert it where you trust it"
        )
    return folder


def _from_hub(model: str, revision: str | None, pickled: Sequence[str]) -> Path:
    if not _HUB_NAME.fullmatch(model):
        raise ModelError(
            f"{model!r} is neither a directory nor the name of a model on the hub (owner/name)"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError as exc:
        raise MissingExtra("torch", package="huggingface_hub") from exc
    try:
        return Path(
            snapshot_download(
                model,
                revision=revision,
                allow_patterns=[*_WANTED, *pickled],
                ignore_patterns=_UNWANTED,
            )
        )
    except (OSError, ValueError) as exc:  # no network, no such model, no such revision
        raise ModelError(
            f"there is no directory {model!r}, and the model hub gave none of that name (revision "
            f"{revision or 'main'}): {str(exc).splitlines()[0]}"
        ) from exc


def weights_digest(folder: Path, *, pickled: Sequence[str] = ()) -> str:
    """Return the SHA-256 of the model's safetensors; of several, that of their names and hashes.

    The files ``pickled`` of the folder belong to them, as far as they are there.
    """
    digests = {}
    others = [folder / name for name in sorted(pickled) if (folder / name).is_file()]
    for path in [*_weight_files(folder), *others]:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        digests[path.relative_to(folder).as_posix()] = digest
    if len(digests) == 1:
        return next(iter(digests.values()))
    listing = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode("utf-8")).hexdigest()


def _weight_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.safetensors") if path.is_file())


def pick_device(device: str) -> str:
    """Return the device that ``auto`` stands for (CUDA if there is one), else ``device`` itself.

    Raises:
        InvalidInput: a device that torch does not know, or that is not there.
        MissingExtra: torch is not installed.
    """
    try:
        import torch
    except ImportError as exc:
        raise MissingExtra("torch", package="torch") from exc
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (AssertionError, NotImplementedError, RuntimeError) as exc:
        raise InvalidInput(
            f"the device {device!r} can not be used: {str(exc).splitlines()[0]}; use 'auto', "
            "'cpu', or 'cuda' where there is a GPU"
        ) from exc
    return device


def pick_precision(
    precision: Literal["auto", "f32", "bf16"], device: str
) -> Literal["f32", "bf16"]:
    """Return what ``auto`` stands for on a device, else ``precision`` itself.

    That is bf16 where the device multiplies matrices of bf16, else f32.

    >>> pick_precision("bf16", "cpu")
    'bf16'
    """
    if precision != "auto":
        return precision
    import torch

    if device != "cpu":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "f32"
    # torch 2.6 has no get_capabilities.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if capabilities.get("amx_bf16") else "f32"


@contextmanager
def quiet_loading() -> Generator[None]:
    """Keep transformers from drawing a progress bar for each model that it loads."""
    from transformers.utils import logging

    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            logging.enable_progress_bar()


def position_limit(stated: float | None, transformer: object) -> int:
    """Return how many tokens a model can read, special tokens included.

    What the tokenizer states may be nothing, a huge number, or 514 for a RoBERTa, whose positions
    start at 2: two tokens more than fit, which crashes.
    """
    limits = [float(stated)] if stated else []
    config = getattr(transformer, "config", None)
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        padding = getattr(getattr(transformer, "embeddings", None), "padding_idx", None)
        limits.append(positions - (padding + 1 if isinstance(padding, int) else 0))
    limit = min(limits, default=float("inf"))
    return int(limit) if limit < 10**6 else _FIT_FOR_ALL
