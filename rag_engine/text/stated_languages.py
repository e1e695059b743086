"""What a file says of the languages of its parts, and how much of a passage it says it of.

A statement is evidence, not truth: templates say ``en`` of everything, and office programs write
down the language of whoever typed. ``passage_languages`` weighs it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from rag_engine.records import UNDETERMINED, Span
from rag_engine.text.codes import normalise_language

__all__ = ["StatedLanguages", "part_language", "without_languages"]

_NO_LANGUAGE = frozenset({UNDETERMINED, "mis", "mul", "zxx"})
"""Codes of ISO 639-2 for what is no one language."""


def part_language(code: str | None) -> str | None:
    """Return the language that a part of a file claims, in one form; None for no language.

    >>> part_language("nb-NO"), part_language("zxx"), part_language("x-none"), part_language(None)
    ('no', None, None, None)
    """
    language = normalise_language(code) if code else UNDETERMINED
    return None if language in _NO_LANGUAGE else language


def without_languages(spans: Sequence[Span]) -> list[Span]:
    """Return spans that state no language; neighbours that nothing else parted are one.

    Nothing else did where they touch and are of one section and page: two that a heading of the
    same name parts, or that lie in two files of one name, have a blank between them.

    >>> spans = [Span(start=0, end=4, page=1, language="da"), Span(start=4, end=9, page=1)]
    >>> [(span.start, span.end, span.language) for span in without_languages(spans)]
    [(0, 9, None)]
    """
    merged: list[Span] = []
    before: str | None = None
    for span in spans:
        last = merged[-1] if merged else None
        if (
            last is not None
            and span.language != before
            and last.end == span.start
            and (last.section, last.page) == (span.section, span.page)
        ):
            merged[-1] = replace(last, end=span.end)
        else:
            merged.append(replace(span, language=None) if span.language else span)
        before = span.language
    return merged


class StatedLanguages:
    """What the spans of a document state, asked for one stretch of its text after another.

    >>> spans = [Span(start=0, end=4, language="nn"), Span(start=4, end=5), Span(start=5, end=8)]
    >>> stated = StatedLanguages(spans)
    >>> stated.shares(2, 6), stated.shares(5, 8), bool(stated), bool(StatedLanguages(spans[1:]))
    ({'no': 0.5}, {}, True, False)
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._parts = [
            (span.start, span.end, language)
            for span in spans
            if (language := part_language(span.language)) is not None
        ]
        self._starts = [start for start, _, _ in self._parts]

    def __bool__(self) -> bool:
        return bool(self._parts)

    def shares(self, start: int, end: int) -> dict[str, float]:
        """Return which part of ``text[start:end]`` is said to be in each language, above 0 to 1."""
        found: dict[str, float] = {}
        first = max(0, bisect_right(self._starts, start) - 1)
        for its_start, its_end, language in self._parts[first:]:
            if its_start >= end:
                break
            common = min(end, its_end) - max(start, its_start)
            if common > 0:
                found[language] = found.get(language, 0.0) + common / (end - start)
        return found
