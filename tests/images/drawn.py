"""Pictures drawn for tests, as files and as documents."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from rag_engine import Document
from rag_engine.images.document_image import DocumentImage
from tests.doubles import COLOURS


def encoded(colour: str, *, kind: str = "JPEG", side: int = 64, **options: Any) -> bytes:
    """Return a picture of one colour; the same arguments give the same bytes."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), COLOURS[colour]).save(file, format=kind, **options)
    return file.getvalue()


def picture(name: str, colour: str, *, side: int = 64, text: str = "", **more: Any) -> Document:
    """Return a document that is a picture of one colour; ``side`` makes another of it."""
    data = encoded(colour, side=side)
    image = DocumentImage(data=data, thumbnail=data)
    return Document(id=name, text=text or name, image=image, **more)
