"""PDF: text with page numbers; pages that are pictures are read by OCR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rag_engine.connectors.loaders.drawing import PageDrawer
from rag_engine.connectors.loaders.limits import MAX_FILE_MB, read_file
from rag_engine.connectors.loaders.ocr.document_pages import Ocr, PageRead
from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.scanned import (
    note_of,
    numbered,
    ocr_metadata,
    problems_of,
    with_pages,
)
from rag_engine.errors import LoadError
from rag_engine.records import Document, Note, Problem
from rag_engine.regular_file import open_regular

__all__ = ["PdfLoader"]

_NO_OCR = "run OCR over the file (ocr.enabled = 'never')"


class PdfLoader(ParsedFileLoader):
    """Reads PDF files; ``parsing/pdf.py`` says what of them becomes text.

    Args:
        sandbox: the child process; loaders may share one. None: one of its own.
        max_file_mb: largest file that is read, in 10^6 bytes.
        ocr: reads pages that are pictures; None: they are a problem.
    """

    suffixes = frozenset({".pdf"})
    format = "pdf"

    def __init__(
        self,
        *,
        sandbox: Sandbox | None = None,
        max_file_mb: int = MAX_FILE_MB,
        ocr: Ocr | None = None,
    ) -> None:
        super().__init__(sandbox=sandbox, max_file_mb=max_file_mb)
        self._ocr = ocr
        self.version = ocr.options.signature if ocr else "no OCR"

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield a note for each page that OCR read, the file as one document, then problems.

        Raises:
            LoadError: the file can not be read, its parser crashed, or it has no text but on pages
                that OCR can not read.
            LoadLimitExceeded: it is too large, or needs too much time or memory.
        """
        data = read_file(path, max_file_mb=self._max_file_mb)
        parsed = self._sandbox.parse(self.format, data, name=source)
        del data
        pages = self._pages(parsed)
        lacking = self._ocr.lacking if self._ocr else _NO_OCR
        if self._ocr is None or lacking or not pages:
            yield from _without_ocr(parsed, source, lacking)
            if self._ocr and self._ocr.options.every_page and pages:
                yield Problem(source=source, reason=f"its pages were not read by OCR; {lacking}")
            return
        read: list[PageRead] = []
        with open_regular(path) as file:
            draw = PageDrawer(
                self._sandbox, "pdf_scans", file, dpi=self._ocr.options.dpi, name=source
            )
            for page in self._ocr.pages(pages, draw):
                read.append(page)
                yield note_of(page, source, done=len(read), total=len(pages))
        yield from _with_ocr(parsed, source, read)

    def _pages(self, parsed: Parsed) -> tuple[int, ...]:
        """Return the numbers of the pages that are read by OCR."""
        if self._ocr and self._ocr.options.every_page:
            return tuple(range(1, int(parsed.metadata["pages"]) + 1))
        return parsed.scans


def _without_ocr(parsed: Parsed, source: str, lacking: str) -> Iterator[Document | Problem]:
    """Yield the document, and a problem for the pages without text that OCR would read.

    Raises:
        LoadError: no page has text.
    """
    missing = _without_text(parsed, parsed.scans)
    if missing and not parsed.text:
        number = f"{len(missing)} of {parsed.metadata['pages']} pages"
        why = next((parsed.illegible[page] for page in missing if page in parsed.illegible), None)
        shown = f"only pictures on {number}" if why is None else f"{why} (on {number})"
        raise LoadError(f"{source}: it has no text that can be read: {shown}; {lacking}")
    yield document_of(parsed, source, PdfLoader.format)
    pictures = [page for page in missing if page not in parsed.illegible]
    if pictures:
        reason = f"only pictures and no text on {numbered(pictures)}; {lacking}"
        yield Problem(source=source, reason=reason)
    for why in dict.fromkeys(parsed.illegible.values()):
        pages = [page for page in missing if parsed.illegible.get(page) == why]
        reason = f"no text that can be read on {numbered(pages)}: {why}; {lacking}"
        yield Problem(source=source, reason=reason)
    for reason in parsed.problems:
        yield Problem(source=source, reason=reason)


def _with_ocr(parsed: Parsed, source: str, read: list[PageRead]) -> Iterator[Document | Problem]:
    """Yield the document with what OCR read, and a problem for the pages that are missing.

    Where OCR fails on a page that holds some text, that text stands.

    Raises:
        LoadError: no page has text, and some could not be read.
    """
    readings = {page.number: page.reading for page in read if page.reading is not None}
    failed = [page for page in read if page.reason]
    missing = set(_without_text(parsed, [page.number for page in failed]))
    problems = problems_of(page for page in failed if page.number in missing)
    parsed = replace(with_pages(parsed, readings), problems=(*problems, *parsed.problems))
    if not parsed.text and problems:
        raise LoadError(f"{source}: {'; '.join(parsed.problems)}")
    if parsed.text:
        yield document_of(parsed, source, PdfLoader.format, ocr_metadata(readings))
    for reason in parsed.problems:
        yield Problem(source=source, reason=reason)


def _without_text(parsed: Parsed, pages: tuple[int, ...] | list[int]) -> list[int]:
    """Return the pages without text, and those where a note or a form alone can be read."""
    filled = {stretch.page for stretch in parsed.stretches}
    return [page for page in pages if page not in filled or page in parsed.illegible]
