"""What a picture says in words, in office files: programs put the name of its file there."""

from __future__ import annotations

import re

__all__ = ["names_a_picture"]

_FILE_NAME = re.compile(
    r"\S{1,200}\.(?:avif|bmp|emf|eps|gif|heic|jpe?g|pdf|png|svg|tiff?|webp|wmf)", re.IGNORECASE
)


def names_a_picture(text: str) -> bool:
    """Tell whether an alternative text is but the name of a file.

    >>> names_a_picture("IMG_0231.JPG"), names_a_picture("Der Hof.png"), names_a_picture("v1.250")
    (True, False, False)
    """
    return _FILE_NAME.fullmatch(text) is not None
