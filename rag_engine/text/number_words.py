"""Numbers written as one word, by language: "zwölf" is 12, "doce" too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from rag_engine.text.codes import code_table
from rag_engine.text.folding import folded, tidied
from rag_engine.text.stemming import is_stop_word

__all__ = ["number_words", "numbers_in"]

_LANGUAGES = frozenset(
    {"am", "ar", "az", "be", "bn", "ca", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fr", "he"}
    | {"hu", "id", "is", "it", "kk", "kn", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk"}
    | {"sl", "sr", "sv", "te", "tr", "uk"}
)
_CODES = code_table("kk:kz")
# Folded, they are other words as well: face, ride, I, what, attention, elf, new, give, winds, of,
# tip, stove, to me...
_OTHER_WORDS = frozenset(
    {("az", "on"), ("az", "min"), ("az", "yuz"), ("ca", "deu"), ("ca", "nou"), ("ca", "set")}
    | {("ca", "sis"), ("da", "firs"), ("de", "elf"), ("en", "score"), ("fa", "سي"), ("it", "venti")}
    | {("kk", "он"), ("kk", "бес"), ("kk", "жүз"), ("nl", "acht"), ("nl", "elf"), ("no", "to")}
    | {("sr", "sto"), ("sl", "sto"), ("tr", "bin"), ("tr", "yuz"), ("id", "enam")}
    | {("az", "uc"), ("pl", "piec"), ("ro", "mie")}
)
_SMALL = 10
_TENS = 20
_ROUND = (100, 1_000)
_OTHER_NUMBER = 10**6
"""What digits and words that are only parts (hundred) are worth: enough for any other part."""
_JOINED = 2
"""Words on a side of a number that are looked at: what joins, and what is joined."""


@cache
def number_words(language: str) -> Mapping[str, str]:
    """Return the folded words that are a number from 2 to 100, or 1,000, with their digits.

    Basic forms only; a number of several words has none. Words up to ten that the language's
    list of stop words holds are left out (they hold sentences together: Italian "sei"), and so
    are words that mean something else as well. A language that is not known has no words.

    >>> [number_words("de").get(word) for word in ("zwolf", "neunundneunzig", "sieben", "elf")]
    ['12', '99', None, None]
    >>> number_words("en")["hundred"], dict(number_words("xx"))
    ('100', {})
    """
    if language not in _LANGUAGES:
        return MappingProxyType({})
    words: dict[str, str] = {}
    for number in (*range(2, 101), _ROUND[1]):
        parts = _spelled(number, language)
        if number in _ROUND:
            parts = parts[-1:]  # one hundred
        if len(parts) != 1 or (language, parts[0]) in _OTHER_WORDS:
            continue
        if number > _SMALL or not is_stop_word(parts[0], language):
            words.setdefault(parts[0], str(number))
    return MappingProxyType(words)


def numbers_in(surfaces: Sequence[str], language: str) -> list[str]:
    """Return the digits of those of a text's folded words that are numbers by themselves.

    A part of a number is none: two hundred, 3 thousand, twenty-one, treinta y cinco.

    >>> numbers_in(["twelve", "or", "two", "hundred"], "en"), numbers_in(["vingt", "cinq"], "fr")
    (['12'], [])
    """
    words = number_words(language)
    places = [place for place, surface in enumerate(surfaces) if surface in words]
    if not places:
        return []
    parts = _parts(language)
    return [words[surfaces[at]] for at in places if not _is_part(surfaces, at, parts)]


class _Parts(NamedTuple):
    """What numbers of several words are made of: ``treinta`` 30, ``uno``, ``y``."""

    values: Mapping[str, int]
    one: str
    joints: frozenset[str]

    def value(self, surface: str) -> int:
        """Return what a part is worth, or 0 for another word; "one" is none (one hundred)."""
        known = self.values.get(surface, 0)
        return known or (_OTHER_NUMBER if surface.isdecimal() else 0)


@cache
def _parts(language: str) -> _Parts:
    values: dict[str, int] = {}
    several: list[list[str]] = []
    for number in (*range(2, 102), *range(200, 1_000, 100), 1_000):
        parts = _spelled(number, language)
        if len(parts) == 1:
            values.setdefault(parts[0], number)
        else:
            several.append(parts)
    [*_, one] = _spelled(1, language)
    for parts in several:
        if parts[-1] != one:
            values.setdefault(parts[-1], _OTHER_NUMBER)  # hundred, puluh
    joints = {parts[-2] for parts in several if len(parts) > _JOINED} - values.keys() - {one}
    if language == "ar":  # which writes "and" with the word
        values[f"و{one}"] = 1
        values.update({f"و{word}": value for word, value in tuple(values.items())})
    return _Parts(MappingProxyType(values), one, frozenset(joints))


def _is_part(surfaces: Sequence[str], at: int, parts: _Parts) -> bool:
    """Tell whether the number at a place is a part of one, as its neighbours say."""
    own = parts.value(surfaces[at])
    before, after = surfaces[max(0, at - 2) : at], surfaces[at + 1 : at + 3]
    if before and parts.value(before[-1]):
        return True
    if after and (parts.value(after[0]) or (own >= _TENS and after[0] == parts.one)):
        return True
    if len(before) == _JOINED and before[1] in parts.joints:
        greater = parts.value(before[0])
        if greater >= _TENS and own < (_TENS if greater < _ROUND[0] else greater):
            return True  # one hundred and five, but: between two and five
    if len(after) == _JOINED and after[0] in parts.joints and own >= _TENS:
        less = 1 if after[1] == parts.one else parts.value(after[1])
        return 0 < less < (_SMALL if own < _ROUND[0] else own)
    return False


@cache
def _spelled(number: int, language: str) -> list[str]:
    """Return the folded words of a number."""
    from num2words import num2words

    spelled = tidied(num2words(number, lang=_CODES.get(language, language))).replace("'", "")
    return folded(spelled).replace("-", " ").split()
