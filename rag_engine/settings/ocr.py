"""The settings of OCR."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from rag_engine.settings.base import Frozen

__all__ = ["OcrSettings"]

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*|(?:script/)?[A-Z][A-Za-z_]+")


class OcrSettings(Frozen):
    """How images and pages without text become text, by Tesseract.

    Images and PDF files are read anew when ``enabled``, ``languages``, ``dpi`` or
    ``min_confidence`` change.
    """

    stage = "ocr"
    enabled: Literal["auto", "never", "always"] = "auto"
    """``auto``: images, and pages of PDF files without legible text, where Tesseract is installed;
    ``always``: every page of PDF files, whatever text it holds; ``never``: no page."""
    languages: tuple[str, ...] = ()
    """What the pages are in, as ``hi``, ``zh-Hant`` or Tesseract's own ``chi_tra``; empty: the
    installed languages of the script that a page is found to be in."""
    dpi: int = Field(300, ge=100, le=600)
    """Dots an inch that pages are drawn in."""
    min_confidence: float = Field(0.5, ge=0, le=1)
    """A page that Tesseract is less sure of is a problem, and not indexed."""
    page_timeout_s: float = Field(120.0, gt=0, le=86_400)
    """Seconds that reading one page may take."""
    file_timeout_s: float = Field(3_600.0, gt=0, le=86_400)
    """Seconds that reading all pages of a file may take."""

    @field_validator("languages")
    @classmethod
    def _named(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for language in languages:
            if not _LANGUAGE.fullmatch(language):
                raise ValueError(
                    f"a language is named as 'hi', 'zh-Hant' or 'chi_tra', not {language!r}"
                )
        if len(set(languages)) < len(languages):
            raise ValueError("a language is named twice")
        return languages

    def without_effect(self) -> dict[str, str]:
        """Return what nothing uses where no page is read."""
        if self.enabled != "never":
            return {}
        names = [name for name in type(self).model_fields if name != "enabled"]
        return dict.fromkeys(names, "ocr.enabled = 'never'")
