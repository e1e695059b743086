"""Which way a text is read."""

from __future__ import annotations

import unicodedata
from typing import Literal

__all__ = ["Direction", "direction"]

Direction = Literal["ltr", "rtl"]
"""Left to right, or right to left."""

_SEEN = 2_000


def direction(text: str, language: str = "") -> Direction:
    """Return the direction of most of a text's letters, by their Unicode bidirectional classes.

    The first letter, which HTML's ``dir="auto"`` goes by, misleads where a Hebrew passage begins
    with the name of a product. A text without letters goes by its ``language``.

    >>> direction("X-200: משאבת המים"), direction("Water pump (משאבה)"), direction("12", "ar")
    ('rtl', 'ltr', 'rtl')
    """
    balance = 0
    for character in text[:_SEEN]:
        kind = unicodedata.bidirectional(character)
        balance += (kind in {"R", "AL"}) - (kind == "L")
    if balance == 0:
        return "rtl" if language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return "rtl" if balance > 0 else "ltr"


_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "arz", "azb", "ckb", "dv", "fa", "he", "ks", "lrc", "mzn", "nqo", "pnb", "ps",
     "sd", "syr", "ug", "ur", "yi"}
)  # fmt: skip
