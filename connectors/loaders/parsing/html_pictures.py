"""The pictures that an HTML file holds itself, as ``data:`` addresses; nothing is fetched."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from lxml.html import HTMLParser, document_fromstring

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.pictures import Found, of_images
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture

__all__ = ["pictures"]


def pictures(file: BinaryIO, options: PicturesOptions) -> Iterator[ShownPicture | str]:
    """Yield the pictures of a page that stand in the page itself, in their order."""
    text = decode(file.read()).text
    if text.strip():
        root = document_fromstring(
            text.encode("utf-8"),
            parser=HTMLParser(encoding="utf-8", huge_tree=True, no_network=True),
        )
        yield from of_images(_found(root), options)


def _found(root: Any) -> Iterator[Found]:
    for number, image in enumerate(root.iter("img"), 1):
        address = image.get("src", "").strip()
        if address[:11].lower() != "data:image/":
            continue
        head, _, coded = address.partition(",")
        try:
            data = base64.b64decode(coded) if ";base64" in head.lower() else unquote_to_bytes(coded)
        except (binascii.Error, ValueError):
            data = b""  # which is told of as any damaged picture is
        if "svg" not in head.lower():
            yield Found(f"number {number}", _caption(image), None, data)


def _caption(image: Any) -> str:
    said = [image.get("alt", ""), image.get("title", "")]
    for figure in image.iterancestors("figure"):
        said += [caption.text_content() for caption in figure.iter("figcaption")]
    texts = (" ".join(text.split()) for text in said)
    return ". ".join(dict.fromkeys(text for text in texts if text and not names_a_picture(text)))
