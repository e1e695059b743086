"""The pages of a file that are read by OCR, one after the other, and why some are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.page_reader import PageReader, Reading
from rag_engine.connectors.loaders.ocr.tesseract import Page, Tesseract
from rag_engine.connectors.loaders.ocr.tesseract_names import how_to_install, tesseract_name
from rag_engine.connectors.loaders.parsing.picture import Picture
from rag_engine.errors import LoadError
from rag_engine.ports import LanguageDetector

__all__ = ["Ocr", "PageRead"]

Draw = Callable[[int], Picture]
"""Draws a page, by its number from 1."""

_FEW_SIGNS = 20
"""A page with fewer letters and digits, all unsure, holds no text: specks, a logo, a photograph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """What became of a page: its ``reading``, or the ``reason`` why there is none.

    Neither is there where the page was read and holds no text.
    """

    number: int
    reading: Reading | None = None
    reason: str = ""


class Ocr:
    """Reads files' pages by Tesseract.

    Args:
        options: what was chosen.
        tesseract: the command; None: the one on the ``PATH``.
        detector: tells languages; None: the engine's own.
    """

    def __init__(
        self,
        options: OcrOptions,
        *,
        tesseract: Tesseract | None = None,
        detector: LanguageDetector | None = None,
    ) -> None:
        self.options = options
        self._tesseract = tesseract or Tesseract()
        self._given_detector = detector

    @cached_property
    def lacking(self) -> str:
        """What is not installed that every page needs, and how to install it; "": nothing."""
        if self._tesseract.path is not None:
            return ""
        named = [tesseract_name(language) for language in self.options.languages]
        hint = "" if named else "; a language is a package of its own, such as tesseract-ocr-hin"
        return f"OCR needs Tesseract: {how_to_install(named)}{hint}"

    @cached_property
    def _detector(self) -> LanguageDetector:
        from rag_engine.connectors.detectors.fasttext import FastTextDetector

        return self._given_detector or FastTextDetector()

    def pages(self, numbers: Iterable[int], draw: Draw) -> Iterator[PageRead]:
        """Read some pages of a file.

        Raises:
            LoadError: Tesseract, or a language that was asked for, is not installed.
        """
        if self.lacking:
            raise LoadError(self.lacking)
        reader = PageReader(self._tesseract, self.options, self._detector)
        until = time.monotonic() + self.options.file_timeout_s
        for number in numbers:
            if time.monotonic() >= until:
                reason = (
                    f"not read: OCR of this file took longer than {self.options.file_timeout_s:g} "
                    "s; raise ocr.file_timeout_s"
                )
                yield PageRead(number=number, reason=reason)
            else:
                yield self._page(number, draw, reader)

    def _page(self, number: int, draw: Draw, reader: PageReader) -> PageRead:
        try:
            reading = reader.read(_page_of(draw(number)))
        except LoadError as error:
            return PageRead(number=number, reason=str(error))
        signs = sum(map(str.isalnum, reading.text))
        if not signs:
            return PageRead(number=number)
        if reading.confidence < self.options.min_confidence:
            if signs < _FEW_SIGNS:
                return PageRead(number=number)
            reason = (
                f"left out: OCR is only {reading.confidence:.0%} sure of it "
                f"({'+'.join(reading.models)}); scan it sharper, name its language in "
                "ocr.languages, or lower ocr.min_confidence"
            )
            return PageRead(number=number, reason=reason)
        return PageRead(number=number, reading=reading)


def _page_of(picture: Picture) -> Page:
    pixels = np.frombuffer(picture.grey, dtype=np.uint8)
    return Page(grey=pixels.reshape(picture.height, picture.width), dpi=picture.dpi)
