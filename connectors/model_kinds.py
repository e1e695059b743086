"""What kind of model a folder holds, by what the model says of itself; nothing is loaded.

A cross-encoder that is read as an embedder has vectors, an embedder that is read as a
cross-encoder has scores, and neither means anything: widths fit, and nobody notices.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from rag_engine.errors import ModelError

__all__ = ["ModelKind", "architectures", "model_kind", "refuse_other_kinds"]

ModelKind = Literal["embedder", "sparse-encoder", "cross-encoder", "language-model", "encoder"]
"""``encoder`` is a network without a head and without a word on how it is used: as an embedder its
tokens' vectors are averaged, as a cross-encoder it gets a fresh head."""

_SAID: dict[str, ModelKind] = {
    "SentenceTransformer": "embedder",
    "SparseEncoder": "sparse-encoder",
    "CrossEncoder": "cross-encoder",
}
"""``model_type`` in ``config_sentence_transformers.json``, since sentence-transformers 5."""
_HEADS = ("ForSequenceClassification",)
_GENERATORS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_USE: dict[ModelKind, str] = {
    "embedder": "it gives a text its vector",
    "sparse-encoder": "it gives a text weights for words",
    "cross-encoder": "it scores a question and a passage together and has no vectors",
    "language-model": "it writes text",
    "encoder": "it has no head that scores pairs",
}


def model_kind(folder: Path) -> ModelKind:
    """Return what kind of model a folder holds.

    What ``config_sentence_transformers.json`` says counts most, then ``modules.json`` (a model with
    a pooling is an embedder, whatever network it is made of), then the ``architectures`` of
    ``config.json``.

    Raises:
        ModelError: a file of these is damaged, or there is none.
    """
    said = _read(folder / "config_sentence_transformers.json")
    kind = _SAID.get(str(said.get("model_type"))) if isinstance(said, dict) else None
    if kind is not None:
        return kind
    modules = _read(folder / "modules.json")
    if isinstance(modules, list):
        types = [str(module.get("type", "")) for module in modules if isinstance(module, dict)]
        if any("Splade" in name or "SparseAuto" in name for name in types):
            return "sparse-encoder"
        return "embedder"
    named = architectures(folder)
    if any(name.endswith(_HEADS) for name in named):
        return "cross-encoder"
    return "language-model" if any(name.endswith(_GENERATORS) for name in named) else "encoder"


def architectures(folder: Path) -> list[str]:
    """Return what networks ``config.json`` names.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    config = _read(folder / "config.json")
    if not isinstance(config, dict):
        raise ModelError(f"{str(folder)!r} holds no config.json that says what model it is")
    return [str(name) for name in config.get("architectures") or []]


def refuse_other_kinds(name: str, folder: Path, *wanted: ModelKind, use: str) -> None:
    """Refuse a model that is of none of the ``wanted`` kinds; ``use`` says what to do instead.

    Raises:
        ModelError: it is of another kind, or does not say.
    """
    kind = model_kind(folder)
    if kind not in wanted:
        article = "an" if kind[0] in "aeiou" else "a"
        raise ModelError(f"{name!r} is {article} {kind}: {_USE[kind]}; {use}")


def _read(path: Path) -> Any:
    """Return what a JSON file holds, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{str(path)!r} can not be read: {error}") from error
