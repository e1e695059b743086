"""A picture on its way into a knowledge base."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag_engine.errors import InvalidDocument

__all__ = ["IMAGES_OF_A_FILE", "IMAGE_KEY", "DocumentImage", "image_of"]

IMAGE_KEY = "image_sha256"
"""The metadata field by which a document names its picture."""
IMAGES_OF_A_FILE = "#image"
"""After a file's name: its pictures, each with its number (``a.pdf#image-2``)."""

_MOST_BYTES = 50_000_000
_MOST_THUMBNAIL = 1 << 16
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentImage:
    """The picture that a document is: ``data`` is embedded, ``thumbnail`` is kept and shown.

    ``data`` is a JPEG or PNG file, ``thumbnail`` a JPEG of 65,536 bytes at most. The original stays
    where it is. ``rag_engine.connectors.loaders.pictures.document_image`` makes one of any image.

    Raises:
        InvalidDocument: they are no such files, or too large.

    >>> DocumentImage(data=b"GIF89a", thumbnail=b"")
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidDocument: an image's data is a JPEG or PNG file of 50,000,000 bytes \
at most, got 6 bytes that begin with b'GIF89a'
    """

    data: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check everything once; what is no picture is served to nobody."""
        for name, value, begins, most in (
            ("data", self.data, (_JPEG, _PNG), _MOST_BYTES),
            ("thumbnail", self.thumbnail, (_JPEG,), _MOST_THUMBNAIL),
        ):
            if not isinstance(value, bytes):
                raise InvalidDocument(f"an image's {name} is bytes, got {type(value).__name__}")
            if not value.startswith(begins) or len(value) > most:
                kinds = "JPEG or PNG" if len(begins) > 1 else "JPEG"
                raise InvalidDocument(
                    f"an image's {name} is a {kinds} file of {most:,} bytes at most, got "
                    f"{len(value):,} bytes that begin with {value[:8]!r}"
                )

    @property
    def digest(self) -> str:
        """The SHA-256 of ``data`` in hexadecimal: pictures of one digest are one."""
        return hashlib.sha256(self.data).hexdigest()


def image_of(metadata: Mapping[str, object]) -> str | None:
    """Return the picture that a document's metadata name, None if they name none.

    >>> image_of({IMAGE_KEY: "ab" * 32})[:4], image_of({IMAGE_KEY: "a.png"})
    ('abab', None)
    """
    named = metadata.get(IMAGE_KEY)
    return named if isinstance(named, str) and _DIGEST.fullmatch(named) else None
