"""PDFium's functions that are asked for much of a page, with addresses for pointers.

pypdfium2 makes an object for each pointer that a function returns, which takes longer than most of
these functions do. Arguments and results are PDFium's, each pointer a whole number, 0 for none.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pypdfium2.raw as pdfium

__all__ = [
    "address_of",
    "alternative_of",
    "attribute_at",
    "bounds_of",
    "child_at",
    "count_attributes",
    "count_children",
    "count_segments",
    "kind_of_element",
    "kind_of_segment",
    "language_of",
    "loose_box_of",
    "mark_of",
    "mark_of_child",
    "matrix_of",
    "name_of",
    "number_of",
    "object_at",
    "object_of_sign",
    "point_of",
    "segment_at",
    "value_of",
]

_POINTER, _INT, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong
_WRITES = (_SIZE, _POINTER, _POINTER, _SIZE)
"""A text's size in bytes, of what it is, where it is to be written, and the room there."""


def address_of(pointer: Any) -> int:
    """Return where a handle of pypdfium2's points to."""
    return ctypes.cast(pointer, _POINTER).value or 0


def _called(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(result, *arguments)(address_of(function))


object_at = _called(pdfium.FPDFPage_GetObject, _POINTER, _POINTER, _INT)
bounds_of = _called(pdfium.FPDFPageObj_GetBounds, _INT, *[_POINTER] * 5)
matrix_of = _called(pdfium.FPDFPageObj_GetMatrix, _INT, _POINTER, _POINTER)
mark_of = _called(pdfium.FPDFPageObj_GetMarkedContentID, _INT, _POINTER)
count_segments = _called(pdfium.FPDFPath_CountSegments, _INT, _POINTER)
segment_at = _called(pdfium.FPDFPath_GetPathSegment, _POINTER, _POINTER, _INT)
kind_of_segment = _called(pdfium.FPDFPathSegment_GetType, _INT, _POINTER)
point_of = _called(pdfium.FPDFPathSegment_GetPoint, _INT, _POINTER, _POINTER, _POINTER)

loose_box_of = _called(pdfium.FPDFText_GetLooseCharBox, _INT, _POINTER, _INT, _POINTER)
object_of_sign = _called(pdfium.FPDFText_GetTextObject, _POINTER, _POINTER, _INT)

count_children = _called(pdfium.FPDF_StructElement_CountChildren, _INT, _POINTER)
child_at = _called(pdfium.FPDF_StructElement_GetChildAtIndex, _POINTER, _POINTER, _INT)
mark_of_child = _called(pdfium.FPDF_StructElement_GetChildMarkedContentID, _INT, _POINTER, _INT)
kind_of_element = _called(pdfium.FPDF_StructElement_GetType, *_WRITES)
language_of = _called(pdfium.FPDF_StructElement_GetLang, *_WRITES)
alternative_of = _called(pdfium.FPDF_StructElement_GetAltText, *_WRITES)
count_attributes = _called(pdfium.FPDF_StructElement_GetAttributeCount, _INT, _POINTER)
attribute_at = _called(pdfium.FPDF_StructElement_GetAttributeAtIndex, _POINTER, _POINTER, _INT)
value_of = _called(pdfium.FPDF_StructElement_Attr_GetValue, _POINTER, _POINTER, ctypes.c_char_p)
number_of = _called(pdfium.FPDF_StructElement_Attr_GetNumberValue, _INT, _POINTER, _POINTER)
name_of = _called(
    pdfium.FPDF_StructElement_Attr_GetStringValue, _INT, _POINTER, _POINTER, _SIZE, _POINTER
)
