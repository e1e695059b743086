"""The numbers that OpenDocument draws before items of lists and before headings."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.loaders.parsing.counters import counted
from rag_engine.connectors.loaders.parsing.odf_names import TEXT, Styles, whole

__all__ = ["Counters"]

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_LEVELS = 10
# A format is named by its first numbers: "一, 二, 三, ..."; one sign tells it.
_FORMATS = {
    "一": "chineseCounting",
    "壹": "chineseLegalSimplified",
    "①": "decimalEnclosedCircle",
    "１": "decimalFullWidth",
    "ア": "aiueo",
    "ｱ": "aiueo",
    "イ": "iroha",
    "가": "ganada",
    "ㄱ": "chosung",
    "일": "koreanDigital",
    "甲": "ideographTraditional",
    "子": "ideographZodiac",
    "أ": "arabicAlpha",
    "ا": "arabicAlpha",
    "א": "hebrew2",
    "ก": "thaiLetters",
    "๑": "thaiNumbers",
    "१": "hindiNumbers",
    "١": "arabic-indic",
    "۱": "persian",
    "১": "bengali",
    "А": "russianUpper",
    "а": "russianLower",
}


class Counters:
    """Counts the items of lists and the headings of a document, which come in their order."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._counts: dict[str, list[int]] = {}
        self._headings = [0] * _LEVELS

    def begin_list(self, style: str, level: int, *, goes_on: bool) -> None:
        """Take the beginning of a list; the outermost one starts anew unless it goes on."""
        counts = self._counts.setdefault(style, [0] * _LEVELS)
        if not goes_on:
            first = level if level else 0
            counts[first:] = [0] * (_LEVELS - first)

    def item(self, style: str, level: int, start: int | None) -> str:
        """Take an item and return what is drawn before it; empty where that is a bullet."""
        definition = self._definition(self._styles.lists.get(style), level)
        counts = self._counts.setdefault(style, [0] * _LEVELS)
        return self._label(self._styles.lists.get(style), definition, counts, level, start)

    def heading(self, level: int, start: int | None) -> str:
        """Take a heading of a level from 0 and return its number, if headings have any."""
        outline = self._styles.outline
        level = min(level, _LEVELS - 1)
        return self._label(outline, self._definition(outline, level), self._headings, level, start)

    def _definition(self, style: Any | None, level: int) -> Any | None:
        for element in () if style is None else style:
            if element.get(f"{TEXT}level") == str(level + 1):
                return element
        return None

    def _label(
        self, style: Any, definition: Any | None, counts: list[int], level: int, start: int | None
    ) -> str:
        level = min(level, _LEVELS - 1)
        if definition is None:
            return ""
        first = whole(definition, f"{TEXT}start-value", 1)
        counts[level] = start if start is not None else (counts[level] or first - 1) + 1
        counts[level + 1 :] = [0] * (_LEVELS - level - 1)
        if not definition.get(f"{_STYLE}num-format"):
            return ""
        numbers = []
        shown = min(whole(definition, f"{TEXT}display-levels", 1), level + 1)
        for each in range(level + 1 - shown, level + 1):
            of_level = self._definition(style, each)
            form = "" if of_level is None else of_level.get(f"{_STYLE}num-format", "")
            if form:
                numbers.append(counted(max(counts[each], 1), _FORMATS.get(form[0], form)))
        before = definition.get(f"{_STYLE}num-prefix", "")
        after = definition.get(f"{_STYLE}num-suffix", "")
        return f"{before}{'.'.join(numbers)}{after} ".lstrip()
