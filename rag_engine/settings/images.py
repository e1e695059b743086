"""The settings of pictures as passages."""

from __future__ import annotations

from pydantic import Field

from rag_engine.settings.base import Frozen

__all__ = ["ImagesSettings"]


class ImagesSettings(Frozen):
    """Pictures as passages: found by what they show (extras ``torch`` and ``ocr``)."""

    stage = "images"
    model: str = ""
    """A directory or a hub name of any multimodal model of sentence-transformers (CLIP, SigLIP,
    Qwen3-VL-Embedding); empty: pictures are not looked at (fixed where there are pictures)."""
    text_model: str = ""
    """The model that embeds questions, where that is another one of the same space, such as
    ``clip-ViT-B-32-multilingual-v1`` for ``clip-ViT-B-32``; empty: ``model`` itself (fixed)."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: CUDA if there is one."""
    min_side: int = Field(48, ge=1, le=10_000)
    """Pictures in documents that are narrower or lower, in pixels, are passed over: signs, lines,
    icons. Files that are pictures are all taken."""
    max_per_file: int = Field(500, ge=1, le=10_000)
    """Pictures that are taken of one file, the first ones; that there are more is a problem."""

    def without_effect(self) -> dict[str, str]:
        """Return what nothing uses without a model."""
        if self.model:
            return {}
        names = [name for name in type(self).model_fields if name != "model"]
        return dict.fromkeys(names, "images.model names no model")

    def omitted(self) -> set[str]:
        """Write nothing down where no model is named."""
        return set() if self.model else set(type(self).model_fields)
