"""Any multimodal model of sentence-transformers (CLIP, SigLIP, Qwen3-VL-Embedding), for images."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.embedders.sentence_transformer_model import loaded_model
from rag_engine.connectors.torch_models import model_folder, pick_device, weights_digest
from rag_engine.embedding.embedder_contract import EmbedderContract, checked_vectors
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Float32Array

__all__ = ["SentenceTransformerImages"]

_BATCH = {"cpu": 16, "cuda": 128}
_FORMATS = ("JPEG", "PNG")
_MOST_PIXELS = 25_000_000


class SentenceTransformerImages:
    """An ``ImageEmbedder`` around ``sentence_transformers.SentenceTransformer``.

    ``model`` is a directory or a hub name. ``text_model`` embeds the questions where that is
    another model of the same space: ``clip-ViT-B-32-multilingual-v1`` for ``clip-ViT-B-32``.
    ``device`` is ``auto`` (CUDA if there is one), ``cpu``, ``cuda``...

    Code that comes with a model is never run, and only safetensors are loaded. Many threads may
    share one instance: a long job lets others in after each batch.

    Raises:
        InvalidInput: a device that can not be had.
        MissingExtra: the extra ``torch`` or ``ocr`` (Pillow) is not installed.
        ModelError: no such model, a damaged one, one that reads no images, or two models whose
            vectors are not equally wide.
    """

    def __init__(self, *, model: str, text_model: str = "", device: str = "auto") -> None:
        try:
            from PIL import Image
        except ImportError as exc:
            raise MissingExtra("ocr", package="PIL") from exc
        self._open = Image.open
        self._device = pick_device(device)
        self._lock = threading.Lock()
        folder = model_folder(model)
        self._images = loaded_model(model, folder, self._device)
        _check_modality(model, self._images, "image")
        self._texts, named, weights = self._images, _name(model), weights_digest(folder)
        if text_model:
            folder = model_folder(text_model)
            self._texts = loaded_model(text_model, folder, self._device)
            named = f"{named} + {_name(text_model)}"
            weights = f"{weights} + {weights_digest(folder)}"
        _check_modality(text_model or model, self._texts, "text")
        wide = [int(one.get_embedding_dimension()) for one in (self._images, self._texts)]
        if wide[0] != wide[1]:
            raise ModelError(
                f"the vectors of {model!r} have {wide[0]} numbers, those of {text_model!r} "
                f"{wide[1]}: they are not of one space; name the text model that was trained for it"
            )
        self._contract = EmbedderContract(
            model=named,
            weights=weights,
            dimension=wide[0],
            pooling="image",
            normalised=True,
            query_prompt=str(self._texts.prompts.get("query") or ""),
            passage_prompt=str(self._images.prompts.get("document") or ""),
            max_tokens=int(self._texts.max_seq_length or 0),
        )

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._contract.dimension

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know."""
        return self._contract

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length.

        What a model has no room for (CLIP reads 77 tokens) is cut off.

        Raises:
            InvalidInput: one text in place of a list.
        """
        if isinstance(texts, str):
            raise InvalidInput(f"embed_queries takes several texts: pass a list, [{texts!r:.80}]")
        return self._embed(self._texts, list(texts), self._contract.query_prompt, lambda text: text)

    def embed_images(self, images: Sequence[bytes]) -> Float32Array:
        """Embed pictures, JPEG or PNG files: ``(n_images, dimension)`` float32, unit rows.

        Raises:
            InvalidInput: one is no such file, or has more than 25 million pixels.
        """
        if isinstance(images, bytes):
            raise InvalidInput("embed_images takes several images: pass a list of bytes")
        return self._embed(self._images, list(images), self._contract.passage_prompt, self._decoded)

    def _embed(
        self, model: Any, inputs: list[Any], prompt: str, made: Callable[[Any], Any]
    ) -> Float32Array:
        vectors = np.empty((len(inputs), self.dimension), dtype=np.float32)
        size = _BATCH["cuda" if self._device.startswith("cuda") else "cpu"]
        for start in range(0, len(inputs), size):
            batch = [made(one) for one in inputs[start : start + size]]
            with self._lock:
                vectors[start : start + size] = model.encode(
                    batch,
                    prompt=prompt or None,
                    batch_size=size,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
        return checked_vectors(vectors, rows=len(inputs), dimension=self.dimension)

    def _decoded(self, data: bytes) -> Any:
        """Return an image of RGB; its size is looked at before it is unpacked."""
        try:
            with self._open(io.BytesIO(data), formats=_FORMATS) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise InvalidInput(
                        f"an image has {image.width:,} x {image.height:,} pixels, at most "
                        f"{_MOST_PIXELS:,} are read; make it smaller"
                    )
                return image.convert("RGB")
        except InvalidInput:
            raise
        except Exception as exc:  # Pillow raises whatever its formats raise
            raise InvalidInput(
                f"an image is no JPEG or PNG file that can be read ({type(exc).__name__}: "
                f"{exc!s:.120}); see that its bytes are those of a whole file"
            ) from exc


def _check_modality(name: str, model: Any, modality: str) -> None:
    known = getattr(model, "modalities", None)  # before sentence-transformers 5.4 none is told
    if known is not None and modality not in known:
        raise ModelError(
            f"{name!r} reads {', '.join(map(str, known))}, no {modality}s; name a multimodal model "
            "such as sentence-transformers/clip-ViT-B-32"
        )


def _name(model: str) -> str:
    return Path(model).resolve().name if Path(model).is_dir() else model
