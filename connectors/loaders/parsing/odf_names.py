"""The vocabularies of OpenDocument, and what styles say that matters for text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["DC", "DRAW", "OFFICE", "SVG", "TABLE", "TEXT", "XLINK", "Styles", "attribute", "whole"]

_ODF = "{urn:oasis:names:tc:opendocument:xmlns:"
OFFICE, TEXT, TABLE = f"{_ODF}office:1.0}}", f"{_ODF}text:1.0}}", f"{_ODF}table:1.0}}"
DRAW, SVG = f"{_ODF}drawing:1.0}}", f"{_ODF}svg-compatible:1.0}}"
DC, XLINK = "{http://purl.org/dc/elements/1.1/}", "{http://www.w3.org/1999/xlink}"
_STYLE, _FO = f"{_ODF}style:1.0}}", f"{_ODF}xsl-fo-compatible:1.0}}"
_DEEPEST_STYLE = 20


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name with the vocabulary."""
    return str(element.get(name, default))


def whole(element: Any, name: str, default: int, most: int = 10**6) -> int:
    """Return an attribute that is a whole number, of at most ``most``."""
    value = element.get(name, "")
    return min(int(value), most) if value.isdecimal() and len(value) < 10 else default


class Styles:
    """Knows the styles of a document, which may stand in two parts."""

    def __init__(self, *roots: Any | None) -> None:
        self._by_name: dict[str, Any] = {}
        self._properties: dict[tuple[str, str, str], str] = {}
        self._titles: dict[str, bool] = {}
        self.lists: dict[str, Any] = {}
        self.outline: Any | None = None
        for root in roots:
            if root is None:
                continue
            for element in root.iter(f"{_STYLE}style"):
                self._by_name[element.get(f"{_STYLE}name", "")] = element
            for element in root.iter(f"{TEXT}list-style"):
                self.lists[element.get(f"{_STYLE}name", "")] = element
            for element in root.iter(f"{TEXT}outline-style"):
                self.outline = element

    def _chain(self, name: str) -> Iterator[Any]:
        """Yield a style and those that it comes from."""
        for _ in range(_DEEPEST_STYLE):
            style = self._by_name.get(name)
            if style is None:
                return
            yield style
            name = style.get(f"{_STYLE}parent-style-name", "")

    def _property(self, name: str, kind: str, wanted: str) -> str:
        key = name, kind, wanted
        if key not in self._properties:
            self._properties[key] = self._found(*key)
        return self._properties[key]

    def _found(self, name: str, kind: str, wanted: str) -> str:
        for style in self._chain(name):
            for properties in style.iterfind(f"{_STYLE}{kind}-properties"):
                if wanted in properties.attrib:
                    return str(properties.get(wanted))
        return ""

    def is_title(self, name: str) -> bool:
        """Tell whether paragraphs of a style are the title of the whole."""
        if name not in self._titles:
            chain = self._chain(name)
            self._titles[name] = any(style.get(f"{_STYLE}name") == "Title" for style in chain)
        return self._titles[name]

    def is_hidden(self, name: str) -> bool:
        """Tell whether text in a style is not shown."""
        return self._property(name, "text", f"{TEXT}display") == "none"

    def is_raised(self, name: str) -> bool:
        """Tell whether text in a style stands above the line."""
        position = self._property(name, "text", f"{_STYLE}text-position").partition(" ")[0]
        return position == "super" or (position.endswith("%") and position[0] not in "-0")

    def is_bold(self, name: str) -> bool:
        """Tell whether text in a style is bold."""
        weight = self._property(name, "text", f"{_FO}font-weight")
        return weight == "bold" or (weight.isdecimal() and int(weight[:4]) >= 600)

    def hides_table(self, name: str) -> bool:
        """Tell whether sheets of a style are hidden."""
        return self._property(name, "table", f"{TABLE}display") == "false"

    def list_style(self, name: str) -> str:
        """Return the style of lists that paragraphs of a style belong to."""
        named = (style.get(f"{_STYLE}list-style-name", "") for style in self._chain(name))
        return next((found for found in named if found), "")
