"""Which language an answer is to be in, and whether what was written is in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.search_arguments import checked_language
from rag_engine.text.codes import normalise_language

__all__ = ["WantedLanguage", "wanted_language", "weight", "with_alike"]

_FEWEST = 24
"""Letters (ideographs count double) below which a text is not judged: a name, a number, a yes."""
_SURE = 0.6
"""A detection that is less sure than this judges nothing."""
_AS_LIKELY = 0.2
"""Of a question's plausible languages, those count that are not much less likely than the first."""
_ALIKE = tuple(
    frozenset(group.split())
    for group in ("bs hr sr", "id ms", "az tr", "fo is", "am ti", "bo dz", "ar mey", "shi zgh")
)
"""Languages that a detector takes for each other: near ones, or those of a script of few."""

_MARK = re.compile(r"[\[［【〔][^\]］】〕]{0,40}[\]］】〕]")
_READ = 2_000
"""Characters of an answer that are looked at."""
_LONGEST_QUOTATION = 600
_QUOTATION = re.compile(
    "|".join(
        f"{begin}[^{end}]{{1,{_LONGEST_QUOTATION}}}[{end}]"
        for begin, end in ("“”", "«»", ("„", "“”"), "「」", "『』", ('"', '"\n'))
    )
)


@dataclass(frozen=True, slots=True)
class WantedLanguage:
    """The language of an answer: ``tag`` is asked for, those of ``accepted`` are right.

    ``tag`` is a BCP-47 tag or ``und``; ``accepted`` holds primary subtags and is empty where any
    language is right. ``stated`` says that the caller asked for it.
    """

    tag: str
    accepted: frozenset[str]
    stated: bool
    detector: LanguageDetector

    @property
    def code(self) -> str:
        """The primary subtag of ``tag``, as a detection has it."""
        return normalise_language(self.tag)

    def other(self, text: str) -> str | None:
        """Return the language of ``text`` if that is surely another than wanted, else None.

        Quotations and citation marks are not looked at. What is short or of an unsure language
        is never another, nor is a text that may well be in the wanted one.
        """
        own = _QUOTATION.sub(" ", _MARK.sub(" ", text[:_READ]))
        if not self.accepted or weight(own) < _FEWEST:
            return None
        plausible = self.detector.plausible(own)
        first = plausible[0]
        if first.language == UNDETERMINED or first.confidence < _SURE:
            return None
        if self.accepted & with_alike({detection.language for detection in plausible}):
            return None
        return first.language


def wanted_language(
    question: str, detector: LanguageDetector, *, language: str | None, answer_language: str | None
) -> WantedLanguage:
    """Decide which language an answer is to be in: the one asked for, else the question's.

    ``language`` is what the question is said to be in; without it, it is detected, and where
    that is open (``und``), an answer in any language is right.

    Raises:
        InvalidInput: a language that is none.
    """
    stated = checked_language(answer_language)
    if answer_language is not None and stated is not None:
        tag = answer_language.strip().replace("_", "-")
        return WantedLanguage(tag, frozenset({stated}), stated=True, detector=detector)
    if question_language := checked_language(language):
        return WantedLanguage(
            question_language, frozenset({question_language}), stated=False, detector=detector
        )
    first, *rest = detector.plausible(question)
    if first.language == UNDETERMINED:
        return WantedLanguage(UNDETERMINED, frozenset(), stated=False, detector=detector)
    near = {
        detection.language
        for detection in rest
        if detection.confidence >= _AS_LIKELY * first.confidence
    }
    return WantedLanguage(
        first.language, frozenset({first.language, *near}), stated=False, detector=detector
    )


def weight(text: str) -> int:
    """Count letters and vowel signs, ideographs, kana and hangul double: how much a text tells.

    >>> weight("Acht Bar [1]."), weight("八巴")
    (7, 4)
    """
    return sum(
        2 if "\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" else 1
        for c in text
        if unicodedata.category(c)[0] in "LM"
    )


def with_alike(languages: set[str]) -> set[str]:
    """Return languages (BCP-47) and those that a detector takes for them.

    >>> sorted(with_alike({"hr", "de"}))
    ['bs', 'de', 'hr', 'sr']
    """
    return languages.union(*(group for group in _ALIKE if group & languages))
