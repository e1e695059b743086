"""Lexical analysis: from a text to the terms that an index stores and a question looks up.

One function, ``analyse``, serves both, so that they always agree. A passage's terms carry its
language: ``de:pump`` is a German stem, ``de=x200`` a word of a German passage that questions in
other languages may match as it stands (a name, a number, a code).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

import regex
from icu4py import icu_version_info

from rag_engine.records import UNDETERMINED
from rag_engine.text.folding import folded, tidied
from rag_engine.text.han_numerals import han_numbers
from rag_engine.text.number_words import numbers_in
from rag_engine.text.pieces import divided
from rag_engine.text.scripts import home_script, main_script, script_of
from rag_engine.text.sounds import joined_sounds, katakana_sounds, passage_sounds, sound_term
from rag_engine.text.stemming import is_stop_word, plain_stems, stem_of
from rag_engine.text.unspaced import UNSPACED, pairs, unspaced_words

__all__ = [
    "ANALYSER_VERSION",
    "Token",
    "analyse",
    "lexical_terms",
    "neutral_term",
    "stem_term",
]

_SNOWBALL = ".".join(version("PyStemmer").split(".")[:2])
ANALYSER_VERSION = f"3-snowball{_SNOWBALL}-icu{icu_version_info[0]}"
"""Part of every index's contract: the rules here, Snowball's stemmers and ICU's dictionaries."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text as a search sees it.

    ``surface`` is folded (case, accents, digits) in the same way for every language; ``stem`` is
    what the forms of a word in its language share, or the surface where no stemmer knows the
    language. ``neutral`` marks what is written the same in other languages: numbers, codes,
    names. ``stop`` marks words that only hold sentences together.
    """

    surface: str
    stem: str
    neutral: bool
    stop: bool

    def __hash__(self) -> int:
        return hash(self.surface)  # the others follow from it, but for two or three


class _Word(NamedTuple):
    """A token seen without its surroundings, which decide whether it is a name."""

    plain: Token
    named: Token
    shape: str  # "title", "caps" or "": what its capitals say
    script: str


# A piece is what stands between blanks and other punctuation: a word, a code with its joiners,
# or a run of a script without blanks. Korean particles after a foreign word are a piece.
_LETTER = r"[[\p{L}\p{N}]--[\p{Hangul}[" + UNSPACED + r"]]]"
_JOINER = r"['.,:/&@_\-\u200c]"
_IN_WORD = rf"[{_LETTER}||\p{{M}}]"
_PIECE = regex.compile(
    rf"(?P<unspaced>[{UNSPACED}]+)|(?P<hangul>\p{{Hangul}}+)|"
    rf"{_LETTER}{_IN_WORD}*+(?:{_JOINER}{_LETTER}{_IN_WORD}*+)*+(?:\+\+|#(?!\w))?",
    regex.V1,
)
# Most texts hold only characters for which Python's own expressions, two to three times as quick,
# say the same: Latin, Greek, Cyrillic and Armenian letters without combining marks.
_USUAL = re.compile(
    "[\x00-\u00b1\u00b4-\u00b8\u00ba\u00bb\u00bf-\u02ff\u0370-\u0482\u048a-\u0557\u0559-\u0588"
    "\u2010-\u2027\u2030-\u203e]*"
)
_USUAL_PIECE = re.compile(rf"[^\W_]+(?:{_JOINER}[^\W_]+)*(?:\+\+|#(?!\w))?")
_SENTENCE_STOPS = frozenset(".!?:;…\n\r\t|•*#>。！？।")
_OPENING = frozenset(" \"'“„«»([{¿¡‹‚‘-–—")
_ABBREVIATION = 3
# Longer runs are no words that anybody looks for; an index limits the length of its terms.
_LONGEST = 64
_FEW_PIECES = 3


def stem_term(language: str, stem: str) -> str:
    """Return the index term of a stem in passages of a language: ``de:pump``."""
    return f"{language}:{stem}"


def neutral_term(language: str, surface: str) -> str:
    """Return the index term of a language-neutral word in passages of a language: ``de=x200``."""
    return f"{language}={surface}"


def numbers_among(terms: Iterable[str]) -> list[str]:
    """Return the numbers and codes among a passage's terms: a translation holds the same.

    Those below ten are left out: each language writes other ones of them in words.

    >>> numbers_among(lexical_terms("Pump X-200 of Acme, 3 seals", "en"))
    ['x200', '200']
    """
    words = [term.partition("=")[2] for term in terms if "=" in term]
    return [word for word in words if len(word) > 1 and any(map(str.isdigit, word))]


def lexical_terms(text: str, language: str) -> list[str]:
    """Return the terms that an index stores for a passage, repeated as often as they occur.

    Beside what ``analyse`` gives, a passage stores what its words become when they are typed
    otherwise, so that a question needs to know nothing of it: stems of words without their
    marks (``vi:giay`` for "giấy"), and sounds (``en~km`` for a name).

    >>> lexical_terms("The pumps of Acme", "en")
    ['en:pump', 'en:acm', 'en=acme', 'en~km']
    >>> lexical_terms("giấy", "vi"), lexical_terms("पानी", "hi")
    (['vi:giấy', 'vi:giay'], ['hi:पान', 'hi~pn'])
    """
    terms: list[str] = []
    tokens = analyse(text, language)
    for token in tokens:
        terms.extend(_terms(token, language))
    if not text.isascii():
        sounds = katakana_sounds(tidied(text))
        sounds += joined_sounds([token.surface for token in tokens], language)
        terms.extend(sound_term(language, key) for key in sounds)
    return terms


def analyse(text: str, language: str) -> list[Token]:
    """Return the tokens of a text that is in ``language`` (BCP-47; ``und``: no stems).

    A code gives itself without its joiners, then its parts; a run of a script without blanks
    gives pairs of characters or dictionary words. What numbers it writes in characters (三十) or
    as one word (thirty) come at the end, in digits. Nothing depends on what was analysed before,
    and any number of threads may call this at once.

    >>> [token.stem for token in analyse("Die Pumpen laufen", "de")]
    ['die', 'pump', 'lauf']
    >>> [token.surface for token in analyse("Error X-200/B: ١٢٫٥ bar", "en") if token.neutral]
    ['x200b', '200', '12.5']
    """
    text = tidied(text)
    script = home_script(language) or main_script(text)
    tokens: list[Token] = []
    names = _Names()
    pieces = 0
    any_unspaced = False
    divider = _USUAL_PIECE if _USUAL.fullmatch(text) else _PIECE
    for match in divider.finditer(text):
        pieces += 1
        kind = match.lastgroup
        if kind is not None:
            run = match.group()
            any_unspaced = any_unspaced or kind == "unspaced"
            parts = unspaced_words(run) if kind == "unspaced" else pairs(run)
            tokens.extend(map(_unspaced_token, parts))
            continue
        start = match.start()
        piece = match.group()
        words = (_word(piece, language),) if piece.isalpha() else _words(piece, language)
        for word in words:
            if word.script != script:
                tokens.append(word.named)  # a Latin word in Chinese, a Greek one in English
                continue
            if word.shape:
                names.consider(word, len(tokens), text, start, match.end())
            tokens.append(word.plain)
    numbers = numbers_in([token.surface for token in tokens], language)
    tokens.extend(_code(number).plain for number in numbers)
    if any_unspaced:
        tokens.extend(_code(number).plain for number in han_numbers(text))
    few = pieces <= _FEW_PIECES
    if few and language == UNDETERMINED:
        return [replace(token, neutral=True) for token in tokens]
    for index, token in names.settled(few, pieces):
        tokens[index] = token
    return tokens


class _Names:
    """Finds out which capitalised words of a text are names.

    A capital inside a sentence marks a name. At the beginning of a sentence it does so only if
    the same word has one inside another sentence, if a capitalised word follows, or if the text
    is too short for a sentence. Capitals throughout mark an abbreviation, unless most of the
    text is in capitals.
    """

    def __init__(self) -> None:
        self._sure: dict[int, Token] = {}
        self._first: dict[int, Token] = {}
        self._capitals: dict[int, Token] = {}
        self._last: tuple[int, int] | None = None  # token and end of the last first word

    def consider(self, word: _Word, index: int, text: str, start: int, end: int) -> None:
        """Take note of a capitalised word, the token ``index`` at ``text[start:end]``."""
        if word.shape == "caps":
            self._capitals[index] = word.named
        elif word.plain.stop:
            return
        elif _begins_sentence(text, start):
            self._first[index] = word.named
            self._last = (index, end)
            return
        else:
            self._sure[index] = word.named
        if self._last is not None and self._last[1] + 1 == start:
            self._sure[self._last[0]] = self._first[self._last[0]]

    def settled(self, few: bool, pieces: int) -> Iterator[tuple[int, Token]]:
        """Yield the names with their places; ``few`` and ``pieces`` say how long the text is."""
        yield from self._sure.items()
        if few or 2 * len(self._capitals) <= pieces:
            yield from self._capitals.items()
        known = {token.surface for token in self._sure.values()}
        for index, token in self._first.items():
            if few or token.surface in known:
                yield index, token


def _begins_sentence(text: str, start: int) -> bool:
    index = start - 1
    while index >= 0 and text[index] in _OPENING:
        index -= 1
    if index < 0:
        return True
    if text[index] != ".":
        return text[index] in _SENTENCE_STOPS
    letters = index
    while letters > 0 and text[letters - 1].isalpha():
        letters -= 1
    abbreviated = 0 < index - letters <= _ABBREVIATION and text[letters].isupper()
    return not abbreviated  # "Dr. Weiss" does not begin a sentence with Weiss


# A service that reads new texts fills every cache of words in the end, and each word takes about
# 1.3 kB in all of them: 55 MB for 40,000. A word that is not there costs 45 µs, the embedding of
# its passage milliseconds.
@lru_cache(maxsize=40_000)
def _terms(token: Token, language: str) -> tuple[str, ...]:
    terms = [] if token.stop else [stem_term(language, token.stem)]
    if token.neutral:
        terms.append(neutral_term(language, token.surface))
    if not token.stop and token.surface[0].isalpha():
        plain = plain_stems(token.surface, token.stem, language)
        terms.extend(stem_term(language, stem) for stem in plain)
        sounds = passage_sounds(token.surface, language, named=token.neutral)
        terms.extend(sound_term(language, key) for key in sounds)
    return tuple(terms)


@lru_cache(maxsize=40_000)
def _unspaced_token(part: str) -> Token:
    """Return a pair or dictionary word; stop words are words, which most of these are not."""
    surface = folded(part[:_LONGEST])
    return Token(surface, surface, neutral=False, stop=False)


@lru_cache(maxsize=30_000)
def _words(piece: str, language: str) -> tuple[_Word, ...]:
    """Divide a piece into its words; a code comes first as a whole, then in parts."""
    return tuple(
        _code(part.text) if part.is_code else _word(part.text, language)
        for part in divided(piece, language)
    )


@lru_cache(maxsize=40_000)
def _word(word: str, language: str) -> _Word:
    word = word[:_LONGEST]
    surface = folded(word)
    stem = stem_of(word, language)
    stop = is_stop_word(surface, language)
    plain = Token(surface, stem, neutral=False, stop=stop)
    named = Token(surface, stem, neutral=True, stop=stop)
    shape = _shape(word)
    if shape == "mixed":
        return _Word(named, named, "", script_of(word[0]))
    return _Word(plain, named, shape, script_of(word[0]))


def _shape(word: str) -> str:
    if len(word) == 1 or word.islower() or not word[0].isalpha():
        return ""
    if word.isupper():
        return "caps"
    rest = word[1:]
    if not any(map(str.isupper, rest)):
        return "title" if word[0].isupper() else ""
    return "mixed"  # iPhone, GmbH, McArthur


def _code(code: str) -> _Word:
    surface = folded(code[:_LONGEST])
    token = Token(surface, surface, neutral=True, stop=False)
    return _Word(token, token, "", "")
