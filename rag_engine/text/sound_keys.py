"""Spellings in Latin letters, and the keys in which the many ways to romanise a word agree.

Every key function returns the keys of one spelling, the likeliest first; ``spoken`` asks also
for those of the other ways in which people may have meant it (a question has several, a passage
stores one).
"""

from __future__ import annotations

import re

from rag_engine.text.sound_rules import (
    ALTERNATIVES,
    ARABIZI,
    NAME,
    SKELETON,
    VOWEL_ALTERNATIVES,
    VOWELS,
    Rules,
    applied,
    style_of,
)
from rag_engine.text.stemming import without_arabic_prefixes

__all__ = ["latin_spelling", "name_key", "skeleton_keys", "vowel_keys"]

_MOST_VARIANTS = 12
_SHORTEST_SKELETON = 2
_SHORTEST = 3
_NO_LETTER = re.compile(r"[^a-z]")
_VOWELS = str.maketrans("", "", "aeiou")
_GLIDES = str.maketrans("", "", "wy")
_REPEATED = re.compile(r"(.)\1+")

_ANUSVARA = re.compile("[ंংਂੰંଂంಂംං]")
_FINAL_M = frozenset({"telugu", "kannada", "malayalam", "sinhala"})
_ONE_BY_ONE = frozenset(
    {"arabic", "hebrew", "syriac", "thaana", "ethiopic", "devanagari", "bengali", "gurmukhi"}
    | {"gujarati", "oriya", "tamil", "telugu", "kannada", "malayalam", "sinhala", "thai", "lao"}
)
_THAI_SILENT = re.compile("[ก-ฮ][ิุ]?์|ห(?=[งญนมยรลว])")
_VOWEL_BEFORE = re.compile("([เแโใไເແໂໃໄ])(.)")  # written before the consonant, said after it
_HEBREW_LETTERS = str.maketrans({"ח": "x", "ו": None})
_FINAL = str.maketrans("dbcsflr", "tpttpnn")
_BULGARIAN = str.maketrans({"ъ": "а", "щ": "шт"})


class _Spelled(dict[str, str]):
    """Characters and how ``anyascii`` spells each, filled as they come."""

    def __missing__(self, character: str) -> str:
        from anyascii import anyascii  # its tables are read as letters come

        spelled = self[character] = anyascii(character)
        return spelled


_SPELLED = _Spelled()


def latin_spelling(word: str, script: str, language: str) -> str:
    """Return a folded word in ASCII letters, as near to how people romanise it as letters tell.

    >>> [latin_spelling(*word) for word in [("щука", "cyrillic", "ru"), ("تسلا", "arabic", "ar")]]
    ['shchuka', "t's'l'"]
    """
    if word.isascii():
        return word
    if script == "hebrew":
        first, rest = word[0].replace("ו", "v"), word[1:].replace("וו", "v")
        word = ("a" if first in "אע" else first) + rest
        word = word.translate(_HEBREW_LETTERS)
    elif script == "arabic":
        word = without_arabic_prefixes(word) if language == "ar" else word
        word = ("a" + word[1:]) if word[0] in "اآع" else word
    elif script == "thai":
        word = _THAI_SILENT.sub("", word.replace("รร", "น"))
    if script in {"thai", "lao"}:
        word = _VOWEL_BEFORE.sub(r"\2\1", word)
    elif script == "katakana":
        word = word.replace("ッ", "").replace("ヴ", "ブ")
    elif language == "bg":
        word = word.translate(_BULGARIAN)
    if script == "devanagari":
        word = word.replace("ज्ञ", "ग्य")
    if script not in _ONE_BY_ONE:
        return "".join(map(_SPELLED.__getitem__, word)).lower()
    # Without its vowels, "t" before "s" would look like one sound; an apostrophe parts them.
    spelled = "'".join(map(_SPELLED.__getitem__, _ANUSVARA.sub("~", word))).lower()
    if "~" in spelled:
        spelled = re.sub("~$", "m" if script in _FINAL_M else "", spelled)
        spelled = re.sub("~(?='*[pbm])", "m", spelled).replace("~", "n")
    return spelled


def skeleton_keys(
    spelled: str, script: str, language: str, *, spoken: bool = False
) -> tuple[str, ...]:
    """Return the consonants of a spelling, for passages in a script.

    >>> skeleton_keys("ftwrh", "arabic", "ar"), skeleton_keys("fatoora", "arabic", "ar")
    (('ftr',), ('ftr',))
    """
    style = style_of(script, language)
    if spoken and style in {"arabic", "persian", "hebrew"}:
        for digits, letters in ARABIZI:
            spelled = spelled.replace(digits, letters)
    variants = [spelled]
    if spoken:
        variants = _variants(spelled, ALTERNATIVES[style])
    keys = [_skeleton(each, style, script) for each in variants]
    if spoken and style == "hebrew":  # "the", "in" and "to" are written with the word
        keys += [_REPEATED.sub(r"\1", before + key) for key in keys if key for before in "hvl"]
    return _long_enough(keys, _SHORTEST_SKELETON)


def name_key(spelled: str) -> tuple[str, ...]:
    """Return the coarse skeleton of a name, which alphabets and abjads share.

    >>> name_key("washington"), name_key("paris"), name_key("brys")
    (('fsntn',), ('brs',), ('brs',))
    """
    plain = _letters(applied(spelled, NAME)).translate(_VOWELS)
    plain = _without_inner_glides(_without_inner_h(plain))
    return _long_enough([_REPEATED.sub(r"\1", plain)], _SHORTEST_SKELETON)


def vowel_keys(
    spelled: str, script: str, language: str, *, spoken: bool = False
) -> tuple[str, ...]:
    """Return a spelling with its vowels folded and without a final one, which inflects.

    >>> vowel_keys("voda", "cyrillic", "ru"), vowel_keys("vodu", "cyrillic", "ru")
    (('vod',), ('vod',))
    """
    style = script if script in VOWELS else "cyrillic"
    variants = [spelled]
    if spoken:
        variants = _variants(spelled, VOWEL_ALTERNATIVES[style])
    keys = []
    for each in variants:
        plain = _REPEATED.sub(r"\1", _letters(applied(each, VOWELS[style])))
        if style == "greek":
            plain = re.sub(r"(?<=...)s$", "", plain)
        if style != "hangul":
            plain = re.sub(r"(?<=...)[aeiou]+$", "", plain)
        keys.append(_REPEATED.sub(r"\1", plain))
    return _long_enough(keys, _SHORTEST)


def _skeleton(spelled: str, style: str, script: str) -> str:
    plain = _without_inner_glides(_letters(applied(spelled, SKELETON[style])))
    if style in {"arabic", "persian", "hebrew", "ethiopic"}:
        plain = plain.removesuffix("h")
    else:
        plain = _without_inner_h(plain)
    plain = _REPEATED.sub(r"\1", plain.translate(_VOWELS))
    if script in {"thai", "lao"} and len(plain) > 1:
        # What a final letter sounds like; here a question's final sound is brought to the same.
        plain = plain[:-1] + plain[-1].translate(_FINAL)
    return plain


def _letters(spelled: str) -> str:
    """Return the small letters of a spelling."""
    whole = spelled.isascii() and spelled.isalpha() and spelled.islower()
    return spelled if whole else _NO_LETTER.sub("", spelled)


def _without_inner_glides(plain: str) -> str:
    return plain[:1] + plain[1:].translate(_GLIDES)


def _without_inner_h(plain: str) -> str:
    return plain[:1] + plain[1:].replace("h", "")


def _variants(spelled: str, alternatives: Rules) -> list[str]:
    variants = [spelled]
    for pattern, replacement, *_ in alternatives:
        for each in tuple(variants):
            other = pattern.sub(replacement, each)
            if other not in variants and len(variants) < _MOST_VARIANTS:
                variants.append(other)
    return variants


def _long_enough(keys: list[str], shortest: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in keys if len(key) >= shortest))
