"""What a browser shows of a page, block by block, as it streams by.

No tree is built, so no page is nested too deeply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from rag_engine.connectors.loaders.parsing.cleaning import clean, join_all, one_line
from rag_engine.connectors.loaders.parsing.outline import Outline, table_lines
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["Block", "VisibleText", "outline_of", "read_visible"]

_HIDDEN_TAGS = frozenset(
    {
        *("annotation", "annotation-xml", "applet", "audio", "canvas", "datalist", "embed"),
        *("frame", "frameset", "head", "iframe", "noembed", "noframes", "noscript", "object"),
        *("rp", "script", "select", "style", "svg", "template", "textarea", "video"),
    }
)
_BLOCK_TAGS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd"),
        *("details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure"),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html"),
        *("legend", "li", "main", "menu", "nav", "ol", "optgroup", "p", "pre", "search"),
        *("section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    }
)
_ITEM_TAGS = frozenset({"dd", "dt", "li"})
_FRAME_TAGS = frozenset({"aside", "footer", "form", "menu", "nav", "search"})
_FRAME_ROLES = frozenset({"banner", "complementary", "contentinfo", "navigation", "search"})
_HEADING = re.compile(r"h([1-6])")
_HIDING_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:font-size|opacity)\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$))",
    re.IGNORECASE,
)
_DEEPEST_TABLE = 5


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table as it is shown.

    ``level`` is that of a heading; ``kind`` is ``text``, ``table`` or ``pre``; ``item`` marks what
    stands in a list. ``frame`` marks what frames a page (navigation,
    footers, side columns, forms), ``main`` what its author marked as its main part.
    """

    text: str
    kind: str = "text"
    level: int | None = None
    item: bool = False
    frame: bool = False
    main: bool = False


def outline_of(blocks: Iterable[Block]) -> Outline:
    """Write blocks down in their order."""
    outline = Outline()
    after_item = False
    for block in blocks:
        if block.level is not None:
            outline.heading(block.level, block.text)
        else:
            outline.add(block.text, separator="\n" if block.item and after_item else "\n\n")
        after_item = block.item and block.level is None
    return outline


def read_visible(page: str) -> VisibleText:
    r"""Read a whole page, or a piece of one.

    >>> [block.text for block in read_visible("<p>One<br>two<p hidden>three").blocks]
    ['One\ntwo']
    """
    target = VisibleText()
    data = page.encode("utf-8", errors="replace")
    try:
        etree.fromstring(data, etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True))
    except etree.XMLSyntaxError as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        if "empty" not in str(error).lower():  # a page without any element is no error
            raise Refused(f"its markup can not be read ({error!s:.200})") from error
    target.close()
    return target


class VisibleText:
    """A parser's target: takes a page's events and gathers what is shown in ``blocks``."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self.language: str | None = None
        self._title_parts: list[str] | None = None
        self._hidden = self._frame = self._main = self._item = self._preformatted = 0
        self._buffer: list[str | None] = []  # None: a line break
        self._tables: list[_Table] = []
        self._too_deep = 0  # tables inside of so many others that their cells are but text

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take an opening tag."""
        if tag == "html":
            self.language = attributes.get("lang") or attributes.get("xml:lang")
        elif tag == "title" and not self.title and self._title_parts is None:
            self._title_parts = []
        if self._hidden or _is_hidden(tag, attributes):
            self._hidden += 1
        elif tag == "br":
            self._buffer.append(None)
        elif tag == "img":
            self._buffer.append(f" {attributes.get('alt', '')} ")
        elif tag in _BLOCK_TAGS:
            self._flush()
            role = attributes.get("role", "").lower()
            self._frame += self._frame > 0 or tag in _FRAME_TAGS or role in _FRAME_ROLES
            self._main += self._main > 0 or tag == "main" or role == "main"
            self._item += self._item > 0 or tag in _ITEM_TAGS
            self._preformatted += tag == "pre"
            if tag == "table" and len(self._tables) < _DEEPEST_TABLE and not self._too_deep:
                self._tables.append(_Table())
            elif tag == "table":
                self._too_deep += 1
            elif self._tables and not self._too_deep:
                self._tables[-1].start(tag)

    def end(self, tag: str) -> None:
        """Take a closing tag; the parser closes every tag that it opened."""
        if tag == "title" and self._title_parts is not None:
            self.title = self.title or one_line("".join(self._title_parts))
            self._title_parts = None
        if self._hidden:
            self._hidden -= 1
        elif tag in _BLOCK_TAGS:
            heading = _HEADING.fullmatch(tag)
            self._flush(int(heading.group(1)) if heading else None)
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag == "table" and self._too_deep:
            self._too_deep -= 1
        elif tag == "table" and self._tables:
            lines = self._tables.pop().lines()
            self._emit("\n".join(lines), kind="table")
        elif self._tables and not self._too_deep:
            self._tables[-1].end(tag)
        self._frame -= self._frame > 0
        self._main -= self._main > 0
        self._item -= self._item > 0
        self._preformatted -= tag == "pre"

    def data(self, text: str) -> None:
        """Take text."""
        if self._title_parts is not None:
            self._title_parts.append(text)
        elif not self._hidden:
            self._buffer.append(text)

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Ignore a processing instruction."""

    def close(self) -> None:
        """End the page, whatever is still open."""
        self._flush()
        while self._tables:
            lines = self._tables.pop().lines()
            self._emit("\n".join(lines), kind="table")

    def _flush(self, level: int | None = None) -> None:
        if self._buffer:
            lines = _lines(self._buffer)
            self._buffer = []
            if self._preformatted:
                self._emit("\n".join(lines).strip("\n").rstrip(), kind="pre")
            else:
                self._emit("\n".join(map(_collapse, lines)).strip(), level=level)

    def _emit(self, text: str, *, kind: str = "text", level: int | None = None) -> None:
        if not text.strip() or (self._tables and self._tables[-1].take(text)):
            return
        self.blocks.append(
            Block(
                text=text,
                kind=kind,
                level=level,
                item=self._item > 0,
                frame=self._frame > 0,
                main=self._main > 0,
            )
        )


def _lines(buffer: list[str | None]) -> list[str]:
    lines: list[str] = []
    line: list[str] = []
    for piece in [*buffer, None]:
        if piece is None:
            lines.append(clean("".join(line)))
            line = []
        else:
            line.append(piece)
    return lines


def _collapse(text: str) -> str:
    """Make runs of blanks one; the line ends of the page's source are no line ends for a reader."""
    return join_all(" ".join(piece.split()) for piece in text.split("\n"))


def _is_hidden(tag: str, attributes: Mapping[str, str]) -> bool:
    return (
        tag in _HIDDEN_TAGS
        or "hidden" in attributes
        or _HIDING_STYLE.search(attributes.get("style", "")) is not None
    )


class _Table:
    """Gathers the cells of one table."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._header: list[str] | None = None
        self._row: list[str] | None = None
        self._row_is_header = False
        self._cell: list[str] | None = None

    def start(self, tag: str) -> None:
        if tag == "tr":
            self._row, self._row_is_header = [], True
        elif tag in {"td", "th"}:
            self._cell = []
            self._row_is_header = self._row_is_header and tag == "th"

    def take(self, text: str) -> bool:
        """Take a block of text, if a cell is open."""
        if self._cell is not None:
            self._cell.append(text)
        return self._cell is not None

    def end(self, tag: str) -> None:
        if tag in {"td", "th"} and self._cell is not None:
            if self._row is not None:
                self._row.append(" ".join(self._cell))
            self._cell = None
        elif tag == "tr" and self._row:
            if self._row_is_header and self._header is None and not self._rows:
                self._header = self._row
            else:
                self._rows.append(self._row)
            self._row = None

    def lines(self) -> list[str]:
        if not self._rows and self._header is None:
            return []
        return table_lines(self._rows, self._header)
