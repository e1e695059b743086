"""Reading order from the order on the page: the Unicode bidirectional algorithm, backwards.

A page shows characters from left to right, whatever was typed first. The algorithm (Unicode
Standard Annex 9, "Unicode Bidirectional Algorithm", rules W1 to W7 and N0 to N2) tells how typed
text comes to stand; here its rules are asked which typed text would stand like that. Where several
would, the likelier one is taken: of a Latin word and a number beside it the word comes first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Ordered", "is_right_to_left", "mirrored", "reading_order"]

_RIGHT = frozenset({"R", "AL"})
_DIGITS = frozenset({"EN", "AN"})
_NUMERIC = _DIGITS | {"ET"}
# Where letters that are read from the right have their places.
_SCRIPTS = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]+"
)
_CLOSING = dict(zip("([{«‹⟨⟦⟪", ")]}»›⟩⟧⟫", strict=True))
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_MIRRORED = {**_CLOSING, **_OPENING, "<": ">", ">": "<", "≤": "≥", "≥": "≤"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """Places in the order of reading; ``right_to_left`` tells for each how it runs."""

    places: tuple[int, ...]
    right_to_left: tuple[bool, ...]


def is_right_to_left(text: str) -> bool:
    """Tell whether a text has a letter that is read from the right.

    >>> is_right_to_left("12 שלום"), is_right_to_left("12 a")
    (True, False)
    """
    if text.isascii():
        return False
    found = _SCRIPTS.findall(text)
    return any(unicodedata.bidirectional(each) in _RIGHT for run in found for each in run)


def mirrored(character: str) -> str:
    """Return the bracket or the quote that looks like this one in a mirror, else itself.

    >>> mirrored("("), mirrored("»"), mirrored("a")
    (')', '«', 'a')
    """
    return _MIRRORED.get(character, character)


def reading_order(visual: Sequence[str], *, right_to_left: bool) -> Ordered:
    """Return how characters that stand from left to right are read.

    ``visual`` has one string a place: a character, or one with its marks, of which the first
    counts. ``right_to_left`` is the direction of the paragraph.

    >>> shown = list("Excel 4.2 הנכות")
    >>> "".join(shown[n] for n in reading_order(shown, right_to_left=True).places)
    'תוכנה Excel 4.2'
    """
    kinds = [unicodedata.bidirectional(each[0]) or "L" for each in visual]
    if right_to_left:
        return _from_the_right(visual, kinds, range(len(visual)))
    places: list[int] = []
    backwards: list[bool] = []
    start = 0
    while start < len(visual):
        stop = _run_of_right(kinds, start) if kinds[start] in _RIGHT else start
        if stop > start:
            inner = _from_the_right(visual, kinds, range(start, stop))
            places += inner.places
            backwards += inner.right_to_left
            start = stop
        else:
            places.append(start)
            backwards.append(False)
            start += 1
    return Ordered(tuple(places), tuple(backwards))


def _run_of_right(kinds: Sequence[str], start: int) -> int:
    """Return where the run of letters read from the right ends that begins at ``start``."""
    last = start
    for place in range(start, len(kinds)):
        if kinds[place] == "L":
            break
        if kinds[place] in _RIGHT:
            last = place
    return last + 1


def _from_the_right(visual: Sequence[str], kinds: Sequence[str], span: range) -> Ordered:
    """Read a span of places from its right end; words and numbers of the left as they stand."""
    places: list[int] = []
    backwards: list[bool] = []
    place = span.stop - 1
    while place >= span.start:
        first = _start_of_left(visual, kinds, span, place)
        if first is None:
            first = _start_of_number(visual, kinds, span, place)
        if first is None:
            places.append(place)
            backwards.append(True)
            place -= 1
        else:
            places += range(first, place + 1)
            backwards += [False] * (place + 1 - first)
            place = first - 1
    return Ordered(tuple(places), tuple(backwards))


def _start_of_left(
    visual: Sequence[str], kinds: Sequence[str], span: range, end: int
) -> int | None:
    """Return where the run of the left begins that ends at ``end``, or None where none does."""
    number = kinds[end] == "EN"
    if not number and kinds[end] != "L" and not _closes(visual, kinds, span.start, end):
        return None
    if number and end + 1 < span.stop and kinds[end + 1] in {"ET", "ES", "CS"}:
        return None  # the sign before a number: it is no part of a name
    first, letters = end, not number
    for place in range(end - 1, span.start - 1, -1):
        kind = kinds[place]
        if kind in _RIGHT or kind == "AN":
            break
        if kind == "L" and (letters or not _apart(visual, kinds, place, end)):
            first, letters = place, True
        elif kind == "L":
            break
        elif kind == "EN" and (first - place == 1 or not _bracketed(visual, place, first)):
            first = place
    if not letters:
        return None
    inside = "".join(visual[first : end + 1])
    if first > span.start and inside.count(")") > inside.count("(") and visual[first - 1] == "(":
        first -= 1
    return first


def _bracketed(visual: Sequence[str], one: int, other: int) -> bool:
    """Tell whether a bracket or a quote stands between two places."""
    return any(each in _MIRRORED for each in visual[one + 1 : other])


def _closes(visual: Sequence[str], kinds: Sequence[str], lowest: int, end: int) -> bool:
    """Tell whether a bracket at ``end`` closes one that stands between letters of the left."""
    opening = _OPENING.get(visual[end])
    if opening is None:
        return False
    depth = 0
    for place in range(end, lowest - 1, -1):
        if kinds[place] in _RIGHT:
            return False
        depth += (visual[place] == visual[end]) - (visual[place] == opening)
        if not depth:
            before = next((k for k in reversed(kinds[lowest:place]) if k not in {"WS", "ON"}), "")
            inside = "L" in kinds[place:end]
            return before == "L" and inside
    return False


def _apart(visual: Sequence[str], kinds: Sequence[str], word: int, end: int) -> bool:
    """Tell whether the number to the right of a word is read before it, not after.

    So it is with a bracket between them, or a sign behind the number and a blank behind the sign:
    there its part of the sentence ends.
    """
    first = end
    while first - 1 > word and kinds[first - 1] in {"EN", "CS", "ES", "ET"}:
        first -= 1
    signed = kinds[first] != "EN" and first - 1 > word and visual[first - 1].isspace()
    return signed or _bracketed(visual, word, end)


def _start_of_number(
    visual: Sequence[str], kinds: Sequence[str], span: range, end: int
) -> int | None:
    """Return where the number begins that ends at ``end``, or None where none does."""
    if kinds[end] not in _NUMERIC:
        return None
    arabic = _after_arabic(kinds, span.stop, end)
    joined = {"CS"} if arabic else {"CS", "ES"}

    def digit(place: int) -> bool:
        return span.start <= place < span.stop and kinds[place] in _DIGITS

    def terminator(place: int) -> bool:
        return span.start <= place < span.stop and kinds[place] == "ET" and not arabic

    first = end
    if terminator(end):
        while terminator(first):
            first -= 1
        if not digit(first):
            return None
    elif not digit(end):
        return None
    while digit(first - 1) or (
        span.start <= first - 1 and kinds[first - 1] in joined and digit(first - 2)
    ):
        first -= 1
    while terminator(first - 1):
        first -= 1
    return first


def _after_arabic(kinds: Sequence[str], stop: int, end: int) -> bool:
    """Tell whether the last letter read before a place is an Arabic one, or the digit is."""
    if kinds[end] == "AN":
        return True
    before = (kind for kind in kinds[end + 1 : stop] if kind in {"L", "R", "AL"})
    return next(before, "") == "AL"
