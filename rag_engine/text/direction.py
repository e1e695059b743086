"""Which way a text is read."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

__all__ = ["Direction", "direction"]

Direction = Literal["ltr", "rtl"]
"""Left to right, or right to left."""

_SEEN = 2_000
_FROM_RIGHT = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Where all letters stand that are written from the right, and some others."""


def direction(text: str, language: str = "") -> Direction:
    """Return the direction of most of a text's letters, by their Unicode bidirectional classes.

    The first letter, which HTML's ``dir="auto"`` goes by, misleads where a Hebrew passage begins
    with the name of a product. A text without letters goes by its ``language``.

    >>> direction("X-200: משאבת המים"), direction("Water pump (משאבה)"), direction("12", "ar")
    ('rtl', 'ltr', 'rtl')
    """
    at_home = language.partition("-")[0] in _RIGHT_TO_LEFT
    if not at_home and not _FROM_RIGHT.search(text, 0, _SEEN):
        return "ltr"
    balance = 0
    for character in text[:_SEEN]:
        kind = unicodedata.bidirectional(character)
        balance += (kind in {"R", "AL"}) - (kind == "L")
    if balance == 0:
        return "rtl" if at_home else "ltr"
    return "rtl" if balance > 0 else "ltr"


_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "arz", "azb", "ckb", "dv", "fa", "he", "ks", "lrc", "mzn", "nqo", "pnb", "ps",
     "sd", "syr", "ug", "ur", "yi"}
)  # fmt: skip
