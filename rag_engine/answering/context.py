"""What a generator is given to read: passages in rank order, within a budget, without repeats."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag_engine.errors import InvalidInput
from rag_engine.records import Hit
from rag_engine.text.sentences import sentences

__all__ = ["Context", "CountTokens", "Dropped", "Source", "build_context", "is_repeat"]

CountTokens = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of each text, as ``Embedder.count_tokens`` does."""

_SHINGLE = 5
"""Characters of a shingle: about a word of most languages, two of Chinese."""
_REPEATED_SHARE = 0.9
"""A passage with at least this share of its shingles in another one repeats it."""
_MAX_GAP = 4
"""Chunks of one span leave out only the blanks between them; more means that text is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A numbered stretch of one document; ``number`` counts from 1.

    ``text`` is the text of ``hit``, or, where neighbouring chunks were found too, the stretch
    that all of them cover. ``hit`` is the best ranked of them. ``cut`` says that the stretch was
    shortened to fit the budget.
    """

    number: int
    hit: Hit
    text: str
    cut: bool = False

    @property
    def heading(self) -> str:
        """The document's title and the section's path, ``›`` between; may be empty."""
        return _heading(self.hit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A hit that is not a source of its own, and why.

    ``duplicate``: its text stands (nearly) word for word in source ``number``; ``merged``: it
    overlaps or continues source ``number``, which holds its text; ``budget``: no room was left.
    """

    rank: int
    chunk_id: int
    reason: Literal["duplicate", "merged", "budget"]
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The sources that a generator reads, in the order of their numbers, and what was left out."""

    sources: tuple[Source, ...]
    dropped: tuple[Dropped, ...]
    tokens: int


def build_context(hits: Sequence[Hit], *, max_tokens: int, count_tokens: CountTokens) -> Context:
    """Pack ``hits``, best first, into at most ``max_tokens`` tokens of headings and texts.

    A hit that repeats an earlier one is dropped; one that overlaps or continues an earlier one of
    the same section is merged into it, so that no sentence stands twice. A hit that does not fit
    is dropped and the next one tried. The first hit is always there, cut after a whole sentence
    if it alone exceeds the budget.

    Raises:
        InvalidInput: ``max_tokens`` below 1.
    """
    if max_tokens < 1:
        raise InvalidInput(f"a context holds at least 1 token, got max_tokens={max_tokens!r}")
    packer = _Packer(max_tokens, count_tokens)
    for hit in sorted(hits, key=lambda hit: hit.rank):
        packer.add(hit)
    return packer.context()


def is_repeat(text: str, of: str) -> bool:
    """Tell whether ``text`` says nothing that ``of`` does not say, nearly word for word.

    90 % of its character shingles stand in ``of`` (containment, after Broder 1997, "On the
    resemblance and containment of documents"), and every number in it does too: two data sheets
    that differ in nothing but a number are two facts.

    >>> is_repeat("The guarantee lasts 24 months.", of="The  guarantee lasts 24 months!")
    True
    >>> is_repeat("The guarantee lasts 36 months.", of="The guarantee lasts 24 months.")
    False
    """
    return _Fingerprint.of(text).repeats(_Fingerprint.of(of))


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What a text says, as far as repeats go; made once a text."""

    words: str
    numbers: frozenset[str]
    shingles: frozenset[str]

    @classmethod
    def of(cls, text: str) -> _Fingerprint:
        """Keep letters, marks and digits; fold case and width; one blank between words."""
        folded = unicodedata.normalize("NFKC", text).casefold()
        characters = (c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
        words = "".join(characters).split()
        joined = " ".join(words)
        starts = range(max(1, len(joined) - _SHINGLE + 1))
        return cls(
            words=joined,
            numbers=frozenset(word for word in words if any(c.isdigit() for c in word)),
            shingles=frozenset(joined[start : start + _SHINGLE] for start in starts),
        )

    def repeats(self, other: _Fingerprint) -> bool:
        if self.words == other.words:
            return True
        shared = len(self.shingles & other.shingles)
        return self.numbers <= other.numbers and shared >= _REPEATED_SHARE * len(self.shingles)


def _heading(hit: Hit) -> str:
    return " › ".join(part for part in (hit.title, *hit.chunk.section) if part.strip())


@dataclass(slots=True)
class _Stretch:
    """A source in the making: characters ``start`` to ``end`` of one section of a document."""

    hit: Hit
    start: int
    end: int
    text: str
    tokens: int
    fingerprint: _Fingerprint
    cut: bool = False

    def holds(self, hit: Hit) -> bool:
        chunk = hit.chunk
        return self._same_section(hit) and self.start <= chunk.start and chunk.end <= self.end

    def touches(self, hit: Hit) -> bool:
        if self.cut or not self._same_section(hit):
            return False
        return hit.chunk.start - self.end <= _MAX_GAP and self.start - hit.chunk.end <= _MAX_GAP

    def _same_section(self, hit: Hit) -> bool:
        own, other = self.hit.chunk, hit.chunk
        same_base = self.hit.knowledge_base == hit.knowledge_base
        return same_base and (own.document_id, own.section, own.page) == (
            other.document_id,
            other.section,
            other.page,
        )


class _Packer:
    def __init__(self, max_tokens: int, count_tokens: CountTokens) -> None:
        self._max_tokens = max_tokens
        self._count_tokens = count_tokens
        self._stretches: list[_Stretch] = []
        self._dropped: list[tuple[Hit, Literal["duplicate", "merged", "budget"], Hit | None]] = []

    def add(self, hit: Hit) -> None:
        fingerprint = _Fingerprint.of(hit.chunk.text)
        for stretch in self._stretches:
            if stretch.holds(hit):
                self._drop(hit, "merged", stretch)
                return
            if fingerprint.repeats(stretch.fingerprint):
                self._drop(hit, "duplicate", stretch)
                return
        if any(stretch.touches(hit) for stretch in self._stretches) and self._merge(hit):
            return
        self._append(hit)

    def context(self) -> Context:
        numbers = {_key(s.hit): i for i, s in enumerate(self._stretches, start=1)}
        return Context(
            sources=tuple(
                Source(number=i, hit=s.hit, text=s.text, cut=s.cut)
                for i, s in enumerate(self._stretches, start=1)
            ),
            dropped=tuple(
                Dropped(
                    rank=hit.rank,
                    chunk_id=hit.chunk_id,
                    reason=reason,
                    number=numbers[_key(into)] if into else None,
                )
                for hit, reason, into in self._dropped
            ),
            tokens=sum(s.tokens for s in self._stretches),
        )

    def _append(self, hit: Hit) -> None:
        chunk = hit.chunk
        new = self._stretch(hit, chunk.start, chunk.end, chunk.text)
        room = self._max_tokens - sum(s.tokens for s in self._stretches)
        if new.tokens > room:
            if self._stretches:
                self._drop(hit, "budget", None)
                return
            new = self._shortened(new)
        self._stretches.append(new)

    def _merge(self, hit: Hit) -> bool:
        """Join ``hit`` with all that it touches, in the place of the first; False: no room."""
        touched = [s for s in self._stretches if s.touches(hit)]
        first = touched[0]
        chunk = hit.chunk
        pieces = [(s.start, s.end, s.text) for s in touched] + [
            (chunk.start, chunk.end, chunk.text)
        ]
        merged = self._stretch(first.hit, *_joined(pieces))
        other_tokens = sum(s.tokens for s in self._stretches if s not in touched)
        if other_tokens + merged.tokens > self._max_tokens:
            return False
        for swallowed in touched[1:]:
            self._stretches.remove(swallowed)
            self._drop(swallowed.hit, "merged", first)
            self._dropped = [
                (dropped, reason, first.hit if into is swallowed.hit else into)
                for dropped, reason, into in self._dropped
            ]
        self._stretches[self._stretches.index(first)] = merged
        self._drop(hit, "merged", merged)
        return True

    def _stretch(self, hit: Hit, start: int, end: int, text: str) -> _Stretch:
        [tokens] = self._count_tokens([f"{_heading(hit)}\n{text}"])
        return _Stretch(hit, start, end, text, tokens, _Fingerprint.of(text))

    def _shortened(self, stretch: _Stretch) -> _Stretch:
        """Cut the stretch after as many whole sentences as fit, or within its first one."""
        language = stretch.hit.chunk.language
        ends = [end for _, end in sentences(stretch.text, language)] or [len(stretch.text)]
        fitting = self._longest(stretch, ends) or self._longest(stretch, range(1, ends[0] + 1))
        cut = fitting or self._stretch(stretch.hit, stretch.start, stretch.start, "")
        cut.cut = True
        return cut

    def _longest(self, stretch: _Stretch, ends: Sequence[int]) -> _Stretch | None:
        """Return the longest beginning of ``stretch`` that fits, by halving."""
        best: _Stretch | None = None
        low, high = 0, len(ends)
        while low < high:
            middle = (low + high) // 2
            end = ends[middle]
            tried = self._stretch(
                stretch.hit, stretch.start, stretch.start + end, stretch.text[:end]
            )
            if tried.tokens <= self._max_tokens:
                best, low = tried, middle + 1
            else:
                high = middle
        return best

    def _drop(
        self, hit: Hit, reason: Literal["duplicate", "merged", "budget"], into: _Stretch | None
    ) -> None:
        self._dropped.append((hit, reason, into.hit if into else None))


def _key(hit: Hit) -> tuple[str | None, int]:
    """Return what tells a passage from all others; ids are those of one knowledge base."""
    return hit.knowledge_base, hit.chunk_id


def _joined(pieces: list[tuple[int, int, str]]) -> tuple[int, int, str]:
    """Join overlapping or neighbouring stretches ``(start, end, text)`` of one text.

    What lies between two neighbours is blank; a break of paragraphs or a space stands in for it.

    >>> _joined([(10, 15, "C D E"), (6, 13, "A B C D")])
    (6, 15, 'A B C D E')
    """
    pieces = sorted(pieces)
    start, end, text = pieces[0]
    for begin, stop, piece in pieces[1:]:
        if stop <= end:
            continue
        gap = begin - end
        text += ("", " ", "\n\n")[min(gap, 2)] + piece if gap >= 0 else piece[-gap:]
        end = stop
    return start, end, text
