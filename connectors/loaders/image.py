"""Images: every page of one is read by OCR."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rag_engine.connectors.loaders.drawing import PageDrawer
from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB, check_size
from rag_engine.connectors.loaders.ocr.document_pages import Ocr, PageRead
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.scanned import (
    note_of,
    ocr_metadata,
    problems_of,
    with_pages,
)
from rag_engine.errors import LoadError, LoadSkipped
from rag_engine.records import Document, Note, Problem
from rag_engine.regular_file import open_regular

__all__ = ["ImageLoader"]


class ImageLoader:
    """Reads images; ``parsing/image.py`` says what of them becomes a page.

    Args:
        ocr: reads the pages; None: Tesseract, with all defaults.
        required: whether images that nothing can read are an error; else they are skipped.
        sandbox: the child process that unpacks them; loaders may share one. None: one of its own.
        max_file_mb: largest file that is read, in 10^6 bytes.
    """

    suffixes = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
    format = "image"
    needs_extra = ("ocr", "PIL")

    def __init__(
        self,
        *,
        ocr: Ocr | None = None,
        required: bool = False,
        sandbox: Sandbox | None = None,
        max_file_mb: int = MAX_FILE_MB,
    ) -> None:
        self._ocr = ocr or Ocr(OcrOptions())
        self._required = required
        self._sandbox = sandbox or Sandbox()
        self._max_file_mb = max_file_mb
        self.max_bytes = max_file_mb * BYTES_OF_A_MB
        self.version = self._ocr.options.signature

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield a note for each page, the image as one document if it holds text, then problems.

        Raises:
            LoadSkipped: Tesseract, or Pillow, is not installed.
            LoadError: the image is damaged, or none of its pages can be read.
            LoadLimitExceeded: it is too large.
        """
        if lacking := self.lacking:
            raise (LoadError if self._required else LoadSkipped)(f"{source}: {lacking}")
        read: list[PageRead] = []
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            check_size(size, path, max_file_mb=self._max_file_mb)
            dpi = self._ocr.options.dpi
            draw = PageDrawer(self._sandbox, "image", file, dpi=dpi, name=source)
            for page in self._ocr.pages(_numbers(draw), draw):
                read.append(page)
                yield note_of(page, source, done=page.number, total=draw.pages)
        readings = {page.number: page.reading for page in read if page.reading is not None}
        problems = problems_of(read)
        if problems and not readings:
            reasons = problems if draw.pages > 1 else [page.reason for page in read]
            raise LoadError(f"{source}: {'; '.join(reasons)}")
        if readings:
            parsed = with_pages(Parsed(text="", metadata={"pages": draw.pages}), readings)
            yield document_of(parsed, source, self.format, ocr_metadata(readings))
        for reason in problems:
            yield Problem(source=source, reason=reason)

    @property
    def lacking(self) -> str:
        """What is not installed that every image needs, and how to install it; "": nothing."""
        if self._ocr.lacking:
            return self._ocr.lacking
        if find_spec(self.needs_extra[1]) is None:
            return "images need Pillow: pip install 'rag-engine[ocr]'"
        return ""


def _numbers(draw: PageDrawer) -> Iterator[int]:
    """Yield the numbers of the pages; how many there are is known once the first was drawn."""
    number = 1
    while number <= draw.pages:
        yield number
        number += 1
