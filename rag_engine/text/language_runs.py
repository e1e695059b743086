"""Where a document changes its language."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rag_engine.ports import LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.text.scripts import script_counts
from rag_engine.text.stated_languages import StatedLanguages
from rag_engine.text.token_budget import Unit

__all__ = ["language_breaks"]

# A stretch in another language starts a new chunk only if it is long and clear enough that this
# is no quotation, no list of names and no mistake of the detector.
_ENOUGH_LETTERS = 80
_ENOUGH_SYLLABLES = 25
_CLEAR = 0.85
# A shorter one does if it is running text, and surer: of 475 beginnings of sentences in 39
# languages, of 60 letters, that the bundled detector is so sure of, none is told wrong.
_FEWEST_LETTERS = 50
_SURE = 0.9
_RUNNING = 0.9
_WORDS = re.compile(r"(?:[^\W\d_]|[\s,.;:'’\u0300-\u036f\u0900-\u109f-])+")
_FIRST_WIDE = "\u1100"
"""No sign before it is wide."""
_SYLLABLE = 3
"""Letters that a sign of East Asia tells as much as."""
_EAST_ASIAN = dict.fromkeys(("han", "hiragana", "katakana"), "east asian")
_SYLLABIC = frozenset({"east asian", "hangul"})
_MOSTLY = 0.8
_SAMPLE = 600


def language_breaks(
    text: str,
    units: Sequence[Unit],
    detector: LanguageDetector,
    stated: StatedLanguages,
) -> frozenset[int]:
    """Return the indexes of units that begin a long stretch in another language.

    Paragraphs are compared; within one, only a change of script counts. One whose language is not
    clear is in the one that is ``stated`` of it, if that is about as plausible as any.
    """
    breaks: set[int] = set()
    language = script = ""
    for first, last in _paragraphs(text, units):
        paragraph = text[units[first].start : units[last - 1].end]
        for begin, its_script in _script_runs(text, units, first, last, paragraph):
            if script and its_script != script:
                breaks.add(begin)
                language = ""
            script = its_script
        its_language = _clear_language(paragraph, detector) or _stated_language(
            paragraph, stated.shares(units[first].start, units[last - 1].end), detector
        )
        if language and its_language and its_language != language:
            breaks.add(first)
        language = its_language or language
    return frozenset(breaks)


def _paragraphs(text: str, units: Sequence[Unit]) -> Iterator[tuple[int, int]]:
    """Yield the units between two line ends as ranges of indexes."""
    first = 0
    for index in range(1, len(units)):
        if "\n" in text[units[index - 1].end : units[index].start]:
            yield first, index
            first = index
    if units:
        yield first, len(units)


def _script_runs(
    text: str, units: Sequence[Unit], first: int, last: int, paragraph: str
) -> Iterator[tuple[int, str]]:
    """Yield where a run of units in one script begins, and the script; long runs only."""
    if paragraph.isascii():
        if len(paragraph) >= _ENOUGH_LETTERS:
            yield first, "latin"
        return
    begin, script, letters = first, "", 0
    for index in range(first, last):
        its_script, its_letters = _clear_script(text[units[index].start : units[index].end])
        if its_script and its_script != script:
            if letters >= _enough(script):
                yield begin, script
            begin, script, letters = index, its_script, 0
        letters += its_letters
    if letters >= _enough(script):
        yield begin, script


def _enough(script: str) -> int:
    return _ENOUGH_SYLLABLES if script in _SYLLABIC else _ENOUGH_LETTERS // 2


def _clear_script(stretch: str) -> tuple[str, int]:
    """Return the script that (nearly) all letters are in, and their number; else ("", 0)."""
    counts: Counter[str] = Counter()
    for script, letters in script_counts(stretch).items():
        counts[_EAST_ASIAN.get(script, script)] += letters
    if not counts:
        return "", 0
    script, letters = counts.most_common(1)[0]
    return (script, letters) if letters >= _MOSTLY * counts.total() else ("", 0)


def _clear_language(paragraph: str, detector: LanguageDetector) -> str:
    length = _length(paragraph)
    if length < _FEWEST_LETTERS or (length < _ENOUGH_LETTERS and not _is_running(paragraph)):
        return ""
    detection = detector.detect(paragraph[:_SAMPLE])
    least = _CLEAR if length >= _ENOUGH_LETTERS else _SURE
    clear = detection.language != UNDETERMINED and detection.confidence >= least
    return detection.language if clear else ""


def _stated_language(paragraph: str, said: Mapping[str, float], detector: LanguageDetector) -> str:
    language = max(sorted(said), key=said.__getitem__, default="")
    if not said or said[language] < _MOSTLY or _length(paragraph) < _FEWEST_LETTERS:
        return ""
    found = detector.plausible(paragraph[:_SAMPLE])
    told = {each.language: each.confidence for each in found if each.language != UNDETERMINED}
    return language if told.get(language, 0.0) >= max(told.values(), default=1.0) / 2 else ""


def _length(paragraph: str) -> int:
    """Return how long a paragraph is, in letters; one of East Asia counts for several."""
    start = paragraph[:_ENOUGH_LETTERS]
    if max(start, default="") < _FIRST_WIDE:
        return len(paragraph)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in start)
    return len(paragraph) + (_SYLLABLE - 1) * wide


def _is_running(paragraph: str) -> bool:
    """Tell whether a paragraph is words, and no row of a table, listing or line of code."""
    running = sum(map(len, _WORDS.findall(paragraph)))
    return running >= _RUNNING * len(paragraph)
