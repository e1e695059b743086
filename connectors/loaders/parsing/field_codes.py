"""Fields of Word whose code is shown: ruby, which old files keep as an equation."""

from __future__ import annotations

import re

__all__ = ["ruby_base"]

_RUBY = re.compile(
    r"\s*EQ\b.*?\\s\\up\s*[\d.]+\s*\([^()]*\)\s*[,;]\s*(.*)\)\s*", re.IGNORECASE | re.DOTALL
)


def ruby_base(code: str) -> str:
    r"""Return the word that a reading stands beside; nothing for another field.

    >>> ruby_base(r' EQ \* jc2 \* "Font:MS Mincho" \o\ad(\s\up 9(みず),水) '), ruby_base("PAGE")
    ('水', '')
    """
    found = _RUBY.fullmatch(code)
    return found[1] if found else ""
