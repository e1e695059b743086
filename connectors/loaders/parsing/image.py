"""Images by Pillow (extra ``ocr``): a page of one as a picture in shades of grey."""

from __future__ import annotations

import math
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.picture import MAX_PIXELS, Picture, PictureOptions

__all__ = ["in_grey", "picture"]

_FORMATS = (
    BmpImagePlugin.BmpImageFile.format,
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
)
_MAX_BYTES = 200_000_000
"""Most bytes that an image may unpack to; the child has 512 MiB for everything."""
_BELIEVED_DPI = (100, 2_400)
"""Below stand the 72 and 96 that programs write down for any image."""
_SMALL = 1_500
"""Wider or higher images of unknown resolution are hardly of a screen, whose letters are small."""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the orientation that EXIF data tell (tag 274, Exif 2.3)."""


def picture(file: BinaryIO, options: PictureOptions) -> Picture:
    """Return a page of an image upright (by its EXIF data), on white, at the resolution asked for.

    An image that does not say how many dots make an inch stays as large as it is, or is made
    twice as large if it is as small as a screen's.

    Raises:
        Refused: it is damaged, or no image of a known format.
        RefusedByLimit: it has too many pixels.
    """
    Image.MAX_IMAGE_PIXELS = None  # what it unpacks to is looked at below, before it does
    try:
        with Image.open(file, formats=_FORMATS) as image:
            # Other formats have frames of a film: the first one stands for it.
            pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            if options.page > pages:
                raise Refused(f"it has no page {options.page}")
            if options.page > 1:
                image.seek(options.page - 1)
            return _grey(image, options.dpi, pages)
    except (Refused, MemoryError):
        raise
    except Exception as error:
        # Pillow raises whatever its formats raise: OSError, SyntaxError, struct.error ...
        raise Refused(f"it is damaged, or no image ({type(error).__name__}: {error!s:.200})") from (
            error
        )


def _grey(image: Image.Image, wanted_dpi: int, pages: int) -> Picture:
    dpi = _stated_dpi(image)
    scale = _scale(image.width, image.height, dpi, wanted_dpi)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        image.draft("L", size)  # unpacks it smaller from the start, where that will do
    bytes_unpacked = image.width * image.height * len(image.getbands())
    if bytes_unpacked > _MAX_BYTES:
        raise RefusedByLimit(
            f"it has {image.width:,} x {image.height:,} pixels, which unpack to "
            f"{bytes_unpacked // 1_000_000:,} MB; at most {_MAX_BYTES // 1_000_000} MB are read; "
            "store it smaller"
        )
    image.load()
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))  # Pillow itself turns a TIFF
    grey = in_grey(image)
    scale_left = math.sqrt(size[0] * size[1] / (grey.width * grey.height))
    if scale_left != 1:
        sides = [max(1, round(side * scale_left)) for side in grey.size]
        grey = grey.resize((sides[0], sides[1]), Image.Resampling.LANCZOS)
    if turn is not None:
        grey = grey.transpose(turn)
    return Picture(
        width=grey.width,
        height=grey.height,
        grey=grey.tobytes(),
        dpi=round(dpi * scale) if dpi else 0,
        pages=pages,
    )


def _stated_dpi(image: Image.Image) -> float:
    """Return the dots an inch that an image says of itself, 0 if it says nothing to be believed."""
    stated = image.info.get("dpi", (0, 0))
    try:
        dpi = float(stated[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return 0
    return dpi if _BELIEVED_DPI[0] <= dpi <= _BELIEVED_DPI[1] else 0


def _scale(width: int, height: int, dpi: float, wanted_dpi: int) -> float:
    """Return what both sides are multiplied by.

    >>> _scale(2550, 3300, 300, 300), _scale(5100, 6600, 600, 300), _scale(800, 600, 0, 300)
    (1.0, 0.5, 2.0)
    >>> _scale(20_000, 20_000, 0, 300)
    0.25
    """
    if dpi:
        scale = wanted_dpi / dpi
    else:
        scale = 2.0 if max(width, height) < _SMALL else 1.0
    return min(scale, math.sqrt(MAX_PIXELS / (width * height)))


def _extremes(image: Image.Image) -> tuple[float, float]:
    least, most = image.getextrema()
    if isinstance(least, tuple) or isinstance(most, tuple):  # of an image with several bands
        raise Refused(f"its pixels are of a kind that is not read ({image.mode})")
    return least, most


def in_grey(image: Image.Image) -> Image.Image:
    """Return an image in 8-bit shades of grey; what is transparent shows white."""
    if image.mode.startswith(("I", "F")):
        # 16 or 32 bits: spread what there is over 8, as their scale is not told.
        image = image.convert("F")
        least, most = _extremes(image)
        step = 255 / ((most - least) or 1)
        image = image.point(lambda value: value * step + (-least * step))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L")
