"""Lexical analysis: from a text to the terms that an index stores and a question looks up.

One function, ``analyse``, serves both, so that they always agree. A passage's terms carry its
language: ``de:pump`` is a German stem, ``de=x-200`` a word of a German passage that other
languages may match as it stands (a name, a number, a code).
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from dataclasses import dataclass

import regex
import Stemmer
import stopwordsiso
from icu4py.breakers import WordBreaker

from rag_engine.text.scripts import script_of

__all__ = [
    "ANALYSER_VERSION",
    "Token",
    "analyse",
    "lexical_terms",
    "neutral_term",
    "stem_term",
]

ANALYSER_VERSION = "1"
"""Part of every index's contract: raise it with any change to what ``analyse`` returns."""

_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
_MAX_WORD = 64
"""Longer runs of letters are no words; they are cut to this length."""

# A word is a run of Latin letters and digits, inside which may stand what joins the parts of a code
# (X-200/B) or of a number (1.234,5), or a run of letters of other scripts with their marks.
_WORD = regex.compile(
    r"(?:[\p{Latin}\p{Nd}]\p{M}*)+(?:[.,:/\-’'ʼ·_+#&](?:[\p{Latin}\p{Nd}]\p{M}*)+)*[+#]*"
    r"|(?:[\p{L}--\p{Latin}]\p{M}*)+",
    regex.V1,
)
_PARTS = re.compile(r"[.,:/\-’'ʼ·_&]+")
_NUMBER = re.compile(r"\d+(?:[.,’'\u00a0]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:([.,’'])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")

# Letters that one language writes in several ways, or that people leave out when they type.
_ARABIC = str.maketrans("أإآٱىئؤةیکےہھۀ", "اااايييهيكيههه", "ـ")
_FOLDS = str.maketrans("ıłøđħŧæœſς’ʼ", "ilodhtaosσ''")
_UNSPACED = frozenset({"han", "hiragana", "katakana", "khmer", "lao", "myanmar", "thai", "tibetan"})
_KEEPS_MARKS = frozenset(
    {"bengali", "devanagari", "gujarati", "gurmukhi", "kannada", "khmer", "lao", "malayalam"}
    | {"myanmar", "oriya", "sinhala", "tamil", "telugu", "thai", "tibetan", "hiragana", "katakana"}
)
"""Scripts whose marks are vowels or voicing, not accents."""
_JOINERS = {0x200C: None, 0x200D: None}
"""Zero-width (non-)joiners change how letters look, not what they say."""
_NUKTA = "\u093c\u09bc\u0a3c\u0abc\u0b3c"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text as a search sees it.

    ``surface`` is folded (case, accents, digits); ``stem`` is what other forms of the word in the
    same language share; ``neutral`` marks names, numbers and codes, which other languages write
    the same; ``stop`` marks a stop word of the language.
    """

    surface: str
    stem: str
    neutral: bool
    stop: bool


def stem_term(language: str, stem: str) -> str:
    """Return the index term of a stem in passages of a language: ``de:pump``."""
    return f"{language}:{stem}"


def neutral_term(language: str, surface: str) -> str:
    """Return the index term of a language-neutral word in passages of a language: ``de=x-200``."""
    return f"{language}={surface}"


def lexical_terms(text: str, language: str) -> list[str]:
    """Return the terms that an index stores for a passage, repeated as often as they occur.

    >>> lexical_terms("The pumps of Acme", "en")
    ['en:pump', 'en:acm', 'en=acme']
    """
    terms: list[str] = []
    for token in analyse(text, language):
        if not token.stop:
            terms.append(stem_term(language, token.stem))
        if token.neutral:
            terms.append(neutral_term(language, token.surface))
    return terms


def analyse(text: str, language: str) -> list[Token]:
    """Return the tokens of a text that is in ``language`` (BCP-47; ``und``: no stems).

    >>> [token.stem for token in analyse("Die Pumpen laufen", "de")]
    ['die', 'pump', 'lauf']
    >>> [(token.surface, token.neutral) for token in analyse("Fehler X-200/B: ١٢٫٥ bar", "de")][1:]
    [('x-200/b', True), ('200', True), ('12.5', True), ('bar', False)]
    """
    text = unicodedata.normalize("NFKC", text).translate(_JOINERS)
    tokens: list[Token] = []
    mostly_latin: bool | None = None
    for match in _WORD.finditer(_with_ascii_digits(text)):
        word = match.group()
        script = "latin" if word.isascii() else script_of(word[0])
        if script in _UNSPACED:
            tokens += _unspaced(word, language)
            continue
        if script == "hangul":
            tokens += _pairs(word)
            continue
        if script == "latin" and mostly_latin is None:
            mostly_latin = _is_mostly_latin(text)
        foreign = script == "latin" and not mostly_latin
        tokens += _spaced(word, language, foreign)
    return tokens


def _with_ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.digit(each)) if not each.isascii() and each.isdecimal() else each
        for each in text
    ).translate({0x066B: ".", 0x066C: ","})


def _is_mostly_latin(text: str) -> bool:
    letters = [each for each in text if each.isalpha()]
    return 2 * sum(each < "\u0250" for each in letters) > len(letters)


def _spaced(word: str, language: str, foreign: bool) -> list[Token]:
    whole = _spaced_token(word, language, foreign)
    parts = [part for part in _PARTS.split(word) if part]
    if len(parts) == 1 or _NUMBER.fullmatch(word):
        return [whole]
    its_parts = [_spaced_token(part, language, foreign) for part in parts if len(part) > 1]
    has_digit = any(each.isdigit() for each in word)
    if not has_digit:
        return its_parts  # l'eau, Müller-Lüdenscheidt: the parts are the words
    return [
        Token(whole.surface, whole.surface, neutral=True, stop=False),
        *(Token(each.surface, each.stem, neutral=True, stop=False) for each in its_parts),
    ]


@functools.lru_cache(maxsize=200_000)
def _spaced_token(word: str, language: str, foreign: bool) -> Token:
    if any(each.isdigit() for each in word):
        surface = _number(word) if _NUMBER.fullmatch(word) else folded(word, language)
        return Token(surface, surface, neutral=True, stop=False)
    surface = folded(word, language)[:_MAX_WORD]
    stop = word.lower() in _stop_words(language) or surface in _stop_words(language)
    named = len(word) > 1 and word[0].isupper() and not stop
    stem = folded(_stem(_lower(word, language)[:_MAX_WORD], language), language) or surface
    return Token(surface, stem, neutral=foreign or named, stop=stop)


def _unspaced(word: str, language: str) -> list[Token]:
    """Divide a run of an unspaced script: dictionary words, and pairs of Han characters.

    Dictionaries divide the same name differently in different surroundings; pairs of characters
    always agree, so Han characters are stored as pairs (a single one alone).
    """
    tokens: list[Token] = []
    for part in WordBreaker(word, "th"):
        script = script_of(part[0])
        if script != "han" and script:
            surface = folded(part, language)
            stop = surface in _stop_words(language)
            loan = script == "katakana" and len(part) > _SHORT_LOAN
            tokens.append(Token(surface, surface, neutral=loan, stop=stop))
    for match in _HAN.finditer(word):
        tokens += _pairs(match.group())
    return tokens


def _pairs(run: str) -> list[Token]:
    """Return the pairs of neighbouring characters: particles and endings can not hide a word."""
    pairs = [run[index : index + 2] for index in range(len(run) - 1)] or [run]
    return [Token(pair, pair, neutral=False, stop=False) for pair in pairs]


_HAN = regex.compile(r"[\p{Han}々〇]+")
_SHORT_LOAN = 2


def _lower(word: str, language: str) -> str:
    if language in {"tr", "az"}:
        word = word.replace("İ", "i").replace("I", "ı")
    return word.lower()


@functools.lru_cache(maxsize=200_000)
def folded(word: str, language: str) -> str:
    """Return a word without the differences that people do not type.

    >>> folded("Straße", "de"), folded("ISI", "tr"), folded("Ποιός", "el"), folded("Café", "fr")
    ('strasse', 'isi', 'ποιοσ', 'cafe')
    """
    word = _lower(word, language).casefold()
    if word.isascii():
        return word
    script = script_of(word[0])
    if script == "arabic":
        word = word.translate(_ARABIC)
    decomposed = unicodedata.normalize("NFD", word)
    if script in _KEEPS_MARKS:
        kept = "".join(each for each in decomposed if each not in _NUKTA)
    else:
        kept = "".join(each for each in decomposed if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFC", kept).translate(_FOLDS)


def _number(word: str) -> str:
    """Write a number one way: no grouping, a stop before decimals.

    >>> [_number(each) for each in ("1.234,5", "1,234.5", "12,5", "3.14", "2024", "1'000")]
    ['1234.5', '1234.5', '12.5', '3.14', '2024', '1000']
    """
    grouped = _GROUPED.fullmatch(word)
    if grouped:
        separator = grouped.group(1)
        # "1.234" may be a thousand or a decimal; without a second sign it is read as grouping.
        word = word.replace(separator, "")
    return word.replace(",", ".").replace("’", "").replace("'", "")


@functools.lru_cache(maxsize=256)
def _stop_words(language: str) -> frozenset[str]:
    if not stopwordsiso.has_lang(language):
        return frozenset()
    words = stopwordsiso.stopwords(language)
    return frozenset(words) | frozenset(folded(word, language) for word in words)


_local = threading.local()


def _stem(word: str, language: str) -> str:
    name = _STEMMERS.get(language)
    if name is None:
        return word
    # A stemmer object must not be used by two threads at once.
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if name not in stemmers:
        stemmers[name] = Stemmer.Stemmer(name, 0)
    stem: str = stemmers[name].stemWord(word)
    return stem
