"""Text as a reader sees it: line ends made one, controls and invisible smuggling removed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["clean", "join_all", "join_lines", "one_line", "tidy"]

_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LINE_BREAK_SIGNS = frozenset("\r\x0b\x0c\x85\u2028\u2029")

# Controls but tab and newline; soft hyphens (they split words that belong together); directional
# embeddings, overrides and isolates (they reorder what is shown, never what is said); byte order
# marks; noncharacters; the tag characters in which text can be hidden from a reader. Joiners and
# zero-width spaces stay: Persian, the scripts of India, Khmer and Thai are written with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]+"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"[^\S\n]+")
_AROUND_BREAK = re.compile(r" ?\n ?")
_MANY_BREAKS = re.compile(r"\n{3,}")

_HANGUL = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")
# Scripts that set no blank between words: Thai to Lao, Tibetan, Burmese, Khmer, and from the CJK
# radicals over kana and ideographs to full-width forms.
_UNSPACED = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua000-\ua4cf\uf900-\ufaff"
    r"\uff00-\uffef\U00020000-\U0003ffff]"
)


def clean(text: str) -> str:
    r"""Make line ends ``\n`` and drop what no reader sees.

    >>> clean("one\r\ntwo\x00\u202e\x85three")
    'one\ntwo\nthree'
    """
    if text.isprintable():  # most texts hold nothing to remove
        return text
    signs = set(text)  # the fastest way to know of the others
    if not signs.isdisjoint(_LINE_BREAK_SIGNS):
        text = _LINE_BREAKS.sub("\n", text)
    unusual = "".join(signs)
    if _INVISIBLE.search(unusual):
        text = _INVISIBLE.sub("", text)
    return _LONE_SURROGATE.sub("\ufffd", text) if _LONE_SURROGATE.search(unusual) else text


def tidy(text: str) -> str:
    r"""Clean, make each run of blanks one, and leave no blank at a line's ends.

    >>> tidy("  a \t b \r\n\n\n\n c ")
    'a b\n\nc'
    """
    if text.isprintable():  # its only blanks are spaces
        return " ".join(text.split())
    text = _AROUND_BREAK.sub("\n", _BLANKS.sub(" ", clean(text)))
    return _MANY_BREAKS.sub("\n\n", text).strip()


def one_line(text: str, limit: int = 300) -> str:
    r"""Put a title or heading on one line of at most ``limit`` characters.

    >>> one_line(" The\n  pump ")
    'The pump'
    """
    return " ".join(clean(text[: limit * 10]).split())[:limit].rstrip()


def join_lines(first: str, second: str) -> str:
    """Join two lines of one sentence, with a blank only where the script sets one.

    >>> join_lines("ポンプは", "動きます。"), join_lines("펌프가", "돈다")
    ('ポンプは動きます。', '펌프가 돈다')
    """
    return join_all((first, second))


def join_all(lines: Iterable[str]) -> str:
    """Join many lines of one paragraph as ``join_lines`` does; empty ones do not count."""
    pieces: list[str] = []
    for line in lines:
        if line and pieces:
            pieces.append("" if _unspaced(pieces[-1][-1]) and _unspaced(line[0]) else " ")
        if line:
            pieces.append(line)
    return "".join(pieces)


def _unspaced(character: str) -> bool:
    if _HANGUL.match(character):
        return False
    return bool(_UNSPACED.match(character)) or unicodedata.east_asian_width(character) == "W"
