"""The marks within a line of AsciiDoc: their words are kept, they are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

__all__ = ["shown", "with_attributes"]

_MOST_ATTRIBUTES = 100
"""Names of attributes that one line puts in; more is a trick, not a text."""
_ATTRIBUTE = re.compile(r"(\\?)\{([A-Za-z0-9_][\w-]*)\}")
_GIVEN = {
    "amp": "&",
    "apos": "'",
    "asterisk": "*",
    "backslash": "\\",
    "backtick": "`",
    "blank": "",
    "empty": "",
    "gt": ">",
    "lt": "<",
    "nbsp": "\u00a0",
    "plus": "+",
    "quot": '"',
    "sp": " ",
    "vbar": "|",
    "zwsp": "\u200b",
}

_Change = str | Callable[[re.Match[str]], str]

_FIRST: tuple[tuple[re.Pattern[str], _Change], ...] = (
    (re.compile(r"\(\(\((?:[^()]|\([^()]*\)){1,300}?\)\)\)"), ""),  # terms of the index, unseen
    (re.compile(r"\(\(([^()]{1,300})\)\)"), r"\1"),
    (re.compile(r"\[\[[^\[\]]{1,200}\]\]|anchor:[^\s\[\]]{1,200}\[[^\]]{0,200}\]"), ""),
    (re.compile(r"(?:indexterm2):\[([^\]]{0,300})\]"), r"\1"),
    (re.compile(r"indexterm:\[[^\]]{0,300}\]"), ""),
    (
        re.compile(r"(?:footnote|footnoteref):[\w-]{0,60}\[([^\]]{0,2000})\]"),
        lambda match: f" ({match.group(1)})" if match.group(1) else "",
    ),
    (
        re.compile(r"(?:image|icon)::?[^\s\[\]]{1,500}\[([^\]]{0,500})\]"),
        lambda m: _first(m.group(1)),
    ),
    (re.compile(r"<<([^<>,]{1,200}),([^<>]{1,500})>>"), lambda m: m.group(2).strip()),
    (re.compile(r"<<#?([^<>,]{1,200})>>"), lambda m: m.group(1)),
    (re.compile(r"menu:([^\[\]]{1,200})\[([^\]]{0,200})\]"), lambda m: _menu(*m.groups())),
    (re.compile(r"(?:kbd|btn|pass|stem|latexmath|asciimath):[\w,]{0,20}\[([^\]]{0,500})\]"), r"\1"),
    (
        re.compile(
            r"\b(?:link:|xref:|mailto:|(?=https?://|ftp://|irc://))([^\s\[\]<>]{1,1000})"
            r"\[([^\]]{0,1000})\]"
        ),
        lambda match: _link(*match.groups()),
    ),
    (re.compile(r"<(https?://[^\s<>]{1,1000})>"), r"\1"),
)
_ROLE = r"(?:\[[^\[\]\n]{1,100}\])?"
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\"`(.{1,2000}?)`\""), "“\\1”"),
    (re.compile(r"'`(.{1,2000}?)`'"), "‘\\1’"),
    (re.compile(r"\+\+\+(.{1,2000}?)\+\+\+"), r"\1"),
    *(
        (re.compile(rf"{_ROLE}{re.escape(2 * mark)}(.{{1,2000}}?){re.escape(2 * mark)}"), r"\1")
        for mark in "`*_#"
    ),
    *(
        (
            re.compile(
                rf"(?<![\w\\{re.escape(mark)}]){_ROLE}{re.escape(mark)}"
                rf"(?=\S)([^\n]{{1,2000}}?)(?<=\S){re.escape(mark)}(?!\w)"
            ),
            r"\1",
        )
        for mark in "`*_#+"
    ),
    (re.compile(r"(?<!\\)\^(\S{1,100}?)\^"), r"\1"),
    (re.compile(r"(?<!\\)~(\S{1,100}?)~"), r"\1"),
    (re.compile(r"\\(?=[*_`#^~{<\[(+])"), ""),
    (re.compile(r" \+(?=\n|\Z)"), "\n"),
)
_SIGN = re.compile(r"[*_`#^~\[\](<\\]|\+")
"""What every mark holds: most cells and many lines hold none."""


def shown(text: str) -> str:
    """Return what a reader sees of a paragraph.

    >>> shown("Press *Start* and see <<care,the care>>, or https://example.org[our page].")
    'Press Start and see the care, or our page.'
    """
    if not _SIGN.search(text):
        return text
    for pattern, change in _FIRST:
        text = pattern.sub(change, text)
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return text


def with_attributes(line: str, attributes: Mapping[str, str]) -> str:
    """Put the values of attributes in the place of their names, once and not in each other.

    >>> with_attributes("{pump} and {unknown}", {"pump": "P-300"})
    'P-300 and {unknown}'
    """

    def value(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return match.group(0)[1:]
        found = attributes.get(name.lower(), _GIVEN.get(name.lower()))
        return match.group(0) if found is None else found

    return _ATTRIBUTE.sub(value, line, count=_MOST_ATTRIBUTES) if "{" in line else line


def _first(attributes: str) -> str:
    """Return the first attribute of a picture, its alternative text."""
    first = attributes.partition(",")[0].strip().strip('"')
    return "" if "=" in first else f" {first} "


def _menu(name: str, items: str) -> str:
    return " > ".join(filter(None, [name, *(item.strip() for item in items.split(">"))]))


def _link(address: str, text: str) -> str:
    words = text.strip().removesuffix("^")
    first = words.partition(",")[0].strip() if re.search(r",\s*\w+=", words) else words
    return first.strip('"') or address
