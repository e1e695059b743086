"""What must hold of a question before it is looked for: cheap, and the same for all languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from difflib import SequenceMatcher
from enum import StrEnum

from rag_engine.answering.answer_language import weight, with_alike
from rag_engine.connectors.training.synthesis.replies import has_question_mark
from rag_engine.ports import LanguageDetector, ListingDetector
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language
from rag_engine.text.scripts import LONE_LANGUAGE, SHARED_SCRIPTS, home_script, script_counts

__all__ = ["Verdict", "check_text", "copied_share", "judge_language", "question_key"]

_FEWEST = 10
"""Letters (ideographs count double): "Wie hoch?" asks about nothing."""
_LONGEST = 300
"""Characters."""
_COPIED = 0.9
_SURE = 0.6
_AS_LIKELY = 0.2
_UNMARKED = frozenset({"ja", "th", "lo", "km", "my", "bo", "dz"})
"""Languages whose questions often end without a mark."""
_FALLEN_BACK = "en"
"""What models write when they do not know the language asked for."""


class Verdict(StrEnum):
    """What became of a question; ``KEPT`` and ``KEPT_UNSURE`` are good."""

    KEPT = "kept"
    KEPT_UNSURE = "kept, language unsure"
    FAILED = "model failed"
    EMPTY = "empty"
    SHORT = "too short"
    LONG = "too long"
    STATEMENT = "no question"
    LANGUAGE = "other language"
    COPY = "copied"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not found"

    @property
    def good(self) -> bool:
        """Tell whether it was kept."""
        return self in {Verdict.KEPT, Verdict.KEPT_UNSURE}


def check_text(
    question: str,
    passage: str,
    *,
    language: str,
    passage_language: str,
    known: Collection[str],
    detector: LanguageDetector,
) -> Verdict:
    """Say what is wrong with a question that was asked for in ``language``, before it is searched.

    ``known`` holds the keys of the questions that were kept before (see ``question_key``).
    """
    code = normalise_language(language)
    if not question:
        return Verdict.EMPTY
    if weight(question) < _FEWEST:
        return Verdict.SHORT
    if len(question) > _LONGEST:
        return Verdict.LONG
    if not has_question_mark(question) and code not in _UNMARKED:
        return Verdict.STATEMENT
    verdict = judge_language(question, code, passage_language, detector)
    if not verdict.good:
        return verdict
    if copied_share(question, passage) >= _COPIED:
        return Verdict.COPY
    return Verdict.DUPLICATE if question_key(question) in known else verdict


def judge_language(
    question: str, wanted: str, passage_language: str, detector: LanguageDetector
) -> Verdict:
    """Tell whether a question is in the language ``wanted`` (a primary subtag).

    It is (``KEPT``) if the detector finds that language, or one that it takes for it, at least a
    fifth as likely as the likeliest. It is not (``LANGUAGE``) if the detector is sure of another,
    or no letter is of a script of that language. In doubt it is kept (``KEPT_UNSURE``), for of
    small languages a detector is hardly ever sure. Of a language that the detector does not know
    at all, what it is sure of counts only where a model has fallen back on it: that is English,
    or the passage's own.
    """
    ways = _scripts(wanted)
    if ways and not ways & script_counts(question).keys():
        return Verdict.LANGUAGE
    plausible = [guess for guess in detector.plausible(question) if guess.language != UNDETERMINED]
    if not plausible:
        return Verdict.KEPT_UNSURE
    best = max(guess.confidence for guess in plausible)
    likely = {guess.language for guess in plausible if guess.confidence >= _AS_LIKELY * best}
    if wanted in with_alike(likely):
        return Verdict.KEPT
    first = plausible[0]
    unknown = isinstance(detector, ListingDetector) and wanted not in detector.languages
    counts = not unknown or first.language in {_FALLEN_BACK, passage_language}
    return Verdict.LANGUAGE if counts and first.confidence >= _SURE else Verdict.KEPT_UNSURE


def copied_share(question: str, passage: str) -> float:
    """Return how much of a question is one verbatim piece of the passage, 0 to 1.

    That is the length of their longest common substring over that of the question, in characters,
    without regard to case, punctuation at the ends and the width of blanks. Names and terms that
    a question must repeat stay well below what copying a sentence gives.

    >>> passage = "The seal of the pump is replaced once a year."
    >>> round(copied_share("The seal of the pump is replaced once a year?", passage), 2)
    1.0
    >>> round(copied_share("How often is the seal of the pump replaced?", passage), 2)
    0.5
    """
    plain_question, plain_passage = _plain(question), _plain(passage)
    if not plain_question:
        return 0.0
    matcher = SequenceMatcher(None, plain_passage, plain_question, autojunk=False)
    return matcher.find_longest_match().size / len(plain_question)


def question_key(question: str) -> str:
    """Return what two questions share that differ in case, blanks and punctuation only.

    >>> question_key("Wie hoch, bitte?") == question_key("wie hoch bitte")
    True
    """
    return "".join(c for c in question.casefold() if unicodedata.category(c)[0] in "LMN")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip("?？؟;.!。¿¡ ")


def _scripts(language: str) -> set[str]:
    """Return the scripts of a language that is not written in Latin letters, else none.

    >>> sorted(_scripts("ja")), _scripts("de"), _scripts("sr")
    (['han', 'hiragana', 'katakana'], set(), set())
    """
    if home_script(language) in {"", "latin"}:
        return set()
    lone = {script for script, code in LONE_LANGUAGE.items() if code == language}
    return lone | {script for script, codes in SHARED_SCRIPTS.items() if language in codes}
