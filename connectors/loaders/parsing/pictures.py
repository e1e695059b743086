"""Pictures by Pillow (extra ``ocr``): found in a file, or being one, and drawn anew.

Whatever an untrusted file holds, what leaves here is a JPEG that was made here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, ImageOps

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.image import in_grey
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture

__all__ = ["Found", "TooSmall", "of_images", "pictures", "shown"]

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_MOST_BYTES = 100_000_000
"""Most bytes that a picture may unpack to; the child has 512 MiB for everything."""
_SIDE, _QUALITY = 1_024, 90
"""The longer side of what is embedded, in pixels; models look at 224 to 1,000 or so."""
_SMALL_SIDE, _SMALL_BYTES = 320, 30_000
_QUALITIES = (80, 65, 50, 35, 20)
_LONGEST_CAPTION = 2_000


class Found(NamedTuple):
    """A picture as a file holds it: an encoded file, or what opens it as an image of Pillow's."""

    name: str
    caption: str
    page: int | None
    image: bytes | Callable[[], Any]


class TooSmall(Exception):
    """A picture is smaller than the options ask for."""


def of_images(found: Iterable[Found], options: PicturesOptions) -> Iterator[ShownPicture | str]:
    """Yield pictures as they are shown, and the reasons why some are not; small ones are left out.

    The same picture, shown twice, is yielded once, with the first caption.
    """
    seen: set[bytes] = set()
    count = left = 0
    for one in found:
        if count == options.most:
            left += 1
            continue
        try:
            data, thumbnail = shown(one.image, min_side=options.min_side)
        except TooSmall:
            continue
        except Refused as error:
            yield f"the picture {one.name}: {error}"
            continue
        if data not in seen:
            seen.add(data)
            count += 1
            yield ShownPicture(one_line(one.caption)[:_LONGEST_CAPTION], one.page, data, thumbnail)
    if left:
        yield f"{left:,} of its pictures are left out; images.max_per_file is {options.most:,}"


def shown(source: bytes | Callable[[], Any], *, min_side: int = 1) -> tuple[bytes, bytes]:
    """Return a picture as a JPEG of at most 1,024 pixels a side, and its thumbnail.

    Raises:
        TooSmall: it is narrower or lower than ``min_side``.
        Refused: it is damaged, or of an unknown format.
        RefusedByLimit: it has too many pixels, or needs more memory than there is.
    """
    Image.MAX_IMAGE_PIXELS = None  # what it unpacks to is looked at below, before it does
    try:
        if isinstance(source, bytes):
            with Image.open(io.BytesIO(source), formats=_FORMATS) as image:
                return _drawn(image, min_side)
        return _drawn(source(), min_side)
    except (Refused, TooSmall):
        raise
    except MemoryError:
        # Of this picture alone: those after it, and what is known of the file, are not its price.
        raise RefusedByLimit("it needs more memory than a parser is given") from None
    except Exception as error:
        # Pillow raises whatever its formats raise: OSError, SyntaxError, struct.error ...
        told = f"{type(error).__name__}: {error!s:.120}"
        raise Refused(f"it is damaged, or of a format that is not read ({told})") from error


def _drawn(image: Any, min_side: int) -> tuple[bytes, bytes]:
    if min(image.size) < min_side:
        raise TooSmall
    if image.format == "JPEG":
        image.draft("RGB", (_SIDE, _SIDE))  # unpacks it smaller from the start, where that will do
    unpacked = image.width * image.height * _bytes_of_a_pixel(image)
    if unpacked > _MOST_BYTES:
        raise RefusedByLimit(
            f"it has {image.width:,} x {image.height:,} pixels, which unpack to "
            f"{unpacked // 1_000_000:,} MB; at most {_MOST_BYTES // 1_000_000} MB are read"
        )
    image.load()
    ImageOps.exif_transpose(image, in_place=True)  # nothing is copied where nothing is turned
    image = _in_colour(image)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    data = _jpeg(image, _QUALITY)
    image.thumbnail((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        thumbnail = _jpeg(image, quality)
        if len(thumbnail) <= _SMALL_BYTES:
            break
    return data, thumbnail


def _bytes_of_a_pixel(image: Any) -> int:
    """Return how many bytes a pixel takes in the largest form that it goes through."""
    widened = image.has_transparency_data or image.mode.startswith(("I", "F"))
    return 4 if widened else max(3, len(image.getbands()))


def _in_colour(image: Any) -> Any:
    """Return an image in RGB; what is transparent shows white."""
    if image.mode.startswith(("I", "F")):
        return in_grey(image).convert("RGB")
    if image.has_transparency_data:
        if image.mode != "RGBA":
            image = image.convert("RGBA")
        shown = Image.new("RGB", image.size, "white")
        shown.paste(image, mask=image)
        return shown
    return image if image.mode == "RGB" else image.convert("RGB")


def _jpeg(image: Any, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=quality, optimize=True)
    return file.getvalue()


def pictures(file: BinaryIO, options: PicturesOptions) -> Iterator[ShownPicture | str]:
    """Yield the pages of a file that is a picture; of a film, its first frame."""
    data = file.read()
    pages = 1
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.format == "TIFF":
                pages = getattr(image, "n_frames", 1)
    except Exception as error:
        told = f"{type(error).__name__}: {error!s:.120}"
        raise Refused(f"it is damaged, or no image of a known format ({told})") from error
    yield from of_images((_page(data, number, pages) for number in range(1, pages + 1)), options)


def _page(data: bytes, number: int, pages: int) -> Found:
    def opened() -> Any:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if number > 1:
            image.seek(number - 1)
        return image

    return Found(f"on page {number}", "", number if pages > 1 else None, opened)
