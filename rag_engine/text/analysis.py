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

import regex
from icu4py import icu_version_info

from rag_engine.records import UNDETERMINED
from rag_engine.text.folding import folded, lowered, tidied
from rag_engine.text.han_numerals import han_numbers
from rag_engine.text.number_words import numbers_in
from rag_engine.text.pieces import divided
from rag_engine.text.scripts import home_script, main_script, script_of
from rag_engine.text.sounds import joined_sounds, katakana_sounds, passage_sounds, sound_term
from rag_engine.text.stemming import has_stemmer, is_stop_word, plain_stems, stem_of
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


class _Read:
    """A token of a text in a language, and the terms of it, made when they are first asked for.

    ``typed`` tells whether the word may be typed otherwise than its ``surface`` is. Of what is kept
    for the next texts, two threads may make the terms at once: they are the same.
    """

    __slots__ = ("_language", "_terms", "_typed", "token")

    def __init__(self, token: Token, language: str, *, typed: bool = True) -> None:
        self.token = token
        self._language = language
        self._typed = typed
        self._terms: tuple[str, ...] | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """What a passage stores of it."""
        terms = self._terms
        if terms is None:
            terms = self._terms = _terms(self.token, self._language, typed=self._typed)
        return terms

    def named(self) -> _Read:
        """Return the same as the name of something."""
        return _Read(replace(self.token, neutral=True), self._language, typed=self._typed)


class _Word:
    """A token seen without its surroundings, which decide whether it is a name.

    ``shape`` says what its capitals tell: "title", "caps" or "".
    """

    __slots__ = ("_named", "plain", "script", "shape")

    def __init__(self, plain: _Read, shape: str, script: str) -> None:
        self.plain = plain
        self.shape = shape
        self.script = script
        self._named = plain if plain.token.neutral else None

    @property
    def named(self) -> _Read:
        """The word as a name."""
        named = self._named
        if named is None:
            named = self._named = self.plain.named()
        return named


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
# say the same: Latin, Greek, Cyrillic and Armenian letters without combining marks, and Vietnamese.
_USUAL = re.compile(
    "[\x00-\u00b1\u00b4-\u00b8\u00ba\u00bb\u00bf-\u02ff\u0370-\u0482\u048a-\u0557\u0559-\u0588"
    "\u1e00-\u1eff\u2010-\u2027\u2030-\u203e]*"
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
    words = _read(text, language)
    terms = [term for word in words for term in word.terms]
    if not text.isascii():
        sounds = katakana_sounds(tidied(text))
        sounds += joined_sounds([word.token.surface for word in words], language)
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
    return [word.token for word in _read(text, language)]


def _read(text: str, language: str) -> list[_Read]:
    """Return the tokens of a text, each with what a passage stores of it."""
    text = tidied(text)
    script = home_script(language) or main_script(text)
    tokens: list[_Read] = []
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
            tokens.extend([_unspaced_word(part, language) for part in parts])
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
    numbers = numbers_in([word.token.surface for word in tokens], language)
    tokens.extend(_code(number, language).plain for number in numbers)
    if any_unspaced:
        tokens.extend(_code(number, language).plain for number in han_numbers(text))
    few = pieces <= _FEW_PIECES
    if few and language == UNDETERMINED:
        return [word.named() for word in tokens]
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
        self._sure: dict[int, _Read] = {}
        self._first: dict[int, _Read] = {}
        self._capitals: dict[int, _Read] = {}
        self._last: tuple[int, int] | None = None  # token and end of the last first word

    def consider(self, word: _Word, index: int, text: str, start: int, end: int) -> None:
        """Take note of a capitalised word, the token ``index`` at ``text[start:end]``."""
        if word.shape == "caps":
            self._capitals[index] = word.named
        elif word.plain.token.stop:
            return
        elif _begins_sentence(text, start):
            self._first[index] = word.named
            self._last = (index, end)
            return
        else:
            self._sure[index] = word.named
        if self._last is not None and self._last[1] + 1 == start:
            self._sure[self._last[0]] = self._first[self._last[0]]

    def settled(self, few: bool, pieces: int) -> Iterator[tuple[int, _Read]]:
        """Yield the names with their places; ``few`` and ``pieces`` say how long the text is."""
        yield from self._sure.items()
        if few or 2 * len(self._capitals) <= pieces:
            yield from self._capitals.items()
        known = {word.token.surface for word in self._sure.values()}
        for index, word in self._first.items():
            if few or word.token.surface in known:
                yield index, word


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


def _terms(token: Token, language: str, *, typed: bool) -> tuple[str, ...]:
    terms = [] if token.stop else [stem_term(language, token.stem)]
    if token.neutral:
        terms.append(neutral_term(language, token.surface))
    if not token.stop and token.surface[0].isalpha():
        plain = plain_stems(token.surface, token.stem, language, typed=typed)
        terms.extend(stem_term(language, stem) for stem in plain)
        sounds = passage_sounds(token.surface, language, named=token.neutral)
        terms.extend(sound_term(language, key) for key in sounds)
    return tuple(terms)


# A service that reads new texts fills every cache of words in the end, and each word takes about
# 1 kB with its terms. A word that is not there costs some 30 µs, the embedding of its passage
# milliseconds.
@lru_cache(maxsize=40_000)
def _unspaced_word(part: str, language: str) -> _Read:
    """Return a pair or dictionary word; stop words are words, which most of these are not."""
    surface = folded(part[:_LONGEST])
    token = Token(surface, surface, neutral=False, stop=False)
    return _Read(token, language, typed=has_stemmer(language))


@lru_cache(maxsize=30_000)
def _words(piece: str, language: str) -> tuple[_Word, ...]:
    """Divide a piece into its words; a code comes first as a whole, then in parts."""
    return tuple(
        _code(part.text, language) if part.is_code else _word(part.text, language)
        for part in divided(piece, language)
    )


@lru_cache(maxsize=50_000)
def _word(word: str, language: str) -> _Word:
    word = word[:_LONGEST]
    surface = folded(word)
    stop = is_stop_word(surface, language)
    shape = _shape(word)
    mixed = shape == "mixed"
    token = Token(surface, stem_of(word, language), neutral=mixed, stop=stop)
    read = _Read(token, language, typed=surface != lowered(word, language))
    return _Word(read, "" if mixed else shape, script_of(word[0]))


def _shape(word: str) -> str:
    if len(word) == 1 or word.islower() or not word[0].isalpha():
        return ""
    if word.isupper():
        return "caps"
    rest = word[1:]
    if not any(map(str.isupper, rest)):
        return "title" if word[0].isupper() else ""
    return "mixed"  # iPhone, GmbH, McArthur


def _code(code: str, language: str) -> _Word:
    surface = folded(code[:_LONGEST])
    return _Word(_Read(Token(surface, surface, neutral=True, stop=False), language), "", "")
