"""The numbers that Word draws before paragraphs, counted as Word counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from docx.oxml.ns import qn

from rag_engine.connectors.loaders.parsing.counters import counted
from rag_engine.connectors.loaders.parsing.docx_styles import Styles

__all__ = ["Numbering"]

_VAL, _ILVL, _NUM_ID = qn("w:val"), qn("w:ilvl"), qn("w:numId")
_NUM_PR = qn("w:numPr")
_NUMBER_OF_LEVEL = re.compile(r"%([1-9])")
_LEVELS = 9
_MAX_LINKS = 10
_GREATEST = 10**9


@dataclass(frozen=True, slots=True)
class _Level:
    start: int = 1
    style: str = "decimal"
    text: str = ""
    blank: str = " "
    legal: bool = False
    restart: int | None = None


class Numbering:
    """Counts the numbered paragraphs of a document, which are handed over in their order."""

    def __init__(self, root: Any | None, styles: Styles) -> None:
        self._styles = styles
        self._nums: dict[str, Any] = {}
        self._abstract: dict[str, Any] = {}
        self._levels: dict[tuple[str, int], _Level | None] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()
        for element in () if root is None else root:
            if element.tag == qn("w:num"):
                self._nums[element.get(_NUM_ID, "")] = element
            elif element.tag == qn("w:abstractNum"):
                self._abstract[element.get(qn("w:abstractNumId"), "")] = element

    def label(self, properties: Any | None) -> str | None:
        """Return what stands before a paragraph with these properties, with its blank.

        None: it is no item of a list. Empty: it is one, with a bullet.
        """
        place = self._place(properties)
        if place is None:
            return None
        num_id, level = place
        definition = self._level(num_id, level)
        if definition is None:
            return ""
        counts = self._count(num_id, level, definition)
        if definition.style == "bullet":
            return ""
        text = _NUMBER_OF_LEVEL.sub(
            lambda match: self._written(num_id, int(match.group(1)) - 1, counts, definition),
            definition.text,
        ).strip()
        return f"{text}{definition.blank}" if text else ""

    def _place(self, properties: Any | None) -> tuple[str, int] | None:
        """Return the list and the level of a paragraph: its own, or those of its style."""
        if properties is None:
            return None
        direct = properties.find(_NUM_PR)
        num_id, level = (None, None) if direct is None else _num_and_level(direct)
        if num_id is None:
            style = self._styles.numbering(properties)
            if style is not None:
                of_style, level_of_style = _num_and_level(style)
                num_id = of_style
                level = level_of_style if level is None else level
        return None if num_id is None or num_id not in self._nums else (num_id, level or 0)

    def _count(self, num_id: str, level: int, definition: _Level) -> list[int | None]:
        counts = self._counts.setdefault(self._abstract_id(num_id), [None] * _LEVELS)
        override = self._override(num_id, level)
        before = counts[level]
        if override is not None and (num_id, level) not in self._begun:
            counts[level] = override
        else:
            counts[level] = definition.start if before is None else min(before + 1, _GREATEST)
        self._begun.add((num_id, level))
        for deeper in range(level + 1, _LEVELS):
            below = self._level(num_id, deeper)
            if below is None or below.restart is None or level < below.restart:
                counts[deeper] = None
        return counts

    def _override(self, num_id: str, level: int) -> int | None:
        for element in self._nums[num_id].iterfind(qn("w:lvlOverride")):
            if element.get(_ILVL) == str(level):
                return _whole(element.find(qn("w:startOverride")))
        return None

    def _written(self, num_id: str, level: int, counts: list[int | None], shown: _Level) -> str:
        """Write the number of a level; one that had no paragraph yet stands at its start."""
        definition = self._level(num_id, level) or _Level()
        number = counts[level]
        number = definition.start if number is None else number
        if shown.legal:
            return str(number)
        if definition.style in {"bullet", "none"}:
            return ""
        if definition.style.startswith("0"):  # a format such as 001, 002, 003
            return str(number).zfill(len(definition.style))
        return counted(number, definition.style)

    def _abstract_id(self, num_id: str) -> str:
        """Return the definition that a list counts with, over links to styles of lists."""
        identifier = ""
        for _ in range(_MAX_LINKS):
            number = self._nums.get(num_id)
            identifier = "" if number is None else _value(number.find(qn("w:abstractNumId")))
            definition = self._abstract.get(identifier)
            link = None if definition is None else definition.find(qn("w:numStyleLink"))
            properties = None if link is None else self._styles.own_numbering(_value(link))
            linked = None if properties is None else _num_and_level(properties)[0]
            if linked is None or linked == num_id:
                break
            num_id = linked
        return identifier

    def _level(self, num_id: str, level: int) -> _Level | None:
        if (num_id, level) not in self._levels:
            self._levels[num_id, level] = self._look_up(num_id, level)
        return self._levels[num_id, level]

    def _look_up(self, num_id: str, level: int) -> _Level | None:
        own = (
            override.find(qn("w:lvl"))
            for override in self._nums[num_id].iterfind(qn("w:lvlOverride"))
            if override.get(_ILVL) == str(level)
        )
        element = next((found for found in own if found is not None), None)
        abstract = self._abstract.get(self._abstract_id(num_id))
        if element is None and abstract is not None:
            levels = abstract.iterfind(qn("w:lvl"))
            element = next((lvl for lvl in levels if lvl.get(_ILVL) == str(level)), None)
        return None if element is None else _read_level(element)


def _read_level(element: Any) -> _Level:
    form = next(element.iter(qn("w:numFmt")), None)
    style = _value(form, "decimal")
    if style == "custom" and form is not None:
        style = form.get(qn("w:format"), "").partition(",")[0].strip()
    start = _whole(element.find(qn("w:start")))
    legal = element.find(qn("w:isLgl"))
    return _Level(
        start=0 if start is None else start,
        style=style,
        text=_value(element.find(qn("w:lvlText"))),
        blank="" if _value(element.find(qn("w:suff"))) == "nothing" else " ",
        legal=legal is not None and legal.get(_VAL, "1") not in {"0", "false", "off"},
        restart=_whole(element.find(qn("w:lvlRestart"))),
    )


def _num_and_level(properties: Any) -> tuple[str | None, int | None]:
    number = properties.find(_NUM_ID)
    level = _whole(properties.find(_ILVL))
    within = None if level is None else min(max(level, 0), _LEVELS - 1)
    return (None if number is None else _value(number)), within


def _value(element: Any | None, default: str = "") -> str:
    return default if element is None else str(element.get(_VAL, default))


def _whole(element: Any | None) -> int | None:
    value = _value(element).strip()
    return min(int(value), _GREATEST) if value.isdecimal() and len(value) < 12 else None
