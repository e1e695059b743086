"""Reads the pages of one document: the script first, then the text, and how sure it is.

Tesseract's script detection knows the big scripts and is often in doubt; it is believed if what
the script's models then read is sure. If it is not, the page is read as it lies, and with the
models of the other scripts, the ones that the detection does not know first; the surest reading
counts. What read a page of a document is tried first on the next one that tells too little.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rag_engine.connectors.loaders.ocr.models import LATIN, Models
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.page_text import PageText
from rag_engine.connectors.loaders.ocr.tesseract import Page, Tesseract, Turn
from rag_engine.connectors.loaders.ocr.tesseract_names import (
    how_to_install,
    likely_name,
    scripts_of_word,
)
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.ports import LanguageDetector

__all__ = ["PageReader", "Reading"]

SURE = 0.75
"""A reading that Tesseract is so sure of ends the search for a better one."""
SURE_OF_ANOTHER_SCRIPT = 0.85
"""What a reading must reach if a script was detected of which no model is installed."""
_DETECTED_WORDS = ("Arabic", "Bengali", "Cyrillic", "Devanagari", "Greek", "Han", "Hangul")
_MORE_WORDS = ("Hebrew", "Japanese", "Kannada", "Latin", "Malayalam", "Tamil", "Telugu", "Thai")
_KNOWN_TO_DETECTION = frozenset(
    script for word in (*_DETECTED_WORDS, *_MORE_WORDS) for script in scripts_of_word(word)
)
"""The scripts in ``osd.traineddata``, by the signs that it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A page's text, how sure Tesseract is of it (0 to 1), and the models that read it."""

    text: str
    confidence: float
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    page: Page
    models: tuple[str, ...]
    upright: bool
    """Whether it is known how the page lies."""
    scripts: tuple[str, ...] = ()
    """What the models were chosen by."""


class PageReader:
    """Reads the pages of one document, one after the other.

    Args:
        tesseract: the command.
        options: what was chosen.
        detector: tells the language of what was read, where many languages share a script.
    """

    def __init__(
        self, tesseract: Tesseract, options: OcrOptions, detector: LanguageDetector
    ) -> None:
        self._tesseract = tesseract
        self._options = options
        self._detector = detector
        self._models = Models(tesseract.models)
        self._named = self._models.named(options.languages)
        self._before: tuple[str, ...] = ()
        """The scripts of the page before."""
        self._languages: dict[str, None] = {}
        """The languages of what was read so far, the latest first."""

    def read(self, page: Page) -> Reading:
        """Read a page; a text of "" is a page on which nothing was found.

        Raises:
            LoadError: it can not be read, or no model for its script is installed.
            LoadLimitExceeded: it takes longer than a page may.
        """
        until = time.monotonic() + self._options.page_timeout_s
        turn = None
        if self._tesseract.tells_scripts:
            with contextlib.suppress(LoadLimitExceeded):  # told below, where nothing is read
                turn = self._tesseract.look(page, timeout_s=self._left(until))
        best: Reading | None = None
        scripts: tuple[str, ...] = ()
        missing = self._missing_script(turn)
        enough = SURE_OF_ANOTHER_SCRIPT if missing else SURE
        for attempt in self._attempts(page, turn):
            if best is not None and time.monotonic() >= until:
                break  # what was read in time counts
            try:
                reading = self._try(attempt, until)
            except LoadLimitExceeded:
                if best is None:
                    raise LoadLimitExceeded(
                        f"OCR of it took longer than {self._options.page_timeout_s:g} s; raise "
                        "ocr.page_timeout_s"
                    ) from None
                break
            if best is None or reading.confidence > best.confidence:
                best, scripts = reading, attempt.scripts
            if best.confidence >= enough or not reading.text:
                break  # where one model finds no lines, no other does
        if missing and (best is None or (best.text and best.confidence < enough)):
            raise LoadError(
                f"it is in {missing[0]} script, and no language of that is installed for "
                f"Tesseract: {how_to_install(filter(None, [likely_name(missing[1])]))}"
            )
        if best is None:
            raise LoadError(f"no language is installed for Tesseract: {how_to_install(['eng'])}")
        if best.confidence >= SURE:
            self._before = scripts
        return best

    def _missing_script(self, turn: Turn | None) -> tuple[str, str] | None:
        """Return the script that was detected, as Tesseract and ISO name it, if none reads it."""
        scripts = scripts_of_word(turn.script) if turn and not self._named else ()
        if turn is None or not scripts or self._models.of_scripts(scripts):
            return None
        return turn.script, scripts[0]

    def _attempts(self, page: Page, turn: Turn | None) -> Iterator[_Attempt]:
        """Yield the ways to read a page, likeliest first, none twice."""
        turned = page.turned(turn.degrees) if turn and turn.degrees else page
        sides = [turned, page] if turned is not page else [page]
        if self._named:
            for side in sides:
                yield _Attempt(page=side, models=self._named, upright=turn is not None)
            return
        detected = scripts_of_word(turn.script) if turn else ()
        others = [(script,) for script in self._models.scripts if script not in detected]
        others.sort(key=lambda one: (one[0] in _KNOWN_TO_DETECTION, one[0] != LATIN, one))
        tried: set[tuple[str, ...]] = set()
        for scripts in (detected, self._before, *others):
            models = self._of(scripts)
            if not models or models in tried:
                continue
            for side in [turned] if tried else sides:
                yield _Attempt(page=side, scripts=scripts, models=models, upright=turn is not None)
            tried.add(models)

    def _of(self, scripts: tuple[str, ...]) -> tuple[str, ...]:
        return self._models.of_scripts(scripts, tuple(self._languages))

    def _try(self, attempt: _Attempt, until: float) -> Reading:
        """Read a page, and once more if its language turns out to be one that was not asked for."""
        found = self._read(attempt, attempt.models, until)
        if not (attempt.scripts and found.text):
            return found
        language = self._detector.detect(found.text).language
        self._languages = {language: None, **self._languages}
        models = self._of(attempt.scripts)
        if set(models) == set(attempt.models):
            return found
        better = self._read(attempt, models, until)
        return max(found, better, key=lambda reading: reading.confidence)

    def _read(self, attempt: _Attempt, models: tuple[str, ...], until: float) -> Reading:
        found: PageText = self._tesseract.read(
            attempt.page, models, upright=attempt.upright, timeout_s=self._left(until)
        )
        return Reading(text=found.text, confidence=found.confidence, models=models)

    def _left(self, until: float) -> float:
        """Return the seconds left of a page's time.

        Raises:
            LoadLimitExceeded: there are none.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise LoadLimitExceeded(f"it took longer than {self._options.page_timeout_s:g} s")
        return left
