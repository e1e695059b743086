"""AsciiDoc: its blocks one after the other, headings as sections, text without markup.

No library on PyPI reads it well and is kept, so this reads what a reader of the text needs: not
what only shapes the page. What a file would include from others is left out: they
are files of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag_engine.connectors.loaders.parsing.asciidoc_inline import shown, with_attributes
from rag_engine.connectors.loaders.parsing.asciidoc_tables import table_text
from rag_engine.connectors.loaders.parsing.cleaning import clean, join_all, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed

__all__ = ["parse"]

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*")
_UNDERLINES = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}
_ATTRIBUTE = re.compile(r":(!?)([A-Za-z0-9_][\w-]*)(!?):(?:[ \t]+(.*))?")
_FENCE = re.compile(r"(-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|`{3,}.*|[|,:!]={3,})[ \t]*")
_BLOCK_ATTRIBUTES = re.compile(r"\[[^\]]*\][ \t]*|\[\[.*\]\][ \t]*")
_BLOCK_TITLE = re.compile(r"\.([^\s.].*)")
_MACRO = re.compile(
    r"(include|image|video|audio|toc|ifdef|ifndef|ifeval|endif)::([^\[\]]*)\[(.*)\]"
)
_ITEM = re.compile(
    r"[ \t]*(?:(\*{1,6}|-|•)|(\.{1,6})|(\d{1,4}\.|[A-Za-z]\.)|<(\d{1,3}|\.)>)[ \t]+(\S.*)"
)
_TERM = re.compile(r"[ \t]*(\S.*?)(?::{2,4}|;;)(?:[ \t]+(\S.*))?")
_LONGEST = 2_000
"""Characters of an attribute's value: attributes that stand in each other's do not multiply."""
_VERBATIM = frozenset("-.`")
_RULE = re.compile(r"(?:'{3,}|<{3,}|\*\s?\*\s?\*|-\s?-\s?-)[ \t]*")


def parse(data: bytes, name: str) -> Parsed:
    """Read an AsciiDoc file; every text is one."""
    decoded = decode(data)
    reader = _Reader(clean(decoded.text).split("\n"))
    reader.read()
    attributes = reader.attributes
    about = {
        key: one_line(attributes[key]) for key in ("author", "keywords") if attributes.get(key)
    }
    return Parsed(
        text=reader.outline.text,
        title=reader.title or one_line(attributes.get("title", "")),
        language=attributes.get("lang") or None,
        stretches=reader.outline.stretches(),
        metadata={**decoded.facts, **about},
        problems=decoded.problems,
    )


class _Reader:
    """Reads lines from the first to the last, and writes the outline."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.outline = Outline()
        self.attributes: dict[str, str] = {}
        self.title = ""
        self._lines = lines
        self._at = 0
        self._paragraph: list[str] = []
        self._marker = ""
        self._item = False  # the paragraph is that of a list's item
        self._continued = False  # a ``+`` ties the next paragraph to an item
        self._in_list = False
        self._numbers: list[int] = []  # of the ordered list, by depth
        self._block = ""  # the attributes that stand before a block

    def read(self) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if not line:
                self._flush()
            elif not (self._takes_fence(line) or self._takes_line(line)):
                self._paragraph.append(with_attributes(line, self.attributes).strip())
        self._end_item()

    def _takes_fence(self, line: str) -> bool:
        """Take a delimited block, or the delimiter of one whose text is read as any other."""
        fence = _FENCE.fullmatch(line)
        if fence is None:
            return False
        if self._paragraph and self._takes_underline(line):
            return True
        self._flush()
        delimiter = "`" * 3 if line.startswith("```") else fence.group(1)
        if line[:2] in {"|=", ",=", ":=", "!="}:
            body = [with_attributes(each, self.attributes) for each in self._until(delimiter)]
            self._add(table_text(body, self._block, line[0]))
        elif line[0] == "/":
            self._until(delimiter)
        elif (line[0] in _VERBATIM and delimiter != "--") or "stem" in self._block:
            self._add("\n".join(self._until(delimiter)).strip("\n"))
        elif line[0] == "+":
            self._until(delimiter)  # markup for the page that is made of it
        self._block = ""
        return True

    def _until(self, delimiter: str) -> list[str]:
        """Return the lines up to a delimiter; one that never comes ends with the file."""
        start = self._at
        while self._at < len(self._lines):
            self._at += 1
            if self._lines[self._at - 1].rstrip() == delimiter:
                return list(self._lines[start : self._at - 1])
        return list(self._lines[start:])

    def _takes_line(self, line: str) -> bool:
        """Take a line that is no text of a paragraph."""
        if line.startswith("//") and not line.startswith("///"):
            return True
        if line == "+" or _RULE.fullmatch(line):
            self._flush()
            self._continued = line == "+"
            return True
        macro = _MACRO.fullmatch(line)
        if macro is not None:
            self._take_macro(*macro.groups())
            return True
        attribute = _ATTRIBUTE.fullmatch(line)
        if attribute is not None and not self._paragraph:
            self._take_attribute(attribute)
            return True
        if self._takes_heading(line) or (self._paragraph and self._takes_underline(line)):
            return True
        if _BLOCK_ATTRIBUTES.fullmatch(line):  # it ends a paragraph, too
            self._flush()
            self._block += line
            return True
        title = None if self._paragraph else _BLOCK_TITLE.fullmatch(line)
        if title is not None and not line.startswith(". "):
            self._add(shown(with_attributes(title.group(1), self.attributes)))
            return True
        return self._takes_item(line)

    def _take_macro(self, name: str, target: str, attributes: str) -> None:
        if name in {"ifdef", "ifndef"} and attributes:
            self._paragraph.append(with_attributes(attributes, self.attributes).strip())
        if name == "image":
            self._flush()
            self._add(shown(f"image::{target or 'x'}[{attributes}]").strip())

    def _take_attribute(self, attribute: re.Match[str]) -> None:
        off, name, off_after, value = attribute.groups()
        if off or off_after:
            self.attributes.pop(name.lower(), None)
            return
        pieces = [value or ""]
        while pieces[-1].endswith("\\") and self._at < len(self._lines):
            pieces[-1] = pieces[-1].rstrip("\\ ").rstrip("+ ")
            pieces.append(self._lines[self._at].strip())
            self._at += 1
        self.attributes[name.lower()] = with_attributes(" ".join(pieces), self.attributes)[
            :_LONGEST
        ]

    def _takes_heading(self, line: str) -> bool:
        heading = _HEADING.fullmatch(line)
        if heading is None or self._paragraph:
            return False
        self._head(len(heading.group(1)), heading.group(2))
        return True

    def _takes_underline(self, line: str) -> bool:
        """Take a heading that is underlined: one line, and as many signs but for one."""
        level = _UNDERLINES.get(line[:1])
        [first, *more] = self._paragraph
        if level is None or more or self._marker or set(line) != {line[0]}:
            return False
        if len(line) < 3 or abs(len(line) - _columns(first)) > 1:
            return False
        self._paragraph = []
        self._head(level, first)
        return True

    def _head(self, level: int, text: str) -> None:
        self._end_item()
        if "discrete" not in self._block and "float" not in self._block:
            self._in_list = False
        self._block = ""
        heading = shown(with_attributes(text, self.attributes))
        if level == 1 and not self.title and not self.outline.text:
            self.title = one_line(heading)
            self._skip_author()
        self.outline.heading(level, heading)

    def _skip_author(self) -> None:
        """Take the lines of author and revision: those below the title that are no attributes."""
        while self._at < len(self._lines) and (line := self._lines[self._at].strip()):
            attribute = _ATTRIBUTE.fullmatch(line)
            self._at += 1
            if attribute is not None:
                self._take_attribute(attribute)
            elif not line.startswith("//") and "author" not in self.attributes:
                self.attributes["author"] = re.sub(r"\s*<[^<>]*>", "", line)

    def _takes_item(self, line: str) -> bool:
        item = _ITEM.fullmatch(line)
        term = None if self._paragraph and not self._item else _TERM.fullmatch(line)
        if item is not None:
            bullet, dots, number, callout, text = item.groups()
            self._end_item()
            self._marker = self._numbered(dots, number, callout)
            if not dots and not bullet:
                self._numbers = []
        elif term is not None:
            self._end_item()
            name, text = shown(with_attributes(term.group(1), self.attributes)), term.group(2) or ""
            self._marker = f"{name}: "
        else:
            return False
        self._block, self._item = "", True
        if text:
            self._paragraph.append(with_attributes(text, self.attributes).strip())
        return True

    def _end_item(self) -> None:
        """Write what was gathered, and a term of which nothing is said."""
        self._flush()
        if self._marker:
            term, self._marker = self._marker.rstrip(": "), ""
            self._add(term, near=True)

    def _numbered(self, dots: str | None, number: str | None, callout: str | None) -> str:
        """Return the marker of a list item: the numbers that AsciiDoc counts by itself."""
        if dots:
            depth = len(dots)
            self._numbers = [*self._numbers, *[0] * depth][:depth]
            self._numbers[-1] += 1
            return f"{self._numbers[-1]}. "
        if number:
            return f"{number} "
        return f"({callout}) " if callout and callout != "." else ""

    def _flush(self) -> None:
        """Write the paragraph that was gathered."""
        if not self._paragraph:
            return
        lines, self._paragraph = self._paragraph, []
        hard = "%hardbreaks" in self._block or "verse" in self._block
        text = shown("\n".join(lines))
        pieces = text.split("\n")
        if not (self._item or self._continued):
            self._numbers = []
        self._add("\n".join(pieces) if hard else join_all(pieces), near=self._item)
        self._block, self._item, self._continued = "", False, False

    def _add(self, text: str, *, near: bool = False) -> None:
        if text.strip():
            separator = "\n" if near and self._in_list else "\n\n"
            self.outline.add(self._marker + text, separator=separator)
            self._marker = ""
            self._in_list = near


def _columns(text: str) -> int:
    """Return how wide a text is shown: signs of China, Japan and Korea take two columns."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)
