"""What styles say: whether a paragraph is a heading, which list it is of, what is not shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

__all__ = ["Styles"]

_VAL, _STYLE, _NUM_PR = qn("w:val"), qn("w:pStyle"), qn("w:numPr")
_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"toc (?:heading|\d)", re.IGNORECASE)
_MAX_STYLE_DEPTH = 20
_RUN, _PARAGRAPH, _RUN_STYLE = qn("w:r"), qn("w:p"), f"{qn('w:rPr')}/{qn('w:rStyle')}"
_VANISH = f"{qn('w:rPr')}/{qn('w:vanish')}"
_DEFAULTS = f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}"
_NO_TEXT = frozenset({qn("w:rPr"), qn("w:fldChar"), qn("w:instrText")})


class Styles:
    """Knows the paragraph styles of a document, in whatever language Word was used."""

    def __init__(self, document: Any) -> None:
        self._by_id = {style.style_id: style.element for style in document.styles}
        self._default = next(
            (
                style_id
                for style_id, element in self._by_id.items()
                if element.get(qn("w:type")) == "paragraph"
                and element.get(qn("w:default")) in {"1", "true", "on"}
            ),
            "",
        )
        self._defaults = document.styles.element.find(_DEFAULTS)
        self._levels: dict[str, int | None] = {}
        self._numbering: dict[str, Any | None] = {}

    def level(self, properties: Any | None) -> int | None:
        """Return 0 for a title, 1 to 9 for a heading, None for other text."""
        if properties is None:
            return None
        direct = _outline_level(properties)
        if direct is not None:
            return direct
        style = properties.find(_STYLE)
        if style is None:
            return None
        style_id = style.get(_VAL, "")
        if style_id not in self._levels:
            self._levels[style_id] = self._level_of(style_id)
        return self._levels[style_id]

    def is_contents(self, properties: Any | None) -> bool:
        """Tell whether a paragraph is of a table of contents, which names all headings again."""
        style = None if properties is None else properties.find(_STYLE)
        element = None if style is None else self._by_id.get(style.get(_VAL, ""))
        name = None if element is None else element.find(qn("w:name"))
        return name is not None and _CONTENTS.fullmatch(name.get(_VAL, "")) is not None

    def numbering(self, properties: Any) -> Any | None:
        """Return the ``w:numPr`` that a paragraph has from its style."""
        style = properties.find(_STYLE)
        style_id = self._default if style is None else style.get(_VAL, "")
        if style_id not in self._numbering:
            found = (self.own_numbering(name) for name in self._chain(style_id))
            self._numbering[style_id] = next((each for each in found if each is not None), None)
        return self._numbering[style_id]

    def of_runs(self, properties: Any | None, name: str) -> Any | None:
        """Return what a paragraph's style says of a property of its runs, such as ``w:lang``.

        What the style says that all paragraphs have does not count, nor what says the same as the
        defaults: not every program marks that style as the one that it is.
        """
        style = None if properties is None else properties.find(_STYLE)
        names = self._chain("" if style is None else style.get(_VAL, ""))
        path = f"{qn('w:rPr')}/{name}"
        usual = None if self._defaults is None else self._defaults.find(name)
        found = (self._by_id[its_id].find(path) for its_id in names if its_id != self._default)
        said = next((each for each in found if each is not None), None)
        if said is not None and usual is not None and said.attrib == usual.attrib:
            return None
        return said

    def own_numbering(self, style_id: str) -> Any | None:
        """Return the ``w:numPr`` of a style itself."""
        style = self._by_id.get(style_id)
        return None if style is None else style.find(f"{qn('w:pPr')}/{_NUM_PR}")

    def empty_hidden(self, root: Any) -> None:
        """Take out of a part what its styles hide; what runs hide themselves stays."""
        if all(style.find(_VANISH) is None for style in self._by_id.values()):
            return
        for run in root.iter(_RUN):
            if run.find(_VANISH) is None and self._is_hidden(run):
                for child in list(run):
                    if child.tag not in _NO_TEXT:
                        run.remove(child)

    def _is_hidden(self, run: Any) -> bool:
        """Tell it by the style of the run, else by that of its paragraph."""
        paragraph = next(run.iterancestors(_PARAGRAPH), None)
        of_paragraph = None if paragraph is None else paragraph.find(f"{qn('w:pPr')}/{_STYLE}")
        for style, usual in ((run.find(_RUN_STYLE), ""), (of_paragraph, self._default)):
            style_id = usual if style is None else style.get(_VAL, "")
            for name in self._chain(style_id):
                switch = self._by_id[name].find(_VANISH)
                if switch is not None:
                    return switch.get(_VAL, "1") not in {"0", "false", "off"}
        return False

    def _chain(self, style_id: str) -> Iterator[str]:
        """Yield a style and those that it is based on."""
        for _ in range(_MAX_STYLE_DEPTH):
            style = self._by_id.get(style_id)
            if style is None:
                return
            yield style_id
            based_on = style.find(qn("w:basedOn"))
            style_id = "" if based_on is None else based_on.get(_VAL, "")

    def _level_of(self, style_id: str) -> int | None:
        for name_of_style in self._chain(style_id):
            style = self._by_id[name_of_style]
            name = style.find(qn("w:name"))
            shown = "" if name is None else name.get(_VAL, "")
            if shown.lower() == "title":
                return 0
            heading = _HEADING_STYLE.fullmatch(shown)
            if heading:
                return int(heading.group(1)) or 1
            properties = style.find(qn("w:pPr"))
            level = None if properties is None else _outline_level(properties)
            if level is not None:
                return level
        return None


def _outline_level(properties: Any) -> int | None:
    element = properties.find(qn("w:outlineLvl"))
    value = "" if element is None else element.get(_VAL, "")
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else None
