"""What stands between two blanks, divided into words, numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag_engine.text.numerals import NUMBER, normalise_number

__all__ = ["Part", "divided"]

_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
# A comma or colon joins digits only; a full stop needs a digit beside it.
_NO_JOINER = re.compile(r"(?<!\d)[,:]|[,:](?!\d)|(?<!\d)\.(?!\d)")
_JOINER = re.compile(r"[/&_\-]")
_CODE_JOINER = re.compile(r"[/&_\-:']")
_CODE_PART = re.compile(r"\d+(?:[.,]\d+)*|[^\d.,:/&_'\-]+")
_DIGITS = re.compile(r"\d+")
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MOST_PARTS = 6
_SHORT_PART = 3
_ELIDING = frozenset({"ca", "fr", "it", "oc"})
_SUFFIXING = frozenset({"az", "cs", "et", "fi", "pl", "sk", "tr"})


class Part(NamedTuple):
    """A word as it was written, or (``is_code``) a number or code in its final form."""

    text: str
    is_code: bool


def divided(piece: str, language: str) -> Iterator[Part]:
    """Yield the parts of a tidied piece.

    >>> [part.text for part in divided("X-200/B", "en")]
    ['X200B', '200']
    >>> [part.text for part in divided("l'e-mail", "fr")]
    ['l', 'email', 'e', 'mail']
    >>> [part.text for part in divided("1.234,5", "de")], [*divided("U.S.A", "en")]
    (['1234.5'], [Part(text='USA', is_code=False)])
    """
    if _ACRONYM.fullmatch(piece):
        yield Part(piece.replace(".", ""), is_code=False)
        return
    if "@" in piece:
        yield Part(piece, is_code=True)
        piece = piece.replace("@", ",")
    for part in _NO_JOINER.split(piece):
        if any(map(str.isdigit, part)) or part.endswith(("+", "#")):
            yield from _code(part, language)
        elif part:
            yield from _spelled(part, language)


def _code(code: str, language: str) -> Iterator[Part]:
    """Yield a number; or a code as a whole, without joiners, and then its parts."""
    if NUMBER.fullmatch(code):
        number = normalise_number(code, language)
        yield Part(number, is_code=True)
        if not _PLAIN_NUMBER.fullmatch(number):
            yield from (Part(digits, is_code=True) for digits in _DIGITS.findall(number))
        return
    only_digits = not any(map(str.isalpha, code))
    # Dates and times keep their joiners: without them they would be numbers.
    yield Part(code if only_digits else _CODE_JOINER.sub("", code), is_code=True)
    parts = _CODE_PART.findall(code)
    if 1 < len(parts) <= _MOST_PARTS:
        for part in parts:
            if part[0].isdigit():
                yield Part(normalise_number(part, language), is_code=True)
            elif len(part) > 1:  # a letter by itself says nothing
                yield Part(part, is_code=True)


def _spelled(word: str, language: str) -> Iterator[Part]:
    """Yield the words that hyphens and the like join, and short compounds also as one."""
    parts = [part for part in _JOINER.split(word) if part]
    if len(parts) == 2 and min(map(len, parts)) <= _SHORT_PART:
        *before, first = _without_apostrophes(parts[0], language)
        yield from before
        yield Part(first.text + parts[1].replace("'", ""), is_code=False)
        yield first
        parts = parts[1:]
    for part in parts:
        yield from _without_apostrophes(part, language)


def _without_apostrophes(word: str, language: str) -> Iterator[Part]:
    before, apostrophe, after = word.partition("'")
    if not apostrophe:
        yield Part(word, is_code=False)
    elif language in _ELIDING:  # l'eau
        yield from (Part(piece, is_code=False) for piece in word.split("'") if piece)
    elif after in {"s", "S"} or (language in _SUFFIXING and len(before) > 1):
        yield Part(before, is_code=False)  # Anna's, Ankara'nın
    else:
        yield Part(word.replace("'", ""), is_code=False)
