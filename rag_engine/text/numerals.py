"""Numbers written one way, whatever separators their country uses."""

from __future__ import annotations

import re

__all__ = ["NUMBER", "normalise_number"]

NUMBER = re.compile(r"\d+(?:[.,']\d+)*")
"""A number in ASCII digits with its separators."""

# Where a comma groups and a point divides. Elsewhere, most of the world, it is the other way.
_POINT_LANGUAGES = frozenset(
    {"am", "bn", "en", "ga", "gu", "he", "hi", "ja", "km", "kn", "ko", "lo", "ml", "mr", "ms"}
    | {"mt", "my", "ne", "or", "pa", "si", "so", "sw", "ta", "te", "th", "ti", "tl", "und", "ur"}
    | {"yo", "zh", "zu"}
)
_GROUPED = r"\d{{1,3}}(?:{0}\d{{3}})+"
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")


def normalise_number(number: str, language: str) -> str:
    """Return a number without grouping and with a point before its decimals.

    Only ``1.234`` and ``1,234`` are ambiguous; they are read as the language would. What is no
    number (a date, a version, an address) comes back as it is.

    >>> [normalise_number(text, "de") for text in ("1.234,5", "1,234.5", "12,5", "1.234", "3.14")]
    ['1234.5', '1234.5', '12.5', '1234', '3.14']
    >>> [normalise_number(text, "en") for text in ("1.234", "1,234", "12,34,567", "12.05.2024")]
    ['1.234', '1234', '1234567', '12.05.2024']
    """
    if number.isdigit():
        return number
    if _INDIAN.fullmatch(number):
        return number.replace(",", "")
    number = re.sub(r"'(?=\d{3}(?!\d))", "", number)
    points, commas = number.count("."), number.count(",")
    if points and commas:
        decimal = max(".,", key=number.rfind)
        return _divided(number, decimal, "," if decimal == "." else ".")
    if points + commas != 1:
        separator = "." if points else ","
        grouped = re.fullmatch(_GROUPED.format(re.escape(separator)), number)
        return number.replace(separator, "") if grouped else number
    separator = "." if points else ","
    whole, fraction = number.split(separator)
    groups = "," if language in _POINT_LANGUAGES else "."
    if len(fraction) == 3 and len(whole) <= 3 and whole[0] != "0" and separator == groups:
        return whole + fraction
    return f"{whole}.{fraction}"


def _divided(number: str, decimal: str, grouping: str) -> str:
    whole, _, fraction = number.rpartition(decimal)
    if decimal in whole or not re.fullmatch(_GROUPED.format(re.escape(grouping)), whole):
        return number
    return f"{whole.replace(grouping, '')}.{fraction}"
