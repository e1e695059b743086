"""Stretches of text that fit a budget of tokens: counted in batches, divided where too long."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from icu4py.breakers import CharacterBreaker, WordBreaker

from rag_engine.text.sentences import trim

__all__ = ["CountTokens", "Stretch", "Unit", "fitted"]

CountTokens = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of each text, as the embedder sees them."""

# No tokenizer's tokens are longer than this on average, over text that means anything. Longer
# stretches are divided before they are counted, so that one huge line stays cheap.
_CHARACTERS_A_TOKEN = 16
_MARGIN = 0.9
_CLAUSE_END = re.compile(r"[,;:،؛、，；：·…–—)\]）」』၊](?:\s+|(?<=[^\x00-\x7f]))")
_BLANK = re.compile(r"\s+")


class Stretch(NamedTuple):
    """A stretch ``text[start:end]``."""

    text: str
    start: int
    end: int


class Unit(NamedTuple):
    """A stretch of some text with its number of tokens."""

    start: int
    end: int
    tokens: int


def fitted(
    stretches: Sequence[Stretch], count_tokens: CountTokens, max_tokens: int
) -> list[list[Unit]]:
    """Return the units of each stretch: itself if it fits the budget, else its parts in order.

    A stretch is divided after clauses, else at blanks, else between words, else between
    characters as readers see them, so that only white space gets lost. All stretches are
    counted in one call, all their parts in the next, until everything fits.

    >>> letters = lambda texts: [len(text) for text in texts]
    >>> fitted([Stretch("one two, three", 0, 14)], letters, 10)
    [[Unit(start=0, end=8, tokens=8), Unit(start=9, end=14, tokens=5)]]
    """
    fitting: list[list[Unit]] = [[] for _ in stretches]
    longest = _CHARACTERS_A_TOKEN * max_tokens
    waiting: list[tuple[int, int, int]] = []
    for index, (text, start, end) in enumerate(stretches):
        parts = _parts(text, start, end, longest) if end - start > longest else [(start, end)]
        waiting.extend((index, *part) for part in parts)
    while waiting:
        counts = count_tokens([stretches[index].text[start:end] for index, start, end in waiting])
        too_long: list[tuple[int, int, int]] = []
        for (index, start, end), tokens in zip(waiting, counts, strict=True):
            if tokens <= max_tokens or end - start == 1:
                fitting[index].append(Unit(start, end, tokens))
                continue
            size = max(1, int(_MARGIN * max_tokens / tokens * (end - start)))
            parts = _parts(stretches[index].text, start, end, size)
            too_long.extend((index, *part) for part in parts)
        waiting = too_long
    for units in fitting:
        units.sort()
    return fitting


def _parts(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yield parts of at most ``longest`` characters, none of them needlessly short."""
    while end - start > longest:
        share = math.ceil((end - start) / math.ceil((end - start) / longest))
        cut = _cut(text, start, start + share // 2, start + longest)
        trimmed = trim(text, start, cut)
        if trimmed:
            yield trimmed
        start = cut
    trimmed = trim(text, start, end)
    if trimmed:
        yield trimmed


def _cut(text: str, start: int, early: int, limit: int) -> int:
    """Return the best place to cut in ``(start, limit]``, after ``early`` if possible."""
    for pattern in (_CLAUSE_END, _BLANK):
        ends = [match.end() for match in pattern.finditer(text, early, limit)]
        if ends and ends[-1] > start:
            return ends[-1]
    for breaker, earliest in ((WordBreaker, early), (CharacterBreaker, start)):
        # The last piece may be cut off by the limit itself.
        pieces = list(breaker(text[start:limit], "en"))[:-1]
        cut = start + sum(map(len, pieces))
        if cut > earliest:
            return cut
    return limit
