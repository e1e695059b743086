"""What can be chosen about OCR."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OcrOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrOptions:
    """How pages that are pictures are read.

    Args:
        every_page: read every page of a PDF file, whatever text it holds.
        languages: what the pages are in, as Tesseract or BCP-47 names it; empty: found out.
        dpi: dots an inch that pages are drawn in.
        page_timeout_s: seconds that one page may take.
        file_timeout_s: seconds that all pages of a file may take.
        min_confidence: a page that Tesseract is less sure of (0 to 1) is not indexed.
    """

    every_page: bool = False
    languages: tuple[str, ...] = ()
    dpi: int = 300
    page_timeout_s: float = 120.0
    file_timeout_s: float = 3_600.0
    min_confidence: float = 0.5

    @property
    def signature(self) -> str:
        """What differs from the defaults, as a text: files are read again when that changes.

        >>> OcrOptions().signature, OcrOptions(languages=("hi",), dpi=400).signature
        ('', 'dpi=400 languages=hi')
        """
        default = OcrOptions()
        changed = {
            name: value
            for name in ("dpi", "every_page", "languages", "min_confidence")
            if (value := getattr(self, name)) != getattr(default, name)
        }
        if self.languages:
            changed["languages"] = "+".join(self.languages)
        return " ".join(f"{name}={value}" for name, value in changed.items())
