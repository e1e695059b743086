"""What is filled in or written onto a PDF page: values of form fields, free text, comments.

PDFium keeps them apart from a page's text. Fields are told by the name that a reader sees (``TU``),
else by their own; those for passwords, and what is hidden from a reader, stay out.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.cleaning import one_line, tidy

__all__ = ["open_forms", "read_annotations"]

_LONGEST = 100_000
"""Units of UTF-16 of one value."""
_MOST = 5_000
"""Annotations of a page."""
_HIDDEN = (
    pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW | pdfium.FPDF_ANNOT_FLAG_INVISIBLE
)
_PASSWORD = 1 << 13
_TICKED = frozenset({pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON})
_WRITTEN = frozenset(
    {
        pdfium.FPDF_FORMFIELD_TEXTFIELD,
        pdfium.FPDF_FORMFIELD_COMBOBOX,
        pdfium.FPDF_FORMFIELD_LISTBOX,
    }
)
_NOTES = frozenset(
    {
        pdfium.FPDF_ANNOT_TEXT,
        pdfium.FPDF_ANNOT_FREETEXT,
        pdfium.FPDF_ANNOT_HIGHLIGHT,
        pdfium.FPDF_ANNOT_UNDERLINE,
        pdfium.FPDF_ANNOT_SQUIGGLY,
        pdfium.FPDF_ANNOT_STRIKEOUT,
        pdfium.FPDF_ANNOT_STAMP,
        pdfium.FPDF_ANNOT_CARET,
        pdfium.FPDF_ANNOT_SQUARE,
        pdfium.FPDF_ANNOT_CIRCLE,
        pdfium.FPDF_ANNOT_INK,
    }
)
_TICK = "✓"
_OFF = frozenset({"", "off", "on", "yes", "true", "1"})
"""Values of a ticked box that say no more than that it is ticked."""
_COUNTED = re.compile(r"\[\d+\]")


def open_forms(pdf: pypdfium2.PdfDocument) -> None:
    """Get ready to read a file's form fields, if it has any; to be done before a page is read."""
    pdf.init_forms()


def read_annotations(pdf: pypdfium2.PdfDocument, page: Any) -> list[str]:
    """Return ``name: value`` of each field that is filled in, and the text of each note."""
    lines: list[str] = []
    for number in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            line = _line(pdf, annotation)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
        if line:
            lines.append(line)
    return list(dict.fromkeys(lines))


def _line(pdf: pypdfium2.PdfDocument, annotation: Any) -> str:
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
        return ""
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium.FPDF_ANNOT_WIDGET and pdf.formenv is not None:
        return _field(pdf.formenv, annotation)
    if kind in _NOTES:
        text = _text(lambda *to: pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", *to))
        return " ".join(tidy(text).split())
    return ""


def _field(form: Any, annotation: Any) -> str:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _TICKED:
        if not pdfium.FPDFAnnot_IsChecked(form, annotation):
            return ""
        export = pdfium.FPDFAnnot_GetFormFieldExportValue
        value = _text(lambda *to: export(form, annotation, *to))
        value = _TICK if value.casefold() in _OFF else value
    elif kind in _WRITTEN and not (
        pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD
    ):
        value = _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, *to))
    else:
        return ""
    value = " ".join(tidy(value).split())
    name = _name(form, annotation)
    return f"{name}: {value}" if name and value else value


def _name(form: Any, annotation: Any) -> str:
    seen = pdfium.FPDFAnnot_GetFormFieldAlternateName
    name = one_line(_text(lambda *to: seen(form, annotation, *to)))
    if not name:
        own = _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldName(form, annotation, *to))
        name = _COUNTED.sub("", one_line(own)).rsplit(".", 1)[-1]
    return name.rstrip(":： ")


def _text(get: Callable[[Any, int], int]) -> str:
    """Return a text that PDFium writes into a buffer, as UTF-16 with a zero at its end."""
    size = min(get(None, 0), 2 * _LONGEST)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    if get(buffer, size) > size:
        return ""
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")
