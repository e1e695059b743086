"""Which of the old code pages a text was written in, judged by what each would make of it.

Hardly any byte is wrong in a code page, and a general detector often takes one for another:
Spanish "ñ" comes out as "ń". Here a text is read in every code page, and each reading is weighed
by its letters (see ``letters``) and by the languages that the language detector finds in it, of
those that were written in that code page. The posterior of a reading is ``sum over languages of
P(language | reading) * exp(fit)``, times a prior of the code page.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.letters import Letters, fit, letters_of
from rag_engine.connectors.loaders.parsing.vietnamese_syllables import is_of_syllables
from rag_engine.ports import LanguageDetector
from rag_engine.vietnamese_encodings import VIETNAMESE_ENCODINGS, know_vietnamese_encodings

__all__ = ["Verdict", "judge"]

_WEST = "de fr es pt it nl sv da no fi is en ca gl ga sq af"
_CENTRAL = "pl cs sk hu ro hr sl sq de"
_BALTIC = "lt lv et"
_CODE_PAGES: dict[str, tuple[float, str]] = {
    "cp1252": (2, f"{_WEST} et"),
    "cp1250": (1, _CENTRAL),
    "cp1251": (1, "ru uk bg sr mk be"),
    "cp1253": (1, "el"),
    "cp1254": (1, "tr"),
    "cp1255": (1, "he"),
    "cp1256": (1, "ar fa"),
    "cp1257": (1, _BALTIC),
    "cp1258": (0.9, "vi"),
    "tcvn3": (0.5, "vi"),
    "vni": (0.5, "vi"),
    "viscii": (0.4, "vi"),
    "cp874": (1, "th"),
    "gb18030": (1, "zh"),
    "cp950": (1, "zh"),
    "big5hkscs": (0.2, "zh"),
    "cp932": (1, "ja"),
    "euc_jp": (0.9, "ja"),
    "cp949": (1, "ko"),
    "johab": (0.3, "ko"),
    "koi8_r": (0.9, "ru bg"),
    "koi8_u": (0.9, "uk be"),
    "cp866": (0.9, "ru bg be"),
    "cp1125": (0.5, "uk"),
    "cp855": (0.5, "sr mk bg ru"),
    "iso8859_5": (0.8, "ru bg sr mk be uk"),
    "kz1048": (0.5, "kk"),
    "ptcp154": (0.4, "kk ky tt ba"),
    "koi8_t": (0.4, "tg"),
    "mac_cyrillic": (0.5, "ru bg sr mk be uk"),
    "iso8859_2": (0.9, _CENTRAL),
    "cp852": (0.8, _CENTRAL),
    "mac_latin2": (0.4, "pl cs sk hu de lt lv et"),
    "mac_croatian": (0.3, "hr sl"),
    "mac_romanian": (0.3, "ro"),
    "iso8859_16": (0.2, "ro pl hu hr sl sq"),
    "iso8859_15": (0.9, f"{_WEST} et"),
    "cp850": (0.8, _WEST),
    "cp437": (0.8, "de fr es it nl sv fi en ca"),
    "cp858": (0.5, _WEST),
    "mac_roman": (0.7, f"{_WEST} et"),
    "cp865": (0.3, "da no"),
    "cp861": (0.3, "is"),
    "mac_iceland": (0.3, "is"),
    "cp863": (0.2, "fr"),
    "cp860": (0.3, "pt"),
    "iso8859_10": (0.2, "is sv no da"),
    "iso8859_13": (0.5, _BALTIC),
    "iso8859_4": (0.5, _BALTIC),
    "cp775": (0.6, _BALTIC),
    "cp857": (0.7, "tr"),
    "mac_turkish": (0.5, "tr"),
    "iso8859_3": (0.4, "mt eo"),
    "iso8859_14": (0.3, "cy ga"),
    "iso8859_7": (0.9, "el"),
    "cp737": (0.8, "el"),
    "cp869": (0.4, "el"),
    "mac_greek": (0.5, "el"),
    "iso8859_8": (0.8, "he"),
    "cp862": (0.8, "he"),
    "iso8859_6": (0.8, "ar"),
    "cp720": (0.4, "ar"),
    "mac_arabic": (0.3, "ar"),
    "mac_farsi": (0.3, "fa"),
}
"""Each with its prior, and the languages that were written in it. Of those that read a text alike
the first is named."""

_STANDARDS = {
    "gb18030": "gb18030",
    "cp950": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "cp932": "cp932",
    "euc_jp": "cp932",
    "cp949": "euc_kr",
    "johab": "euc_kr",
}
"""What tells the common characters of East Asian code pages."""
_OUTSIDE_ASCII = re.compile(rb"[\x80-\xff]")
_SAME_TO_A_READER = str.maketrans("şţŞŢ", "șțȘȚ")
_LEAST_SHARE = 1e-3
"""Of a language that the detector does not name."""
_HOPELESS = 15.0
"""How much worse than the best (the logarithm) letters may fit for the detector to be asked."""
_CLOSE = 0.3
"""How likely the next reading may be, with the best at 1, before a person is told."""
_CLOSE_OF_NO_LANGUAGE = 0.1
_TOLD_LANGUAGE = math.log(0.02)
"""How likely a reading is at least in whose language the detector believes."""
_BELIEVED = 8.0
"""How much less likely (the logarithm) a declared code page may be."""
_TOLD_FROM = 2.0
"""How much less likely it may be before a person is told."""
_DECLARED_BY_HABIT = "cp1252"
"""Pages of all languages declare it; that says nothing."""
_OF_WINDOWS = re.compile(r"cp125\d|cp874|cp9(?:32|49|50)|gb18030")
_FEW_SIGNS = 4
"""With fewer bytes outside ASCII, files of Windows, which are most, are the likelier the fewer."""
_FEWEST_LETTERS = 2
"""That a language is told from: of ``£35`` another code page makes a letter and a number."""
_POOR = math.log(0.3)
"""For each byte outside ASCII."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The likeliest code page, and the next one that reads the text otherwise, if any.

    ``doubtful``: the next is nearly as likely, or even the first one makes no good text.
    """

    encoding: str
    second: str = ""
    doubtful: bool = False

    @property
    def doubt(self) -> str:
        """The next one, where it is nearly as likely."""
        return (self.second or "another") if self.doubtful else ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What some code pages, all of them alike, make of the bytes."""

    encodings: tuple[str, ...]
    text: str
    letters: Letters

    def best_fit(self) -> float:
        return max(
            fit(self.letters, language) for name in self.encodings for language in _languages(name)
        )


def judge(sample: bytes, *, declared: str = "") -> Verdict | None:
    """Judge a piece of a text that is no Unicode; None if nothing reads it.

    A code page that is ``declared`` is believed unless another one is much likelier.

    >>> judge("El niño bebió agua en la montaña.".encode("cp850")).encoding
    'cp850'
    >>> judge("Насос не включается.".encode("koi8_r")).encoding
    'koi8_r'
    """
    readings = _readings(sample, declared)
    signs = len(_OUTSIDE_ASCII.findall(sample))
    if not signs:
        return None
    fits = [reading.best_fit() for reading in readings]
    hopeful = [r for r, value in zip(readings, fits, strict=True) if value > max(fits) - _HOPELESS]
    scored = sorted((_best(reading, signs) for reading in hopeful), key=lambda pair: -pair[0])
    best, encoding = scored[0]
    claimed = next((r for r in hopeful if declared in r.encodings), None)
    if claimed is not None and encoding in claimed.encodings:
        return Verdict(declared)
    if claimed is not None and declared != _DECLARED_BY_HABIT:
        behind = best - _best(claimed, signs)[0]
        if behind < _BELIEVED:
            return Verdict(declared, encoding, doubtful=behind > _TOLD_FROM)
    mixed = {name for reading in hopeful if reading.letters.mixed for name in reading.encodings}
    unmixed = (pair for pair in scored[1:] if pair[1] not in mixed)
    next_best, second = next(unmixed, (-math.inf, ""))
    poor = next(r.best_fit() for r in hopeful if encoding in r.encodings) / signs < _POOR
    close = _CLOSE if best > _TOLD_LANGUAGE else _CLOSE_OF_NO_LANGUAGE
    doubtful = poor or next_best > best + math.log(close)
    return Verdict(encoding, second, doubtful)


def _languages(encoding: str) -> list[str]:
    return _CODE_PAGES[encoding][1].split() if encoding in _CODE_PAGES else _all_languages()


@functools.cache
def _all_languages() -> list[str]:
    return sorted({name for _, names in _CODE_PAGES.values() for name in names.split()})


def _readings(sample: bytes, declared: str) -> list[_Reading]:
    """Return what the code pages make of the bytes; a declared one is among them."""
    know_vietnamese_encodings()
    alike: dict[str, tuple[str, list[str]]] = {}
    for encoding in dict.fromkeys((*_CODE_PAGES, *filter(None, (declared,)))):
        text = unicodedata.normalize("NFC", sample.decode(encoding, errors="replace"))
        if encoding in VIETNAMESE_ENCODINGS and encoding != declared and not is_of_syllables(text):
            continue
        alike.setdefault(text.translate(_SAME_TO_A_READER), (text, []))[1].append(encoding)
    return [
        _Reading(tuple(encodings), text, letters_of(text, _STANDARDS.get(encodings[0], "")))
        for text, encodings in alike.values()
    ]


def _best(reading: _Reading, signs: int) -> tuple[float, str]:
    """Return the logarithm of how likely a reading is, up to what all have in common.

    With it comes the code page that makes it so.
    """
    shares = _shares(reading.text)
    scores = []
    for encoding in reading.encodings:
        likelihood = math.fsum(
            shares.get(language, _LEAST_SHARE) * math.exp(fit(reading.letters, language))
            for language in _languages(encoding)
        )
        prior = _CODE_PAGES.get(encoding, (0.5, ""))[0]
        if not _OF_WINDOWS.fullmatch(encoding):
            prior *= min(1.0, signs / _FEW_SIGNS)
        scores.append((math.log(prior) + math.log(max(likelihood, 1e-300)), encoding))
    return max(scores, key=lambda pair: pair[0])


def _shares(text: str) -> Mapping[str, float]:
    """Return how likely the languages are; a single letter tells of none, only of a script."""
    if sum(map(str.isalpha, text)) < _FEWEST_LETTERS:
        return {}
    return {found.language: found.confidence for found in _detector().plausible(text)}


@functools.cache
def _detector() -> LanguageDetector:
    # Only where a text is no Unicode: its model takes a moment to load.
    from rag_engine.connectors.detectors.fasttext import FastTextDetector

    return FastTextDetector()
