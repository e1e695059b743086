"""The style sheet of an RTF file: which styles are headings, and which the title."""

from __future__ import annotations

import re

__all__ = ["StyleSheet"]

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


class StyleSheet:
    """Knows styles by their numbers.

    >>> sheet = StyleSheet()
    >>> sheet.called(3, "heading 2")
    >>> sheet.heading(3), sheet.heading(3, level=0), sheet.heading(4)
    (2, 1, None)
    """

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}
        self._titles: set[int] = set()

    def outlined(self, style: int, level: int) -> None:
        """Take the outline level of a style, from 0."""
        self._levels[style] = level

    def called(self, style: int, name: str) -> None:
        """Take the name of a style."""
        heading = _HEADING.fullmatch(name)
        if heading:
            self._levels.setdefault(style, max(int(heading[1]) - 1, 0))
        elif name.lower() == "title":
            self._titles.add(style)

    def heading(self, style: int, level: int | None = None) -> int | None:
        """Return what a paragraph is a heading of, from 1, and 0 for the title; else None.

        ``level`` is its own outline level, which goes before that of its style.
        """
        if style in self._titles:
            return 0
        level = self._levels.get(style) if level is None else level
        return None if level is None or not 0 <= level < 9 else level + 1
