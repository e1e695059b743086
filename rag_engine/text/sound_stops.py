"""Romanised words that only hold a sentence together, which passages do not store."""

from __future__ import annotations

import re
from functools import cache

from rag_engine.text.sound_keys import latin_spelling
from rag_engine.text.sound_rules import SKELETON, VOWELS, applied, style_of
from rag_engine.text.stemming import stop_words

__all__ = ["is_stop_sound"]

_INDIC = frozenset({"devanagari", "gujarati", "gurmukhi", "bengali", "oriya"})
_FINAL_NASAL = re.compile(r"(?<=[ei])[nm]$")
_UNWRITTEN = re.compile(r"(?<!^)[ah']")
_NO_LETTER = re.compile(r"[^a-z]")
_REPEATED = re.compile(r"(.)\1+")


def is_stop_sound(spelled: str, script: str, language: str) -> bool:
    """Tell whether a word in Latin letters sounds like a stop word of a language.

    Vowels count here, although keys of the scripts of India leave them out: "apna" (own) is
    not "pani" (water). Scripts that do not write vowels, and Chinese, have no such words.

    >>> [is_stop_sound(word, "devanagari", "hi") for word in ("karein", "kuch", "pani")]
    [True, True, False]
    >>> is_stop_sound("kogda", "cyrillic", "ru"), is_stop_sound("nasos", "cyrillic", "ru")
    (True, False)
    """
    return _form(spelled, script, language) in _stop_forms(script, language)


@cache
def _stop_forms(script: str, language: str) -> frozenset[str]:
    if script not in _INDIC and script not in VOWELS:
        return frozenset()
    forms = (
        _form(latin_spelling(word, script, language), script, language)
        for word in stop_words(language)
        if not word.isascii()
    )
    return frozenset(form for form in forms if form)


def _form(spelled: str, script: str, language: str) -> str:
    if script in VOWELS:
        return _REPEATED.sub(r"\1", _NO_LETTER.sub("", applied(spelled, VOWELS[script])))
    plain = _FINAL_NASAL.sub("", spelled.replace("'", ""))
    plain = applied(plain, SKELETON[style_of(script, language)])
    plain = plain.replace("ee", "i").replace("oo", "u").replace("ei", "e")
    return _REPEATED.sub(r"\1", _NO_LETTER.sub("", _UNWRITTEN.sub("", plain)))
