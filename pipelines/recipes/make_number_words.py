"""Writes down how numbers are spelled: ``make_number_words OUT``, from the package num2words.

``OUT`` receives ``rag_engine/text/number_words.txt``. The result depends on that package's version
and nothing else: 0.5.14 was taken, and what it says is what indexes were built with.
"""

from __future__ import annotations

import sys
from pathlib import Path

from num2words import num2words

from rag_engine.text.folding import folded, tidied
from rag_engine.text.number_words import NUMBERS

__all__ = ["LANGUAGES", "main", "spelled"]

LANGUAGES = (
    *("am", "ar", "az", "be", "bn", "ca", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fr"),
    *("he", "hu", "id", "is", "it", "kk", "kn", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru"),
    *("sk", "sl", "sr", "sv", "te", "tr", "uk"),
)
_CODES = {"kk": "kz"}
"""What num2words calls a language otherwise."""


def spelled(number: int, language: str) -> str:
    """Return the folded words of a number.

    >>> spelled(21, "fr"), spelled(32, "de")
    ('vingt et un', 'zweiunddreissig')
    """
    words = tidied(num2words(number, lang=_CODES.get(language, language))).replace("'", "")
    return " ".join(folded(words).replace("-", " ").split())


def main(out: Path) -> None:
    """Write the table."""
    lines = (
        f"{language}\t{'|'.join(spelled(number, language) for number in NUMBERS)}\n"
        for language in LANGUAGES
    )
    out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
