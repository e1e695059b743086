"""Cuts documents into chunks: whole sentences packed into a budget of the embedder's tokens."""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from icu4py.breakers import CharacterBreaker

from rag_engine.ports import Detection, LanguageDetector
from rag_engine.records import UNDETERMINED, Chunk, Document, Span
from rag_engine.text.scripts import script_counts
from rag_engine.text.sentences import sentences

__all__ = ["chunk_many", "passage_text"]

_MAX_HEADING = 160
"""Characters of title and section path that are embedded with a chunk."""
_SURE = 0.7
_ENOUGH_LETTERS = 40
"""From this many letters a detected language is believed against that of the document."""
_OVERLAP_SHARE = 0.25
"""Sentences are repeated only as far as they fit in this share of the budget."""

_CLAUSE = re.compile(r"[,;:،؛、，；：·…–—)\]]\s*")
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a piece of one that is too long, with its tokens."""

    start: int
    end: int
    tokens: int


def passage_text(title: str, chunk: Chunk, *, include_heading: bool) -> str:
    r"""Return what is embedded for a chunk: its text, below its title and section path.

    >>> chunk = Chunk(document_id="d", ordinal=0, start=0, end=9, text="Turn it.",
    ...     section=("Pump", "Start"))
    >>> passage_text("Pump", chunk, include_heading=True)
    'Pump > Start\nTurn it.'
    """
    if not include_heading:
        return chunk.text
    parts: list[str] = []
    for part in (title, *chunk.section):
        name = " ".join(part.split())
        if name and name not in parts:
            parts.append(name)
    heading = " > ".join(parts)[:_MAX_HEADING]
    if not heading or chunk.text.startswith(heading):
        return chunk.text
    return f"{heading}\n{chunk.text}"


def chunk_many(
    documents: Sequence[Document],
    *,
    count_tokens: Callable[[Sequence[str]], list[int]],
    detector: LanguageDetector,
    max_tokens: int,
    overlap_sentences: int,
) -> list[list[Chunk]]:
    """Cut each document into chunks of at most ``max_tokens`` tokens (of ``count_tokens``).

    Chunks are whole sentences, never cross the border of a span, and give their exact place:
    ``document.text[chunk.start:chunk.end] == chunk.text``. A sentence longer than the budget is
    divided at clauses, blanks or, last, between characters; nothing is cut off. The last
    ``overlap_sentences`` sentences of a chunk stand again at the beginning of the next.
    """
    stretches = [(document, span) for document in documents for span in _stretches(document)]
    places = [
        [(span.start + start, span.start + end) for start, end in _sentences(document, span)]
        for document, span in stretches
    ]
    flat = [
        (document.text, place)
        for (document, _), its_places in zip(stretches, places, strict=True)
        for place in its_places
    ]
    units = iter(_counted(flat, count_tokens, max_tokens))
    chunks: dict[int, list[Chunk]] = {id(document): [] for document in documents}
    for (document, span), its_places in zip(stretches, places, strict=True):
        its_units = [unit for _ in its_places for unit in next(units)]
        for start, end in _packed(document.text, its_units, max_tokens, overlap_sentences):
            mine = chunks[id(document)]
            mine.append(
                Chunk(
                    document_id=document.id,
                    ordinal=len(mine),
                    start=start,
                    end=end,
                    text=document.text[start:end],
                    section=span.section,
                    page=span.page,
                )
            )
    return [_with_languages(document, chunks[id(document)], detector) for document in documents]


def _stretches(document: Document) -> list[Span]:
    """Return the document's spans and, between them, what lies in none."""
    found: list[Span] = []
    position = 0
    for span in (*document.spans, Span(start=len(document.text), end=len(document.text))):
        if span.start > position:
            found.append(Span(start=position, end=span.start))
        if span.end > span.start:
            found.append(span)
        position = span.end
    return found


def _sentences(document: Document, span: Span) -> list[tuple[int, int]]:
    return sentences(document.text[span.start : span.end])


def _counted(
    places: Sequence[tuple[str, tuple[int, int]]],
    count_tokens: Callable[[Sequence[str]], list[int]],
    max_tokens: int,
) -> list[list[_Unit]]:
    """Count every place's tokens, dividing those that are too long until none is."""
    pieces = [[place] for _, place in places]
    units: list[list[_Unit]] = [[] for _ in places]
    waiting = list(range(len(places)))
    while waiting:
        texts = [places[each][0][start:end] for each in waiting for start, end in pieces[each]]
        counts = iter(count_tokens(texts))
        still: list[int] = []
        for each in waiting:
            text = places[each][0]
            counted = [_Unit(start, end, next(counts)) for start, end in pieces[each]]
            if all(unit.tokens <= max_tokens or unit.end - unit.start <= 1 for unit in counted):
                units[each] = counted
                continue
            pieces[each] = [part for unit in counted for part in _divided(text, unit, max_tokens)]
            still.append(each)
        waiting = still
    return units


def _divided(text: str, unit: _Unit, max_tokens: int) -> list[tuple[int, int]]:
    if unit.tokens <= max_tokens:
        return [(unit.start, unit.end)]
    count = max(2, math.ceil(1.2 * unit.tokens / max_tokens))
    size = max(1, (unit.end - unit.start) // count)
    inside = text[unit.start : unit.end]
    clauses = [match.end() for match in _CLAUSE.finditer(inside)]
    blanks = [match.end() for match in _BLANK.finditer(inside)]
    graphemes: list[int] = []
    parts: list[tuple[int, int]] = []
    begin = 0
    while len(inside) - begin > size:
        target = begin + size
        cut = _nearest(clauses, begin + size // 2, target) or _nearest(blanks, begin, target)
        if cut is None:
            graphemes = graphemes or list(
                itertools.accumulate(len(each) for each in CharacterBreaker(inside, "en"))
            )
            cut = _nearest(graphemes, begin, target) or target
        parts.append((unit.start + begin, unit.start + cut))
        begin = cut
    parts.append((unit.start + begin, unit.end))
    return [trimmed for part in parts if (trimmed := _trimmed(text, *part))]


def _nearest(positions: list[int], above: int, up_to: int) -> int | None:
    """Return the last of the ascending positions in ``(above, up_to]``, or None."""
    index = bisect.bisect_right(positions, up_to) - 1
    return positions[index] if index >= 0 and positions[index] > above else None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    inside = text[start:end]
    stripped = inside.strip()
    if not stripped:
        return None
    start += len(inside) - len(inside.lstrip())
    return start, start + len(stripped)


def _packed(
    text: str, units: Sequence[_Unit], max_tokens: int, overlap: int
) -> list[tuple[int, int]]:
    packed: list[tuple[int, int]] = []
    current: list[_Unit] = []
    fresh = 0  # units of current that are not repeated from the chunk before
    script = ""
    for unit in units:
        unit_script = _main_script(text[unit.start : unit.end])
        changes = bool(unit_script and script and unit_script != script)
        if current and (changes or sum(u.tokens for u in current) + unit.tokens > max_tokens):
            if fresh:
                packed.append((current[0].start, current[-1].end))
            current = [] if changes else _repeated(current, unit, max_tokens, overlap)
            fresh = 0
        current.append(unit)
        fresh += 1
        script = unit_script or script
    if fresh:
        packed.append((current[0].start, current[-1].end))
    return packed


def _repeated(
    current: Sequence[_Unit], following: _Unit, max_tokens: int, overlap: int
) -> list[_Unit]:
    budget = min(_OVERLAP_SHARE * max_tokens, max_tokens - following.tokens)
    repeated: list[_Unit] = []
    for unit in reversed(current[len(current) - min(overlap, len(current) - 1) :]):
        budget -= unit.tokens
        if budget < 0:
            break
        repeated.insert(0, unit)
    return repeated


_ONE_WRITING = {"hiragana": "han", "katakana": "han"}


def _main_script(sentence: str) -> str:
    """Return the script of a sentence that is long enough and (nearly) all in one; else ""."""
    if sentence.isascii():
        return "latin" if len(sentence) >= _ENOUGH_LETTERS else ""
    counts: Counter[str] = Counter()
    for script, count in script_counts(sentence).items():
        counts[_ONE_WRITING.get(script, script)] += count
    if not counts:
        return ""
    script, letters = counts.most_common(1)[0]
    enough = _ENOUGH_LETTERS // 3 if script in {"han", "hangul"} else _ENOUGH_LETTERS
    return script if letters >= enough and letters > 0.8 * counts.total() else ""


def _with_languages(
    document: Document, chunks: list[Chunk], detector: LanguageDetector
) -> list[Chunk]:
    detections = [detector.detect(chunk.text) for chunk in chunks]
    weights: Counter[str] = Counter()
    for chunk, detection in zip(chunks, detections, strict=True):
        if detection.language != UNDETERMINED:
            weights[detection.language] += len(chunk.text)
    main = weights.most_common(1)[0][0] if weights else UNDETERMINED
    fallback = main if main != UNDETERMINED else (document.language_hint or UNDETERMINED)
    return [
        _in_language(chunk, _decided(chunk, detection, fallback))
        for chunk, detection in zip(chunks, detections, strict=True)
    ]


def _decided(chunk: Chunk, detection: Detection, fallback: str) -> str:
    if detection.language == UNDETERMINED:
        return fallback.split("-")[0].lower() if fallback != UNDETERMINED else UNDETERMINED
    short = len(chunk.text) < _ENOUGH_LETTERS
    if short and detection.confidence < _SURE and fallback != UNDETERMINED:
        return fallback
    return detection.language


def _in_language(chunk: Chunk, language: str) -> Chunk:
    return Chunk(
        document_id=chunk.document_id,
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        language=language,
        section=chunk.section,
        page=chunk.page,
    )
