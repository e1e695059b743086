"""Raised numbers: powers, units and marks of notes, written with Unicode's raised digits."""

from __future__ import annotations

import re

__all__ = ["could_be_raised", "raised"]

_NUMBER = re.compile(r"\s*[-−+]?[0-9]{1,6}\s*")
_SIGNS = str.maketrans("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")


def could_be_raised(text: str) -> bool:
    """Tell whether a raised text is a number; only such are written otherwise."""
    return _NUMBER.fullmatch(text) is not None


def raised(text: str) -> str:
    """Write a raised number so that it is not read as a part of what it stands beside.

    >>> "10" + raised("-6"), "1" + raised("er")
    ('10⁻⁶', '1er')
    """
    return text.translate(_SIGNS) if could_be_raised(text) else text
