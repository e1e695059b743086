"""Where sentences end, in every script.

Unicode's own rules (UAX #29, as ICU applies them), and what they do not know: lines that were
only wrapped, items and headings, abbreviations and ordinals before a stop, the Tibetan shad, the
Greek question mark, and the blanks that divide Thai and Lao, which have no stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from icu4py.breakers import SentenceBreaker

from rag_engine.records import UNDETERMINED
from rag_engine.text.abbreviations import (
    AFTER_NUMBER,
    CLOSING,
    OF_LANGUAGE,
    ORDINAL_LANGUAGES,
    SHARED,
)
from rag_engine.text.codes import normalise_language
from rag_engine.text.lines import unwrapped

__all__ = ["sentences", "trim"]

# These are words as well, unless they are written with a capital.
_CAPITALISED = frozenset({"Abt", "Art", "Ch", "Mar", "Max", "Nos", "No", "Sec", "Eq", "М", "Р"})
# Digits of an ordinal; in Hungarian a year is one (2024. március).
_ORDINAL_DIGITS, _ORDINAL_DIGITS_HU = 2, 4
_LAST_WORDS = 60
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
# The end of what has several parts, with or without blanks: z. B., i. V. m., т. е., p. ex.
_CHAIN = re.compile(
    r"(?<![^\W_])(?:(?:[^\W\d_]\. ?)+[^\W\d_]|(?:[a-zß-ÿα-ωа-яё]{1,3}\. ?)+[a-zß-ÿα-ωа-яё]{1,2})$"
)
_CHAIN_LENGTH = 16
_PART = re.compile(r"\s*[^\W\d_]{1,3}\.")
_INNER = re.compile(r"[-.'’]")
_HEBREW_PREFIXES = frozenset("בהוכלמש")
# A letter that may stand for a word; those of syllabic scripts are words.
_LETTER = re.compile(r"[a-z\u00df-\u024f\u0370-\u058f\u05d0-\u06ff]", re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d.,  ]*\s*$")
_BEFORE_WORD = "\"'“„«‚‘([{¿¡"
_OPENERS = frozenset("“‘「『《〈（([{【")
_SPOKEN = re.compile(r"[^\W_]")
_CLOSERS = frozenset('」』”’"')
# What goes on after a quotation that ends with a stop: particles of quoting in Japanese and
# Korean, who says it in Chinese.
_GOES_ON = re.compile(
    r"[とっ](?=[\u3040-\u30ff\u4e00-\u9fff、])|など|なんて"
    r"|(?:이?라고|이?라는|이?라며|하고|하며|고|며)(?=[\s가-힣])"
    r"|[\u4e00-\u9fff]{0,4}(?:说|说道|问道?|喊道?|答道|回答)[，。：,.！？]?"
)
_SAYS_ZH = re.compile(r"[\u4e00-\u9fff]{0,4}(?:說道?|問道?|答道|喊道?|叫道)")

_OTHER_STOP = re.compile(
    r"[།-༒༔](?:\s*[།-༒༔])*\s*"  # Tibetan
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff])[;\u037e]\s+(?=[«\"“(]?[\u0386-\u03ab])"  # Greek
)
_THAI_BLANK = re.compile(r"(?<=[\u0e00-\u0eff])[ \u00a0]+(?=[\u0e00-\u0eff])")
# Blanks stand between Thai clauses too; so much, at least, is a sentence.
_SHORTEST_THAI = 40


def sentences(text: str, language: str = "") -> list[tuple[int, int]]:
    """Return the sentences of a text as ``(start, end)`` character offsets, in order.

    ``language`` (BCP-47; "" or ``und`` where nothing tells it) is what most of the text is in: its
    abbreviations, and whether it writes ordinals with a stop. White space around a sentence
    belongs to none; every other character belongs to exactly one.

    >>> text = "Dr. Weiß kam am 3. Mai. यह पंप है। वह नहीं है। 你好。再见！"
    >>> [text[start:end] for start, end in sentences(text)]
    ['Dr. Weiß kam am 3. Mai.', 'यह पंप है।', 'वह नहीं है।', '你好。', '再见！']
    >>> text = "Wir verkaufen Brot, Milch usw. Heute gilt § 5 i. V. m. Anlage 2."
    >>> [text[start:end] for start, end in sentences(text, "de")]
    ['Wir verkaufen Brot, Milch usw.', 'Heute gilt § 5 i. V. m. Anlage 2.']
    """
    known = normalise_language(language)
    primary = "" if known == UNDETERMINED else known
    flat = unwrapped(text)
    ranges: list[tuple[int, int]] = []
    for start, end in _joined(flat, _boundaries(flat), primary):
        for first, last in _divided(flat, start, end):
            trimmed = trim(flat, first, last)
            if trimmed:
                ranges.append(trimmed)
    return ranges


def trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return a stretch without the white space at its ends; None if nothing is left.

    >>> trim("a  b ", 1, 5), trim("a  b ", 1, 3)
    ((3, 4), None)
    """
    stretch = text[start:end]
    stripped = stretch.strip()
    if not stripped:
        return None
    start += len(stretch) - len(stretch.lstrip())
    return start, start + len(stripped)


def _boundaries(flat: str) -> Iterator[int]:
    """Yield where ICU ends a sentence.

    Its offsets count UTF-16 units, so they are taken from the lengths of its pieces.
    """
    end = 0
    for piece in SentenceBreaker(flat, "en") if flat else ():
        end += len(piece)
        # A quotation mark after a stop may open what follows: 真的吗？“是的。”
        opens = len(piece) > 1 and piece[-1] in _OPENERS and end < len(flat)
        yield end - 1 if opens else end


def _joined(flat: str, boundaries: Iterator[int], language: str) -> Iterator[tuple[int, int]]:
    """Yield stretches of whole sentences, without the ends that are none."""
    start = previous = 0
    for end in boundaries:
        if previous > start and not _is_end(flat, start, previous, end, language):
            previous = end
            continue
        if previous > start:
            yield start, previous
        start, previous = previous, end
    if previous > start:
        yield start, previous


def _is_end(flat: str, start: int, end: int, following: int, language: str) -> bool:
    """Tell whether the sentence from ``start`` ends at ``end``; the next piece is known too."""
    last = flat[end - 1]
    if last == "\n":
        return True
    spoken = _SPOKEN.search(flat, end, following)
    if not spoken and "\n" not in flat[end:following]:
        return False  # closing marks belong to what they close
    if last in _CLOSERS and (
        _GOES_ON.match(flat, end) or (language == "zh" and _SAYS_ZH.match(flat, end))
    ):
        return False
    sentence = flat[max(start, end - _LAST_WORDS) : end].rstrip()
    if not sentence.endswith("."):
        return True
    if not sentence[-3:-2].isalnum() and _LETTER.match(sentence[-2:]) and _PART.match(flat, end):
        return sentence[-2] == "I"  # i. V. m.
    return _is_full_stop(sentence[:-1], spoken.group() if spoken else "", language)


def _is_full_stop(before: str, following: str, language: str) -> bool:
    """Tell whether a stop ends what is ``before`` it, if ``following`` is the next letter."""
    word = (before.rsplit(None, 1) or [""])[-1].lstrip(_BEFORE_WORD)
    if word.isdigit():
        return _ends_with_number(before, word, language)
    small = word.lower()
    tail = before[-_CHAIN_LENGTH:]
    chain = _CHAIN.search(tail) if "." in tail else None
    dotted = chain.group().replace(" ", "").lower() if chain else small
    counted = small in AFTER_NUMBER and _NUMBER.search(before[: -len(word)])
    if counted or small in CLOSING or dotted in CLOSING:
        # Before a small letter, a digit or a mark the sentence goes on: usw. 5
        return following.isalpha() and not following.islower()
    if chain or word in _CAPITALISED or _is_abbreviation(small, language):
        return False
    if len(word) > 1 and "." not in word:
        return True
    if len(word) == 1 and _LETTER.fullmatch(word):  # J. Smith; s. 4
        return word == "I" or not (word.isupper() or not following.isalpha())
    return not _DOTTED.fullmatch(word)  # U.S., т.е.


def _is_abbreviation(word: str, language: str) -> bool:
    its_own = OF_LANGUAGE.get(language, frozenset())
    if word in SHARED or word in its_own:
        return True
    if not word.isalpha():
        *inner, last = _INNER.split(word)  # Dipl.-Ing., l'avv.
        if inner and (last in SHARED or last in its_own):
            return True
    return language == "he" and word[:1] in _HEBREW_PREFIXES and word[1:] in its_own


def _ends_with_number(before: str, word: str, language: str) -> bool:
    if before.strip(_BEFORE_WORD) == word:  # 1. Open the valve
        return False
    digits = _ORDINAL_DIGITS_HU if language == "hu" else _ORDINAL_DIGITS
    ordinals = not language or language in ORDINAL_LANGUAGES  # am 3. Mai
    return not (ordinals and len(word) <= digits)


def _divided(flat: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a stretch that other stops, or Thai blanks, divide."""
    for match in _OTHER_STOP.finditer(flat, start, end):
        yield start, match.end()
        start = match.end()
    if end - start > _SHORTEST_THAI:
        for match in _THAI_BLANK.finditer(flat, start, end):
            if match.start() - start >= _SHORTEST_THAI:
                yield start, match.end()
                start = match.end()
    yield start, end
