"""Where sentences end, in every script.

Unicode's own rules (UAX #29, as ICU applies them), and what they do not know: lines that were
only wrapped, items and headings, abbreviations and ordinals before a stop, the Tibetan shad, the
Greek question mark, and the blanks that divide Thai and Lao, which have no stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from icu4py.breakers import SentenceBreaker

from rag_engine.text.lines import unwrapped

__all__ = ["sentences", "trim"]

_ABBREVIATIONS = frozenset(
    word
    for words in (
        # English, and what many languages share
        "approx capt cf co corp dept dr ed eds fig figs fr gen gov hon ing jr lt ltd mr mrs ms mt",
        "nr pp prof rep rev sen sgt sr st tel vol vs jan feb apr aug sep sept oct nov dec",
        # German and Dutch
        "abb abs bd bzw ca dipl evtl geb ggf hr inkl jh kap mio mrd str vgl zzgl bijv dhr mevr mw",
        # French, Spanish, Portuguese, Italian
        "av env mlle mme avda dña núm pág sra srta ud uds dra sig sigg dott pag",
        # Polish, Czech, Slovak, Hungarian, the Nordic languages, Turkish
        "godz np tj tzn tzw ul např tzv č kb pl ung sn bkz",
        # Russian, Ukrainian, Bulgarian, Greek
        "г гг им млн млрд напр рис руб см стр тыс ул проф κ κα",
    )
    for word in words.split()
)
# These are words as well, unless they are written with a capital.
_CAPITALISED = frozenset({"Abt", "Art", "Ch", "Mar", "Max", "Nos", "No", "Sec", "Eq", "М", "Р"})
_ORDINAL_DIGITS = 2
_LAST_WORD = 40
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_BEFORE_WORD = "\"'“„«‚‘([{¿¡"
_OPENERS = frozenset("“‘「『《〈（([{【")
_SPOKEN = re.compile(r"[^\W_]")

_OTHER_STOP = re.compile(
    r"[།-༒༔](?:\s*[།-༒༔])*\s*"  # Tibetan
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff])[;\u037e]\s+(?=[«\"“(]?[\u0386-\u03ab])"  # Greek
)
_THAI_BLANK = re.compile(r"(?<=[\u0e00-\u0eff])[ \u00a0]+(?=[\u0e00-\u0eff])")
# Blanks stand between Thai clauses too; so much, at least, is a sentence.
_SHORTEST_THAI = 40


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as ``(start, end)`` character offsets, in order.

    White space around a sentence belongs to none; every other character belongs to exactly one.

    >>> text = "Dr. Weiß kam am 3. Mai. यह पंप है। वह नहीं है। 你好。再见！"
    >>> [text[start:end] for start, end in sentences(text)]
    ['Dr. Weiß kam am 3. Mai.', 'यह पंप है।', 'वह नहीं है।', '你好。', '再见！']
    """
    flat = unwrapped(text)
    ranges: list[tuple[int, int]] = []
    for start, end in _joined(flat, _boundaries(flat)):
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


def _joined(flat: str, boundaries: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Yield stretches of whole sentences, without the ends that are none."""
    start = previous = 0
    for end in boundaries:
        if previous > start and not _is_end(flat, start, previous, end):
            previous = end
            continue
        if previous > start:
            yield start, previous
        start, previous = previous, end
    if previous > start:
        yield start, previous


def _is_end(flat: str, start: int, end: int, following: int) -> bool:
    """Tell whether the sentence from ``start`` ends at ``end``; the next piece is known too."""
    if flat[end - 1] == "\n":
        return True
    if not _SPOKEN.search(flat, end, following) and "\n" not in flat[end:following]:
        return False  # closing marks belong to what they close
    sentence = flat[max(start, end - _LAST_WORD) : end].rstrip()
    if not sentence.endswith("."):
        return True
    word = (sentence[:-1].rsplit(None, 1) or [""])[-1].lstrip(_BEFORE_WORD)
    return not (
        word.lower() in _ABBREVIATIONS
        or word in _CAPITALISED
        or (word.isdigit() and len(word) <= _ORDINAL_DIGITS)  # am 3. Mai
        or (len(word) == 1 and word.isupper() and word != "I")  # J. Smith
        or _DOTTED.fullmatch(word)  # z.B., U.S., т.е.
    )


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
