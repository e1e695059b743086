"""Where sentences end, in every script.

Unicode's own rules (UAX #29, as ICU applies them) with what they do not know: lines that were
only wrapped, abbreviations and ordinals before a stop, Tibetan and Khmer stops, and the blanks
that divide Thai and Lao text, which has no stops.
"""

from __future__ import annotations

import re

from icu4py.breakers import SentenceBreaker

__all__ = ["sentences"]

# A line of at least this many characters that is followed by an ordinary line was only wrapped.
_WRAPPED = 40
_LINE_END = re.compile(r"\n")
_BULLET = re.compile(r"[ \t]*(?:[-*+•‣◦▪–—#|>]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])(?:\s|$)")

_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'«„“])(?:"
    # a single initial (but "I" and "a" may end a sentence)
    r"[B-HJ-ZА-ЯЁΑ-Ω]"
    r"|(?i:abs|abb|al|approx|art|av|bd|bzw|c\.?\s?-?à-?d|ca|cap|cf|dept|dr|dra|e\.g|ed|etc|ev|fig|fr|gen|"
    r"geb|ggf|hr|i\.e|inkl|jr|max|mgr|min|mr|mrs|ms|mt|nr|no|núm|num|p|pp|pag|prof|s|sec|sen|"
    r"sig|sr|sra|st|str|tel|u\.a|usw|vgl|vol|vs|z\.\s?b|zzgl|г|гг|др|им|напр|см|стр|т\.\s?д|т\.\s?е|ул)"
    r"|\d{1,2}"
    r")\.\s*$"
)
_EXTRA_STOP = re.compile(r"(?<=[།༎༏༐༑។៕॥])\s+")
_THAI = re.compile(r"[\u0E00-\u0EFF]")
_BLANKS = re.compile(r"\s+")
_THAI_LENGTH = 80
"""Thai and Lao text is divided at the first blank after this many characters."""


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as ``(start, end)`` character offsets, in order.

    Blanks around a sentence belong to none; every other character belongs to exactly one.

    >>> text = "Dr. Weiß kam am 3. Mai. यह पंप है। वह नहीं है। 你好。再见！"
    >>> [text[start:end] for start, end in sentences(text)]
    ['Dr. Weiß kam am 3. Mai.', 'यह पंप है।', 'वह नहीं है।', '你好。', '再见！']
    """
    if not text.strip():
        return []
    unwrapped = _unwrap(text)
    pieces: list[tuple[int, int]] = []
    start = 0
    # ICU counts UTF-16 units, so the offsets are taken from the pieces themselves.
    for piece in SentenceBreaker(unwrapped, "en"):
        end = start + len(piece)
        if (
            pieces
            and "\n" not in unwrapped[pieces[-1][0] : start]
            and _ABBREVIATION.search(unwrapped, pieces[-1][0], start)
        ):
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
        start = end
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        for begin, stop in _divided(text, start, end):
            inside = text[begin:stop]
            stripped = inside.strip()
            if stripped:
                first = begin + len(inside) - len(inside.lstrip())
                found.append((first, first + len(stripped)))
    return found


def _unwrap(text: str) -> str:
    """Put a blank in the place of each line end that only wraps a sentence; same length."""
    if "\n" not in text:
        return text
    characters = list(text)
    line_start = 0
    for match in _LINE_END.finditer(text):
        position = match.start()
        following = text.find("\n", position + 1)
        next_line = text[position + 1 : following if following >= 0 else len(text)]
        if (
            position - line_start >= _WRAPPED
            and next_line.strip()
            and not _BULLET.match(next_line)
            and not _BULLET.match(text[line_start:position])
        ):
            characters[position] = " "
        line_start = position + 1
    return "".join(characters)


def _divided(text: str, start: int, end: int) -> list[tuple[int, int]]:
    parts: list[tuple[int, int]] = []
    begin = start
    for match in _EXTRA_STOP.finditer(text, start, end):
        parts.append((begin, match.start()))
        begin = match.end()
    parts.append((begin, end))
    return [piece for part in parts for piece in _divided_thai(text, *part)]


def _divided_thai(text: str, start: int, end: int) -> list[tuple[int, int]]:
    if end - start <= _THAI_LENGTH or not _THAI.search(text, start, end):
        return [(start, end)]
    parts = []
    begin = start
    for match in _BLANKS.finditer(text, start, end):
        thai_around = _THAI.match(text, match.start() - 1) and _THAI.match(text, match.end())
        if match.start() - begin >= _THAI_LENGTH and thai_around:
            parts.append((begin, match.start()))
            begin = match.end()
    parts.append((begin, end))
    return parts
