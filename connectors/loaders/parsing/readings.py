"""Ruby: the reading that stands in small type beside a word, kept apart from the word.

On its way through a parser an annotated word travels as U+FFF9 base U+FFFA reading U+FFFB, the
characters that Unicode has for this; no text leaves the parser with them.
"""

from __future__ import annotations

import re

__all__ = ["Reading", "annotated", "split_readings", "without_readings"]

Reading = tuple[int, int, str]
"""``text[start:end]`` is read so: ``(start, end, reading)``."""

_ANNOTATED = re.compile("\ufff9([^\ufff9-\ufffb]*)\ufffa([^\ufff9-\ufffb]*)\ufffb")
_MARKS = re.compile("[\ufff9-\ufffb]")
_LONGEST = 100


def annotated(base: str, reading: str) -> str:
    """Return a word together with its reading; one without the other is but text, or nothing."""
    base, reading = _MARKS.sub("", base), " ".join(_MARKS.sub("", reading).split())
    if not base.strip() or not reading:
        return base
    return f"\ufff9{base}\ufffa{reading[:_LONGEST]}\ufffb"


def split_readings(text: str) -> tuple[str, list[Reading]]:
    """Return the text without its readings, and each with its place in that text.

    >>> split_readings(annotated("避難", "ひなん") + "する")
    ('避難する', [(0, 2, 'ひなん')])
    """
    if "\ufff9" not in text and "\ufffa" not in text and "\ufffb" not in text:
        return text, []
    pieces: list[str] = []
    readings: list[Reading] = []
    length = end = 0
    for match in _ANNOTATED.finditer(text):
        before = _MARKS.sub("", text[end : match.start()])
        base = match.group(1)
        pieces += (before, base)
        length += len(before)
        readings.append((length, length + len(base), match.group(2)))
        length += len(base)
        end = match.end()
    pieces.append(_MARKS.sub("", text[end:]))
    return "".join(pieces), readings


def without_readings(text: str) -> str:
    """Return the text without its readings."""
    return split_readings(text)[0]
