"""Passages whose told language contradicts what is around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rag_engine.health.findings import NOTHING_TO_DO, Finding, first_of, not_told
from rag_engine.health.sample import Places, Sample
from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED, Document
from rag_engine.text.codes import normalise_language

__all__ = ["Claims", "doubt_findings", "foreign_neighbours"]

_FEWEST = 30
"""Passages: of fewer, neighbours say nothing of a language."""
_NEARLY_ALL = 0.9
_LEAST_AT_HOME = 0.6
"""Languages that lie together in the space: else neighbours say nothing."""
_LONG_TITLE = 20
"""Characters: of shorter titles no language can be told."""
_SURE = 0.8


@dataclass(slots=True)
class Claims:
    """Compares what documents say of their language with what was told of their passages.

    ``hinted`` and ``titled`` count the documents that say a language, or have a title that tells
    one: the others can not contradict their passages.
    """

    sample: Sample
    detector: LanguageDetector
    hints: list[tuple[int, str]] = field(default_factory=list)
    titles: list[tuple[int, str]] = field(default_factory=list)
    hinted: int = 0
    titled: int = 0
    _titles_seen: dict[str, str] = field(default_factory=dict)

    def look(self, document: Document, places: Sequence[int]) -> None:
        """Look at a document, and the ``places`` of its passages in the sample."""
        told = {_base(self.sample.language(place)) for place in places} - {UNDETERMINED}
        hint = _base(document.language_hint or "")
        if not told:
            return
        if hint != UNDETERMINED:
            self.hinted += 1
            if hint not in told:
                self.hints.append((places[0], f"the document says {hint}"))
        if title := self._language_of(document.title):
            self.titled += 1
            if title not in told:
                self.titles.append((places[0], f"its title is in {title}: {document.title[:60]}"))

    def _language_of(self, title: str) -> str:
        if len(title) < _LONG_TITLE:
            return ""
        if title not in self._titles_seen:
            found = self.detector.detect(title)
            sure = found.language != UNDETERMINED and found.confidence >= _SURE
            self._titles_seen[title] = _base(found.language) if sure else ""
        return self._titles_seen[title]


def _base(language: str) -> str:
    known = normalise_language(language) if language else UNDETERMINED
    return known.partition("-")[0]


def foreign_neighbours(sample: Sample, plain: Places, at_home: float) -> dict[int, str] | None:
    """Return the passages that lie amid another language, and which: places and codes.

    None where nothing can be told: of few passages, of one language, or where languages do not lie
    together.

    ``plain`` ``(n, k)`` are the nearest without the correction, where languages lie together;
    ``at_home`` is the share of those that are in the passage's own language. A passage counts
    where nine in ten of its nearest are in one other language.
    """
    if len(sample) < _FEWEST or at_home < _LEAST_AT_HOME or len(np.unique(sample.codes)) < 2:
        return None
    codes = np.where(plain >= 0, sample.codes[plain], -1)
    found: dict[int, str] = {}
    for place in range(len(sample)):
        there = codes[place][codes[place] >= 0]
        if len(there) == 0 or sample.language(place) == UNDETERMINED:
            continue
        counts = np.bincount(there)
        most = int(counts.argmax())
        if most != sample.codes[place] and counts[most] >= _NEARLY_ALL * len(there):
            found[place] = sample.languages[most]
    return found


def doubt_findings(
    sample: Sample, claims: Claims, foreign: Mapping[int, str] | None, undetermined: int
) -> Iterator[Finding]:
    """Say where the language of passages is in doubt."""
    unknown = [place for place in range(len(sample)) if sample.language(place) == UNDETERMINED]
    yield Finding(
        check="language unknown",
        fine=undetermined <= 0.02 * sample.of,
        says=f"passages in no language that could be told: {undetermined:,} of {sample.of:,}",
        advice=(
            "nothing to do: tables of numbers and names have none"
            if undetermined <= 0.02 * sample.of
            else "see the examples: of prose, state the language (rag-engine index --language, or "
            "language_hint of a document); codes, tables and encoded data have none: leave out "
            "what nobody asks for"
        ),
        count=undetermined,
        of=sample.of,
        examples=first_of(sample, unknown),
    )
    if foreign is None:
        yield not_told(
            "amid another language",
            f"fewer than {_FEWEST} passages, one language, or languages that do not lie together: "
            "neighbours say nothing of it",
        )
    else:
        yield _doubt(
            sample,
            "amid another language",
            f"passages with nearly all their nearest in one other language: {len(foreign):,}",
            [(place, f"its nearest are in {language}") for place, language in foreign.items()],
            "read them: their language may be told wrongly, and they are then found late; state it "
            "with rag-engine index --language",
        )
    yield from _claimed(sample, claims)


def _claimed(sample: Sample, claims: Claims) -> Iterator[Finding]:
    check = "language claimed otherwise"
    if not claims.hinted:
        yield not_told(check, "no document says its language")
    else:
        yield _doubt(
            sample,
            check,
            f"documents that say a language none of their passages is in: {len(claims.hints):,}",
            claims.hints,
            "see who is right: the HTML lang attribute (or --language) of the file, or the text",
        )
    check = "title in another language"
    if not claims.titled:
        yield not_told(
            check, f"no document has a title ({_LONG_TITLE} characters or more) in a sure language"
        )
    else:
        found = len(claims.titles)
        yield _doubt(
            sample,
            check,
            f"documents with a title in another language than their passages: {found:,}",
            claims.titles,
            "a title is embedded with each passage and pulls it towards its language: translate "
            "it, or see that the passages' language is right",
        )


def _doubt(
    sample: Sample, check: str, says: str, found: Sequence[tuple[int, str]], advice: str
) -> Finding:
    return Finding(
        check=check,
        fine=not found,
        says=says,
        advice=advice if found else NOTHING_TO_DO,
        count=len(found),
        of=len(sample),
        examples=first_of(sample, [place for place, _ in found], [note for _, note in found]),
    )
