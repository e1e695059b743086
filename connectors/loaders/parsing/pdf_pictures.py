"""The pictures of a PDF, as they lie in it, page by page, by PDFium."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import pypdfium2
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.pictures import Found, of_images
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture

__all__ = ["pictures"]

_MOST_PIXELS = 33_000_000


def pictures(file: BinaryIO, options: PicturesOptions) -> Iterator[ShownPicture | str]:
    """Yield the pictures of a file, those of one page after the other.

    Raises:
        Refused: it is damaged or encrypted.
    """
    try:
        pdf = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise Refused(f"it can not be opened ({error})") from error
    yield from of_images(_found(pdf, options), options)


def _found(pdf: Any, options: PicturesOptions) -> Iterator[Found]:
    for number in range(1, len(pdf) + 1):
        page = pdf[number - 1]
        for place, image in enumerate(
            page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3), 1
        ):
            if min(image.get_px_size()) >= options.min_side:
                name = f"{place} on page {number}"
                yield Found(name, "", number, partial(_opened, image))
        page.close()


def _opened(image: Any) -> Any:
    width, height = image.get_px_size()
    if width * height > _MOST_PIXELS:
        raise RefusedByLimit(
            f"it has {width:,} x {height:,} pixels; at most {_MOST_PIXELS:,} are read"
        )
    return image.get_bitmap(render=False).to_pil()
