"""Lines of a PDF that are read from the right, put together from where their glyphs stand.

A PDF has no words, and no order but that in which a program drew its glyphs. PDFium guesses the
order of Hebrew and Arabic run by run, and now and then reverses a word, or breaks a line at a mark.
So lines with such letters are read anew: what stands at one height, from left to right by the pen,
blanks from the gaps between, then the order of reading (``bidi_order``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise, product

from rag_engine.connectors.loaders.parsing.bidi_order import mirrored, reading_order
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph

__all__ = ["go_on", "read_line"]

_WORD_GAP = 0.08
"""Of the em: so wide a gap with a blank in it is one between words."""
_WIDE_GAP = 0.15
"""So wide a gap is one without any blank."""
_ON_ONE_LINE = 1.5
"""Of the em: parts of a line stand no further apart than that; cells of a table may."""
_ADVANCE = 0.05
"""So far at least a blank that is drawn by itself moves the pen."""
_OVERLAP = 0.5
_RECENT = 4
"""So many glyphs before one may reach to it: in Nastaliq type letters stand above each other."""
_MOST_TURNED = 8
"""Brackets of a line that are turned one by one."""
_BRACKETS = {")": "(", "]": "[", "}": "{", "»": "«", "›": "‹"}


def go_on(line: Sequence[Glyph], part: Sequence[Glyph]) -> bool:
    """Tell whether a part that PDFium broke off goes on with a line: at its height, beside it."""
    a, b = _box(line), _box(part)
    shared = min(a[3], b[3]) - max(a[1], b[1])
    em = max(each.em for each in line)
    beside = max(a[0], b[0]) - min(a[2], b[2])
    return shared > _OVERLAP * min(a[3] - a[1], b[3] - b[1]) and -em < beside < _ON_ONE_LINE * em


def _box(glyphs: Sequence[Glyph]) -> tuple[float, float, float, float]:
    return (
        min(each.left for each in glyphs),
        min(each.bottom for each in glyphs),
        max(each.right for each in glyphs),
        max(each.top for each in glyphs),
    )


def read_line(glyphs: Sequence[Glyph], *, right_to_left: bool) -> str:
    """Return a line's text in the order of reading; ``right_to_left`` is its paragraph's direction.

    >>> box = {"base": 0, "bottom": 0, "top": 2, "em": 2}
    >>> line = [Glyph(text=s, pen=x, left=x, right=x + 1, **box) for x, s in enumerate("2b ג1")]
    >>> read_line([line[1], line[0], *line[3:]], right_to_left=True)
    '1ג 2b'
    """
    signs = _left_to_right(glyphs)
    order = reading_order(signs, right_to_left=right_to_left)
    turned = list(zip(order.places, order.right_to_left, strict=True))
    plain = "".join(signs[place] for place, _ in turned)
    flipped = "".join(mirrored(signs[place]) if back else signs[place] for place, back in turned)
    return _paired(flipped if _well_bracketed(flipped) > _well_bracketed(plain) else plain)


def _left_to_right(glyphs: Sequence[Glyph]) -> list[str]:
    """Return what stands on a line from left to right, with blanks."""
    blanks = sorted(each.pen for each in glyphs if each.is_blank)
    alone = sorted(each.pen for each in glyphs if each.is_blank and each.alone)
    shown = sorted(
        (each for each in glyphs if not each.is_blank), key=lambda each: (each.pen, each.middle)
    )
    signs: list[str] = []
    for number, (before, after) in enumerate(pairwise(shown), start=1):
        signs.append(before.text)
        reach = max(each.right for each in shown[max(0, number - _RECENT) : number])
        gap = (after.start - reach) / max(before.em, after.em)
        marked = _next(blanks, before.pen) < after.pen
        # One without a width, such as a joiner, moves no letter.
        sure = _next(alone, before.pen) < after.pen - _ADVANCE * after.em
        if sure or gap > (_WORD_GAP if marked else _WIDE_GAP):
            signs.append(" ")
    return [*signs, *(each.text for each in shown[-1:])]


def _next(places: Sequence[float], place: float) -> float:
    """Return the first of places in order that is beyond another; infinity if none is."""
    number = bisect_right(places, place)
    return places[number] if number < len(places) else float("inf")


def _paired(text: str) -> str:
    """Turn brackets without a partner where more then stands as in writing.

    A program may have turned a bracket at one border of two directions, and not at the other. What
    opens and closes in one line is a pair (Unicode Standard Annex 9, BD16).

    >>> _paired("a )b c) d (e( f"), _paired("a) b) c")
    ('a (b c) d (e) f', 'a) b) c')
    """
    alone = _without_partner(text)
    if not alone or len(alone) > _MOST_TURNED:
        return text
    best, score = text, _well_bracketed(text)
    for turns in product((False, True), repeat=len(alone)):
        signs = list(text)
        for place, turn in zip(alone, turns, strict=True):
            signs[place] = mirrored(signs[place]) if turn else signs[place]
        tried = "".join(signs)
        if (reached := _well_bracketed(tried)) > score:
            best, score = tried, reached
    return best


def _without_partner(text: str) -> list[int]:
    """Return the places of brackets that none closes, or opens."""
    opened: list[int] = []
    alone: list[int] = []
    for place, sign in enumerate(text):
        if sign in _BRACKETS.values():
            opened.append(place)
        elif sign in _BRACKETS:
            if opened and text[opened[-1]] == _BRACKETS[sign]:
                opened.pop()
            else:
                alone.append(place)
    return sorted([*opened, *alone])


def _well_bracketed(text: str) -> int:
    """Return how far brackets and quotes stand as they do in writing.

    A pair counts, and one that opens behind a blank or closes before one.

    >>> _well_bracketed("a (b) c"), _well_bracketed("a )b( c"), _well_bracketed("a (b")
    (6, -4, 2)
    """
    padded = f" {text} "
    opened: list[str] = []
    score = 0
    for before, sign, after in zip(padded, padded[1:], padded[2:], strict=False):
        if sign in _BRACKETS.values():
            opened.append(sign)
            score += (1 if before.isspace() else -1) + (-1 if after.isspace() else 1)
        elif sign in _BRACKETS:
            score += (-1 if before.isspace() else 1) + (-1 if after.isalnum() else 1)
            if opened and opened[-1] == _BRACKETS[sign]:
                opened.pop()
                score += 2
    return score
