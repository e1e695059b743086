"""Cuts documents into chunks: whole sentences packed into a budget of the embedder's tokens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED, Chunk, Document, Span
from rag_engine.text.language_runs import language_breaks
from rag_engine.text.passage_languages import passage_languages
from rag_engine.text.sentences import sentences
from rag_engine.text.stated_languages import StatedLanguages, without_languages
from rag_engine.text.token_budget import CountTokens, Stretch, Unit, fitted

__all__ = ["chunk", "chunk_many", "passage_text"]

_MAX_HEADING = 160
"""Characters of title and section path that are embedded with a chunk."""
_FIRST_CHARACTERS = 800
"""So much of a document tells in which language its sentences end."""
_OVERLAP_SHARE = 0.25
"""Sentences are repeated only as far as they fit in this share of the budget."""


def passage_text(document_title: str, chunk: Chunk, *, include_heading: bool) -> str:
    r"""Return what is embedded for a chunk: its text, below its title and section path.

    The heading is cut to 160 characters. A part that the text itself begins with is left out.

    >>> chunk = Chunk(document_id="d", ordinal=0, start=0, end=9, text="Turn it.",
    ...     section=("Pump", "Start"))
    >>> passage_text("Pump", chunk, include_heading=True)
    'Pump > Start\nTurn it.'
    """
    if not include_heading:
        return chunk.text
    parts = [" ".join(part.split()) for part in (document_title, *chunk.section)]
    first_line = chunk.text.split("\n", 1)[0].strip("#= \r")
    shown = dict.fromkeys(part for part in parts if part and part != first_line)
    heading = " > ".join(shown)[:_MAX_HEADING].rstrip()
    return f"{heading}\n{chunk.text}" if heading else chunk.text


def chunk(
    document: Document,
    *,
    count_tokens: CountTokens,
    detector: LanguageDetector,
    max_tokens: int = 256,
    overlap_sentences: int = 1,
) -> list[Chunk]:
    """Cut one document into chunks; see ``chunk_many``."""
    return chunk_many(
        [document],
        count_tokens=count_tokens,
        detector=detector,
        max_tokens=max_tokens,
        overlap_sentences=overlap_sentences,
    )[0]


def chunk_many(
    documents: Sequence[Document],
    *,
    count_tokens: CountTokens,
    detector: LanguageDetector,
    max_tokens: int = 256,
    overlap_sentences: int = 1,
) -> list[list[Chunk]]:
    """Cut each document into chunks of at most ``max_tokens`` tokens (of ``count_tokens``).

    Chunks are whole sentences of one language as far as that can be told, never cross the border
    of a span, and give their exact place: ``document.text[chunk.start:chunk.end] == chunk.text``.
    A sentence longer than the budget is divided at clauses, blanks, words or, last, between
    characters; nothing is cut off. The last ``overlap_sentences`` sentences of a chunk stand
    again at the beginning of the next one of the same span and language, if they are short. A
    heading with nothing of its own below it makes no chunk: it stands in the section path of the
    chunks of its subsections.

    Tokens are counted for all documents together: once for all sentences, once for all chunks.
    """
    regions = [
        (index, span) for index, document in enumerate(documents) for span in _regions(document)
    ]
    main = [_main_language(document, detector) for document in documents]
    stretches: list[Stretch] = []
    lengths: list[int] = []
    for index, span in regions:
        text = documents[index].text
        ranges = sentences(text[span.start : span.end], main[index])
        stretches.extend(Stretch(text, span.start + a, span.start + b) for a, b in ranges)
        lengths.append(len(ranges))
    fitting = iter(fitted(stretches, count_tokens, max_tokens))
    packed: list[tuple[int, Span, list[Unit]]] = []
    stated = [StatedLanguages(document.spans) for document in documents]
    for (index, span), length in zip(regions, lengths, strict=True):
        units = [unit for _ in range(length) for unit in next(fitting)]
        breaks = language_breaks(documents[index].text, units, detector, stated[index])
        groups = _packed(units, breaks, max_tokens, overlap_sentences)
        packed.extend((index, span, group) for group in groups)
    places: list[list[tuple[Span, int, int]]] = [[] for _ in documents]
    for index, span, units in _checked(packed, documents, count_tokens, max_tokens):
        places[index].append((span, units[0].start, units[-1].end))
    # A group that had to be divided again may begin with a repeated sentence of its own.
    return [
        _chunks(document, sorted(set(its_places), key=lambda place: place[1:]), detector, said)
        for document, its_places, said in zip(documents, places, stated, strict=True)
    ]


def _main_language(document: Document, detector: LanguageDetector) -> str:
    """Return the language whose abbreviations a document has."""
    found = detector.detect(document.text[:_FIRST_CHARACTERS]).language
    return (document.language_hint or "") if found == UNDETERMINED else found


def _chunks(
    document: Document,
    places: Sequence[tuple[Span, int, int]],
    detector: LanguageDetector,
    said: StatedLanguages,
) -> list[Chunk]:
    texts = [document.text[start:end] for _, start, end in places]
    stated = [said.shares(start, end) for _, start, end in places] if said else ()
    languages = passage_languages(texts, document.language_hint, detector, stated)
    return [
        Chunk(
            document_id=document.id,
            ordinal=ordinal,
            start=start,
            end=end,
            text=text,
            language=language,
            section=span.section,
            page=span.page,
        )
        for ordinal, ((span, start, end), text, language) in enumerate(
            zip(places, texts, languages, strict=True)
        )
    ]


def _regions(document: Document) -> Iterator[Span]:
    """Yield the document's spans and, between them, what lies in none."""
    position = 0
    spans = without_languages(document.spans)
    for span, following in itertools.zip_longest(spans, spans[1:]):
        if span.start > position:
            yield Span(start=position, end=span.start)
        if not _is_bare_heading(document.text, span, following):
            yield span
        position = span.end
    if position < len(document.text):
        yield Span(start=position, end=len(document.text))


def _is_bare_heading(text: str, span: Span, following: Span | None) -> bool:
    """Tell whether a span holds only its heading, which the next one has in its path."""
    if following is None or not span.section:
        return False
    deeper = following.section[: len(span.section)] == span.section != following.section
    return deeper and text[span.start : span.end].strip() == span.section[-1]


def _packed(
    units: Sequence[Unit], breaks: frozenset[int], max_tokens: int, overlap: int
) -> Iterator[list[Unit]]:
    """Yield the units of each chunk; a chunk begins anew at every index in ``breaks``."""
    group: list[Unit] = []
    tokens = 0
    for index, unit in enumerate(units):
        if group and (index in breaks or tokens + unit.tokens > max_tokens):
            yield group
            room = min(int(_OVERLAP_SHARE * max_tokens), max_tokens - unit.tokens)
            group = [] if index in breaks else _repeated(group, overlap, room)
            tokens = sum(repeated.tokens for repeated in group)
        group.append(unit)
        tokens += unit.tokens
    if group:
        yield group


def _repeated(group: list[Unit], overlap: int, room: int) -> list[Unit]:
    """Return the last units of a group, at most ``overlap``, that fit into ``room`` tokens."""
    first = len(group)
    while first > max(1, len(group) - overlap) and group[first - 1].tokens <= room:
        first -= 1
        room -= group[first].tokens
    return group[first:]


def _checked(
    packed: Sequence[tuple[int, Span, list[Unit]]],
    documents: Sequence[Document],
    count_tokens: CountTokens,
    max_tokens: int,
) -> list[tuple[int, Span, list[Unit]]]:
    """Count every chunk as a whole and halve those that are too long after all.

    A tokenizer may need more tokens for a text than for its sentences one by one.
    """
    checked = list(packed)
    waiting = [place for place, (_, _, units) in enumerate(checked) if len(units) > 1]
    while waiting:
        texts = [
            documents[index].text[units[0].start : units[-1].end]
            for index, _, units in (checked[place] for place in waiting)
        ]
        counts = dict(zip(waiting, count_tokens(texts), strict=True))
        waiting = []
        halved: list[tuple[int, Span, list[Unit]]] = []
        for place, (index, span, units) in enumerate(checked):
            if counts.get(place, 0) <= max_tokens:
                halved.append((index, span, units))
                continue
            middle = len(units) // 2
            for half in (units[:middle], units[middle:]):
                if len(half) > 1:
                    waiting.append(len(halved))
                halved.append((index, span, half))
        checked = halved
    return checked
