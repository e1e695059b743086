"""Numbers written as one word, by language: "zwölf" is 12, "doce" too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from rag_engine.text.codes import code_table
from rag_engine.text.folding import folded, tidied
from rag_engine.text.stemming import is_stop_word

__all__ = ["number_words"]

_LANGUAGES = frozenset(
    {"am", "ar", "az", "be", "bn", "ca", "cs", "da", "de", "en", "eo", "es", "fa", "fi", "fr", "he"}
    | {"hu", "id", "is", "it", "kk", "kn", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk"}
    | {"sl", "sr", "sv", "te", "tr", "uk"}
)
_CODES = code_table("kk:kz")
# Folded, they are other words as well: face, ride, I, what, attention, elf, new, give, winds, of...
_OTHER_WORDS = frozenset(
    {("az", "on"), ("az", "min"), ("az", "yuz"), ("ca", "deu"), ("ca", "nou"), ("ca", "set")}
    | {("ca", "sis"), ("da", "firs"), ("de", "elf"), ("en", "score"), ("fa", "سي"), ("it", "venti")}
    | {("kk", "он"), ("kk", "бес"), ("kk", "жүз"), ("nl", "acht"), ("nl", "elf"), ("no", "to")}
    | {("sr", "sto"), ("sl", "sto"), ("tr", "bin"), ("tr", "yuz"), ("id", "enam")}
)
_SMALL = 10
_ROUND = (100, 1_000)


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
    from num2words import num2words

    words: dict[str, str] = {}
    for number in (*range(2, 101), _ROUND[1]):
        spelled = tidied(num2words(number, lang=_CODES.get(language, language))).replace("'", "")
        parts = folded(spelled).replace("-", " ").split()
        if number in _ROUND:
            parts = parts[-1:]  # one hundred
        if len(parts) != 1 or (language, parts[0]) in _OTHER_WORDS:
            continue
        if number > _SMALL or not is_stop_word(parts[0], language):
            words.setdefault(parts[0], str(number))
    return MappingProxyType(words)
