"""Which language a text is in: by its script first, by models where that is open."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from rag_engine.ports import Detection
from rag_engine.records import UNDETERMINED
from rag_engine.text.han_standards import han_evidence
from rag_engine.text.scripts import (
    LATIN_LANGUAGES_EXCLUDED,
    LONE_LANGUAGE,
    SHARED_SCRIPTS,
    main_script,
    script_counts,
)

__all__ = ["LanguageModel", "ScriptFirstDetector", "pooled"]

_RULES = "2"
"""Raised by hand when the rules of this file give another language for the same text."""

# Addresses, numbers and codes, which say nothing about a language. Only what European scripts
# write without a blank belongs to them: a Chinese sentence around a year must stay.
_NO_WORD = re.compile(r"(?<![!-\u024f])[!-\u024f]*?(?:\d|@|://|www\.|[_\\])[!-\u024f]*")
_MODEL_CHARACTERS = 400
# Chinese characters without kana, some of which only one of both languages has: of FLORES' words
# fewer than one in two hundred were told wrong.
_HAN_SURE = 0.97
# Titles and names in Japanese are often without kana, long texts are not: where nothing else tells,
# so many characters are worth as much as what the models say.
_HAN_TITLE = 4
# Fewer Greek letters than this are units and symbols (µA, ΔT).
_GREEK_SYMBOLS = 3
_PLAUSIBLE_SHARE = 0.05
_PLAUSIBLE_COUNT = 4
_UNDETERMINED_COUNT = 12
# A document's language, its paragraphs' and its passages' are asked for one after the other, for
# all documents of a batch, and mostly of the same words: each entry takes 2 kB at most.
_REMEMBERED = 2_048


class LanguageModel(Protocol):
    """A model that tells languages from words, whatever their script."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages (BCP-47, primary subtags) that it may find."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same text may be told differently."""
        ...

    def shares(self, words: str) -> Mapping[str, float]:
        """Return how likely a text is in each of some languages; the sum is 1 at most."""
        ...


class ScriptFirstDetector:
    """Detects languages by their scripts, and by what models say on average.

    The script decides first: Greek letters are Greek whatever a model thinks. The models then
    choose among the languages of that script. A text in Latin letters of which they are not sure
    (a name, a code) is ``und``: where no language is as likely as ``sure``. Instances may be
    shared between threads.
    """

    def __init__(self, models: Sequence[LanguageModel], *, sure: float) -> None:
        self._models = tuple(models)
        self._sure = sure
        of_models = frozenset[str]().union(*(model.languages for model in models))
        self._languages = of_models | set(LONE_LANGUAGE.values())
        self._knowing = Counter(code for model in models for code in model.languages)
        self.version = "+".join((*(model.version for model in models), f"rules-{_RULES}-{sure}"))
        self._of_words = lru_cache(maxsize=_REMEMBERED)(self._ranked)

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it may find: nearly all of the models', and those with a script."""
        return self._languages

    def detect(self, text: str) -> Detection:
        """Return the likeliest language and how sure that is; ``und`` when it can not be told."""
        return self._of_words(_words(text))[0]

    def plausible(self, text: str) -> tuple[Detection, ...]:
        """Return every language that the text may well be in, likeliest first, never empty.

        Where ``detect`` would say ``und``, that comes first and up to a dozen languages follow,
        else there are at most four; ``und`` stands alone where there are no words to go by.
        """
        first, *rest = self._of_words(_words(text))
        if first.language == UNDETERMINED:
            return (first, *_near(rest, _UNDETERMINED_COUNT))
        return _near([first, *rest], _PLAUSIBLE_COUNT)

    def _ranked(self, words: str) -> list[Detection]:
        """Return the languages of the words' script, likeliest first; led by ``und`` if unsure."""
        script = main_script(words)
        if script == "greek" and script_counts(words)["greek"] < _GREEK_SYMBOLS:
            return [Detection(UNDETERMINED, 0.0)]
        if script in LONE_LANGUAGE:
            return [Detection(LONE_LANGUAGE[script], 1.0)]
        if script == "han":
            return self._of_han(words)
        if script in SHARED_SCRIPTS:
            return self._told(words, script)
        ranked = self._by_models(words, None) if script == "latin" else []
        if not ranked or ranked[0].confidence < self._sure:
            return [Detection(UNDETERMINED, 0.0), *ranked]
        return ranked

    def _of_han(self, words: str) -> list[Detection]:
        """Tell Chinese from Japanese without kana: by the forms of characters, else by models."""
        evidence = han_evidence(words)
        if evidence:
            sure, other = ("ja", "zh") if evidence > 0 else ("zh", "ja")
            return [Detection(sure, _HAN_SURE), Detection(other, 1 - _HAN_SURE)]
        allowed = SHARED_SCRIPTS["han"]
        told = {each.language: each.confidence for each in self._told(words, "han")}
        title = _HAN_TITLE / (_HAN_TITLE + len(words))
        mixed = (
            Detection(code, (1 - title) * told.get(code, 0.0) + title / len(allowed))
            for code in allowed
        )
        return sorted(mixed, key=lambda detection: -detection.confidence)

    def _told(self, words: str, script: str) -> list[Detection]:
        """Return what the models say of the languages of a script, which is certain."""
        allowed = SHARED_SCRIPTS[script]
        return _shares(self._by_models(words, frozenset(allowed))) or [Detection(allowed[0], 0.5)]

    def _by_models(self, words: str, allowed: frozenset[str] | None) -> list[Detection]:
        scores = {
            code: score
            for code, score in pooled(
                [model.shares(words) for model in self._models], self._knowing
            ).items()
            if ((code in allowed) if allowed is not None else code not in LATIN_LANGUAGES_EXCLUDED)
        }
        return sorted(
            (Detection(code, score) for code, score in scores.items()),
            key=lambda detection: (-detection.confidence, detection.language),
        )


def pooled(shares: Sequence[Mapping[str, float]], knowing: Mapping[str, int]) -> dict[str, float]:
    """Return the mean of what models say about each language, over those that know it.

    A model that does not know a language says something wrong about a text in it, but nothing
    about that language. Nothing is weighted: no data were needed to choose a weight. The sum is 1
    at most.

    >>> pooled([{"ha": 0.75}, {"pl": 0.5, "cs": 0.25}], {"ha": 1, "pl": 2, "cs": 2})
    {'ha': 0.6666666666666666, 'pl': 0.2222222222222222, 'cs': 0.1111111111111111}
    """
    scores: dict[str, float] = {}
    for its_shares in shares:
        for code, share in its_shares.items():
            scores[code] = scores.get(code, 0.0) + share / knowing.get(code, len(shares))
    total = max(1.0, sum(scores.values()))
    return {code: score / total for code, score in scores.items()}


def _words(text: str) -> str:
    """Return the text without addresses, numbers and codes, cut to what a model needs."""
    return _words_of(text[: 2 * _MODEL_CHARACTERS])


@lru_cache(maxsize=_REMEMBERED)
def _words_of(beginning: str) -> str:
    plain = unicodedata.normalize("NFKC", beginning)
    return " ".join(_NO_WORD.sub(" ", plain).split())[:_MODEL_CHARACTERS]


def _near(detections: list[Detection], count: int) -> tuple[Detection, ...]:
    floor = _PLAUSIBLE_SHARE * max((detection.confidence for detection in detections), default=0.0)
    return tuple(detection for detection in detections[:count] if detection.confidence >= floor)


def _shares(detections: list[Detection]) -> list[Detection]:
    total = sum(detection.confidence for detection in detections)
    return [Detection(detection.language, detection.confidence / total) for detection in detections]
