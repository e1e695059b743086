"""Pages of a PDF whose text is to be had by OCR alone, and their pictures, drawn by PDFium."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any, BinaryIO

import pypdfium2
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from rag_engine.connectors.loaders.parsing.parsed import Refused
from rag_engine.connectors.loaders.parsing.picture import MAX_PIXELS, Picture, PictureOptions

__all__ = ["goes_to_ocr", "picture", "pictures_of"]

_POINTS_OF_AN_INCH = 72
_FEW_SIGNS = 40
_MOST_OF_A_PAGE = 0.5


def goes_to_ocr(text: str, why: str | None, *, pictures: Callable[[], float]) -> bool:
    r"""Decide whether a page is read by OCR.

    Args:
        text: what its text layer holds.
        why: why that can not be read; None: it can, or there is none.
        pictures: tells the share of the page that its pictures cover, from 0 to 1; asked where it
            matters, for that takes time.

    A page without legible text goes if it shows anything; one of a few words if pictures cover
    most of it: programs that scan write their name below.

    >>> goes_to_ocr("", None, pictures=lambda: 0.01), goes_to_ocr("", None, pictures=float)
    (True, False)
    >>> goes_to_ocr("Scanned by Scan It", None, pictures=lambda: 1.0)
    True
    >>> goes_to_ocr("Figure 3 shows the pump.", None, pictures=lambda: 0.3)
    False
    >>> goes_to_ocr("\x01\x02\x03", "its letters have no names", pictures=float)
    True
    """
    if why is not None:
        return True
    signs = sum(1 for _ in islice(filter(str.isalnum, text), _FEW_SIGNS))
    if not signs:
        return pictures() > 0
    return signs < _FEW_SIGNS and pictures() > _MOST_OF_A_PAGE


def pictures_of(page: Any) -> float:
    """Return the share of a pypdfium2 page that its pictures cover, from 0 to 1.

    Pictures that overlap count twice; any picture counts for a little.
    """
    width, height = page.get_size()
    covered = 0.0
    for image in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = image.get_bounds()
        covered += max(1.0, abs(right - left)) * max(1.0, abs(top - bottom))
    return float(min(1.0, covered / max(1.0, width * height)))


def picture(file: BinaryIO, options: PictureOptions) -> Picture:
    """Draw a page in shades of grey, with fewer dots an inch than asked for where it is large.

    Raises:
        Refused: the page is damaged.
    """
    try:
        pdf = pypdfium2.PdfDocument(file)
        page = pdf[options.page - 1]
        width, height = page.get_size()
        scale = options.dpi / _POINTS_OF_AN_INCH
        scale = min(scale, math.sqrt(MAX_PIXELS / max(1.0, width * height)))
        bitmap = page.render(scale=scale, grayscale=True)
    except pypdfium2.PdfiumError as error:
        raise Refused(f"it can not be drawn ({error})") from error
    return Picture(
        width=bitmap.width,
        height=bitmap.height,
        grey=_rows(bytes(bitmap.buffer), bitmap.width, bitmap.stride),
        dpi=round(scale * _POINTS_OF_AN_INCH),
        pages=len(pdf),
    )


def _rows(data: bytes, width: int, stride: int) -> bytes:
    """Leave out what fills up each row of a bitmap.

    >>> _rows(b"ab--cd--", 2, 4)
    b'abcd'
    """
    if stride == width:
        return data
    return b"".join(data[start : start + width] for start in range(0, len(data), stride))
