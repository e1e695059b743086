"""Opens a folder as a model of sentence-transformers, of text or of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rag_engine.connectors.model_kinds import refuse_other_kinds
from rag_engine.connectors.torch_models import position_limit, quiet_loading
from rag_engine.errors import InvalidInput, MissingExtra, ModelError

__all__ = ["loaded_model", "width_of"]


def loaded_model(model: str, folder: Path, device: str, truncate_dim: int | None = None) -> Any:
    """Load a model from its folder, with float32 weights and a limit that it can keep to.

    Raises:
        MissingExtra: the ``torch`` extra is not installed.
        ModelError: it is damaged, or no model of sentence-transformers.
    """
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
    # Without safetensors, which only kinds that say so may be: transformers reads the other files
    # by torch's weights_only=True.
    try:
        with quiet_loading():
            loaded = SentenceTransformer(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                truncate_dim=truncate_dim,
                model_kwargs={
                    "use_safetensors": any(folder.rglob("*.safetensors")),
                    "dtype": torch.float32,
                },
            )
        loaded.max_seq_length = position_limit(loaded.max_seq_length, loaded.transformers_model)
        return loaded
    except Exception as exc:  # a damaged folder makes the libraries raise nearly anything
        raise ModelError(
            f"{model!r} can not be loaded as a sentence-transformers model: "
            f"{type(exc).__name__}: {str(exc).strip().splitlines()[0] if str(exc).strip() else ''}"
        ) from exc


def width_of(model: Any, truncate_dim: int | None) -> int:
    """Return how wide a model's vectors are, whole or cut.

    Raises:
        InvalidInput: they are narrower than what is to be left of them.
    """
    whole = int(model.get_embedding_dimension())
    if truncate_dim is not None and truncate_dim > whole:
        raise InvalidInput(
            f"truncate_dim is at most the model's own width of {whole}, got {truncate_dim}"
        )
    return min(whole, truncate_dim or whole)
