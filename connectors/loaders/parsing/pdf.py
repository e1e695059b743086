"""PDF by PDFium: the text of each page, and why a page has none."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.pdf_annotations import open_forms, read_annotations
from rag_engine.connectors.loaders.parsing.pdf_headings import with_headings
from rag_engine.connectors.loaders.parsing.pdf_legacy_fonts import (
    draws_another_script,
    legacy_script,
)
from rag_engine.connectors.loaders.parsing.pdf_line import Line, row_of_its_own
from rag_engine.connectors.loaders.parsing.pdf_lines import read_lines
from rag_engine.connectors.loaders.parsing.pdf_pages import put_together, with_figures
from rag_engine.connectors.loaders.parsing.pdf_running import without_running_lines
from rag_engine.connectors.loaders.parsing.pdf_scans import goes_to_ocr, pictures_of
from rag_engine.connectors.loaders.parsing.pdf_structure import Figure
from rag_engine.text.legible import illegible

__all__ = ["parse"]

_EMPTY_TITLES = re.compile(
    r"untitled.*|unspecified|document\d*|microsoft (word|powerpoint|excel) - .*"
    r"|.*\.(docx?|odt|rtf|indd|qxd|pptx?|xlsx?|tex|dvi|pdf|html?|pages)",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,6}")

_MOST_DAMAGED_PAGES = 1_000


def parse(data: bytes, name: str) -> Parsed:
    """Read a PDF file.

    Raises:
        Refused: it is encrypted or damaged, or has neither text nor pictures on any page.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
        open_forms(pdf)
    except pypdfium2.PdfiumError as error:
        raise Refused(_reason(data, str(error))) from error
    count = len(pdf)
    if not count:
        raise Refused("it is damaged: it has no pages; export it again")
    read = _read_pages(pdf, count)
    if not (any(read.pages) or any(read.figures) or read.scans):
        raise Refused(_nothing_found(count, len(read.damaged)))
    title = one_line(pdf.get_metadata_dict().get("Title", ""))
    pages = with_headings(without_running_lines(read.pages))
    text, stretches = put_together(_with_figures(pages, read.figures))
    return Parsed(
        text=text,
        title="" if _EMPTY_TITLES.fullmatch(title) else title,
        language=_language(pdf, read.languages),
        stretches=stretches,
        metadata={"pages": count},
        problems=(f"damaged and left out: {_pages(read.damaged)}",) if read.damaged else (),
        scans=tuple(read.scans),
        illegible=read.illegible,
    )


def _language(pdf: pypdfium2.PdfDocument, told: Counter[str]) -> str | None:
    """Return the language that a file says most of its text is in; None if it does not say."""
    size = pdfium.FPDFCatalog_GetLanguage(pdf.raw, None, 0)
    buffer = (ctypes.c_ushort * max(size, 1))()
    pdfium.FPDFCatalog_GetLanguage(pdf.raw, buffer, size)
    whole = bytes(buffer)[:size].decode("utf-16-le", "replace").rstrip("\0").strip()
    languages = Counter[str]()
    for language, characters in told.items():
        languages[language.strip() or whole] += characters
    most = max(languages, key=languages.__getitem__, default="")
    return most if _LANGUAGE.fullmatch(most) else None


def _reason(data: bytes, message: str) -> str:
    if "password" in message.lower() or "security" in message.lower():
        return "it is encrypted and opens with a password only; store it without one"
    if not data.strip():
        return "it is empty"
    if b"%PDF" not in data[:1024]:
        return "it is no PDF"
    return f"it is damaged ({message.strip('.')}); export it again"


def _nothing_found(count: int, damaged: int) -> str:
    if damaged == count:
        return "it is damaged: none of its pages can be read; export it again"
    return f"it has no text on any of its {count} pages"


@dataclass(slots=True)
class _Read:
    """Lines and pictures of pages; the numbers of those for OCR, and why, and of damaged ones."""

    pages: list[list[Line]] = field(default_factory=list)
    figures: list[list[Figure]] = field(default_factory=list)
    scans: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    illegible: dict[int, str] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)


def _read_pages(pdf: pypdfium2.PdfDocument, count: int) -> _Read:
    read = _Read()
    tagged = bool(pdfium.FPDFCatalog_IsTagged(pdf))
    for number in range(1, count + 1):
        try:
            lines, figures = _read_page(pdf, number, read, tagged=tagged)
        except pypdfium2.PdfiumError as error:
            lines, figures = [], []
            read.damaged.append(number)
            if len(read.damaged) > _MOST_DAMAGED_PAGES:
                reason = f"more than {_MOST_DAMAGED_PAGES:,} of its pages are damaged"
                raise Refused(reason) from error
        read.pages.append(lines)
        read.figures.append(figures)
    return read


def _read_page(
    pdf: pypdfium2.PdfDocument, number: int, read: _Read, *, tagged: bool
) -> tuple[list[Line], list[Figure]]:
    """Return a page's lines and pictures, and note whether its text is to be had by OCR alone."""
    page = pdf[number - 1]
    try:
        before = reversed(read.pages[-1] if read.pages else [])
        above = next((line.table for line in before if line.table), None)
        lines, figures, raw, languages = read_lines(page, tagged=tagged, above=above)
        read.languages += languages
        why = (illegible(raw) or _in_legacy_fonts(lines)) if lines else None
        text = "\n".join(line.text for line in lines)
        if goes_to_ocr(text, why, pictures=lambda: pictures_of(page)):
            read.scans.append(number)
        if why is not None:
            read.illegible[number] = why
            lines = []
        return [*lines, *map(row_of_its_own, read_annotations(pdf, page))], figures
    finally:
        page.close()


def _in_legacy_fonts(lines: Sequence[Line]) -> str | None:
    """Return why a page's text is none, if most of it is in fonts of before Unicode."""
    signs = Counter[str]()
    for line in lines:
        signs[legacy_script(line.style.font)] += len(line.text)
    script, most = signs.most_common(1)[0]
    text = "".join(line.text for line in lines)
    if not script or 2 * most < signs.total() or not draws_another_script(text):
        return None
    return f"its font draws {script} in the place of other letters"


def _with_figures(
    pages: Sequence[list[Line]], figures: Sequence[Sequence[Figure]]
) -> list[list[Line]]:
    """Put in what pictures show; a picture that pages repeat, such as a sign, once."""
    said: set[str] = set()
    whole: list[list[Line]] = []
    for lines, shown in zip(pages, figures, strict=True):
        new = {figure.text: figure for figure in shown if figure.text not in said}
        said |= new.keys()
        whole.append(with_figures(lines, list(new.values())))
    return whole


def _pages(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return (
        f"page{'s' if len(numbers) > 1 else ''} {shown}{' and others' if len(numbers) > 10 else ''}"
    )
