"""Letters and digits brought to one form: what people write in several ways, or leave out."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from rag_engine.text.scripts import script_of

__all__ = ["folded", "lowered", "tidied"]

_ZERO_WIDTH = "\u00ad\u061c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\u202a\u202b\u202c\ufeff"
_TATWEEL = "\u0640"
_ARABIC_THOUSANDS = "\u066c"
# Vowel points of Hebrew and Arabic, which only schoolbooks and scripture print.
_VOWEL_POINTS = (
    *range(0x0591, 0x05BE),
    *(0x05BF, 0x05C1, 0x05C2, 0x05C4, 0x05C5, 0x05C7),
    *range(0x0610, 0x061B),
    *range(0x064B, 0x0653),
    *range(0x06D6, 0x06DD),
    *range(0x06DF, 0x06E5),
    *(0x0670, 0x06E7, 0x06E8, 0x06EA, 0x06EB, 0x06EC, 0x06ED),
)
_LAST_DIGITS = 0x1FBFA
# NFKC takes the Thai and Lao vowel "am" apart, which no writer of Thai does.
_AM = (("\u0e4d\u0e32", "\u0e33"), ("\u0ecd\u0eb2", "\u0eb3"))
# Only in Arabic letters does the non-joiner divide; elsewhere it shapes a letter. Hebrew writes
# abbreviations with a quotation mark inside.
_SHAPING = re.compile(r"\u200c(?![\u0600-\u06ff])|(?<=[א-ת])[\"״](?=[א-ת])")
_GROUPING_BLANK = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")

# Letters that a decomposition does not take apart, as people type them without their keyboard.
_PLAIN_LATIN = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
    | {"ð": "d", "ŋ": "n", "ə": "a", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ɛ": "e", "ɔ": "o"}
)
# Arabic, Persian and Urdu keyboards give different letters for the same ones.
_PLAIN_ARABIC = str.maketrans("ىیےکہەھةۃ", "يييكههههه")
_DEVANAGARI_NUKTA = "\u093c"
_CHANDRABINDU, _ANUSVARA = "\u0901", "\u0902"
_ACCENTED_SCRIPTS = frozenset({"latin", "greek", "arabic", "hebrew", "armenian", "coptic"})


class _Unmarked(dict[int, int | None]):
    """A table that takes marks without a width out of a text, filled as characters come."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)) == "Mn" else code
        self[code] = kept
        return kept


_UNMARKED = _Unmarked()


@cache
def _tidying_table() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: str(unicodedata.decimal(chr(code)))
        for code in range(0x80, _LAST_DIGITS)
        if chr(code).isdecimal()
    }
    table.update(dict.fromkeys(_VOWEL_POINTS))
    table.update(dict.fromkeys(map(ord, _ZERO_WIDTH + _TATWEEL + _ARABIC_THOUSANDS)))
    table.update(dict.fromkeys(map(ord, "’‘ʼ´\u02bb"), "'"))
    table.update(dict.fromkeys(map(ord, "‐‑"), "-"))
    table[0x066B] = "."  # the Arabic decimal separator
    table[0x200B] = " "  # the zero-width space, by which Khmer and others mark word ends
    return table


def tidied(text: str) -> str:
    """Return a text in compatibility form (NFKC) with ASCII digits and without invisible marks.

    Case, accents and letters stay; vowel points of Arabic and Hebrew, tatweel, soft hyphens and
    directional marks go. The zero-width non-joiner stays: it stands inside Persian words.

    >>> tidied("Ｎｏ．٢٤ ﬁne כֹּל")
    'No.24 fine כל'
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", _GROUPING_BLANK.sub("", text))
    plain = _SHAPING.sub("", plain.translate(_tidying_table()))
    for apart, whole in _AM:
        plain = plain.replace(apart, whole)
    return plain


def lowered(word: str, language: str) -> str:
    """Return a word in lower case as its language has it.

    >>> lowered("ISI", "tr"), lowered("ISI", "en")
    ('ısı', 'isi')
    """
    if language in {"tr", "az"}:
        word = word.replace("İ", "i").replace("I", "ı")
    return word.lower()


def folded(word: str) -> str:
    """Return a tidied word without case and without what people leave out when they type.

    The result is the same in every language, so that a name can be compared across them.

    >>> [folded(word) for word in ("Straße", "İstanbul", "Łódź", "Ποιός", "Ещё", "أحمد", "ज़मीन")]
    ['strasse', 'istanbul', 'lodz', 'ποιοσ', 'еще', 'احمد', 'जमीन']
    """
    word = word.casefold()
    if word.isascii():
        return word
    word = word.replace("\u200c", "")
    script = script_of(word[0])
    if script in _ACCENTED_SCRIPTS:
        bare = unicodedata.normalize("NFD", word).translate(_UNMARKED)
        return bare.translate(_PLAIN_LATIN if script == "latin" else _PLAIN_ARABIC)
    if script == "cyrillic":
        # Short i, yi and short u are letters of their own; only stress marks go.
        return word.replace("ё", "е").translate(_UNMARKED)
    if script == "devanagari":
        bare = unicodedata.normalize("NFD", word).replace(_DEVANAGARI_NUKTA, "")
        return unicodedata.normalize("NFC", bare.replace(_CHANDRABINDU, _ANUSVARA))
    return word
