"""What a browser shows of a page, block by block, as it streams by.

No tree is built, so no page is nested too deeply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lxml import etree

from rag_engine.connectors.loaders.parsing.blocks import Block, outline_of
from rag_engine.connectors.loaders.parsing.cleaning import clean, join_all, one_line
from rag_engine.connectors.loaders.parsing.html_forms import Choice, shown_value
from rag_engine.connectors.loaders.parsing.html_hidden import is_hidden
from rag_engine.connectors.loaders.parsing.html_inline import (
    BLOCK_TAGS,
    WHOLE_PAGE,
    AltText,
    OpenElement,
    Raised,
    language_of,
    opened,
    running_text,
)
from rag_engine.connectors.loaders.parsing.html_lists import Lists, items_of_lists
from rag_engine.connectors.loaders.parsing.html_ruby import Ruby
from rag_engine.connectors.loaders.parsing.html_tables import HtmlTable
from rag_engine.connectors.loaders.parsing.parsed import Refused
from rag_engine.connectors.loaders.parsing.readings import Readings
from rag_engine.connectors.loaders.parsing.spoken import Spoken

__all__ = ["Block", "VisibleText", "outline_of", "read_visible"]

_ITEM_TAGS = frozenset({"dd", "dt", "li"})
_FRAME_TAGS = frozenset({"aside", "footer", "form", "menu", "nav", "search"})
_FRAME_ROLES = frozenset({"banner", "complementary", "contentinfo", "navigation", "search"})
_DEEPEST_TABLE = 5
_LEADING_TAGS = frozenset({"dt", "summary"})
_LIST_TAGS = frozenset({"dir", "menu", "ol", "ul"})
_NOTE = "comment"
"""An element of LibreOffice's, a note on a cell, which a style hides until it is pointed at."""
_RUBY_TAGS = frozenset({"rb", "rt", "rtc", "ruby"})


def read_visible(page: str) -> VisibleText:
    r"""Read a whole page, or a piece of one.

    >>> [block.text for block in read_visible("<p>One<br>two<p hidden>three").blocks]
    ['One\ntwo']
    """
    data = page.encode("utf-8", errors="replace")
    target = VisibleText(items_of_lists(data))
    _feed(data, target)
    target.close()
    return target


def _feed(data: bytes, target: VisibleText) -> None:
    try:
        etree.fromstring(data, etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True))
    except etree.XMLSyntaxError as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        if "empty" not in str(error).lower():  # a page without any element is no error
            raise Refused(f"its markup can not be read ({error!s:.200})") from error


class VisibleText:
    """A parser's target: takes a page's events and gathers what is shown in ``blocks``."""

    def __init__(self, list_lengths: Sequence[int] = ()) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self.language: str | None = None
        self.readings = Readings()
        self._title_parts: list[str] | None = None
        self._hidden = self._frame = self._main = self._item = self._preformatted = 0
        self._figure = 0
        self._open: list[OpenElement] = [OpenElement()]
        self._buffer: list[str | None] = []  # None: a line break
        self._spoken = Spoken()
        self._tables: list[HtmlTable] = []
        self._note: list[str] | None = None
        self._notes: list[str] = []  # on cells of the open tables
        self._lists = Lists(list_lengths)
        self._marker = ""  # a list item's number, before its text comes
        self._ruby: Ruby | None = None
        self._choice: Choice | None = None
        self._too_deep = 0  # tables inside of so many others that their cells are but text

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take an opening tag."""
        self._open.append(opened(tag, attributes, self._open[-1]))
        tag = self._open[-1].tag
        if tag in WHOLE_PAGE:
            self.language = language_of(attributes) or self.language
        elif tag == "title" and not self.title and self._title_parts is None:
            self._title_parts = []
        if self._hidden or is_hidden(tag, attributes):
            self._hidden += 1
            self._lists.pass_over(tag, attributes)
        elif self._choice is not None:
            if tag == "option":
                self._choice.option(attributes)
        elif tag == _NOTE:
            self._note = []
        elif tag == "select":
            self._choice = Choice(attributes)
        elif tag == "input":
            self._buffer.append(AltText(f" {shown_value(attributes)} "))
        elif tag == "q":
            self._buffer.append("“")
        elif tag == "br":
            self._buffer.append(None)
        elif tag == "img":
            self._buffer.append(AltText(f" {attributes.get('alt', '')} "))
        elif tag in _RUBY_TAGS:
            self._start_ruby(tag)
        elif tag in BLOCK_TAGS:
            self._flush()
            if tag in _LIST_TAGS:
                self._lists.start(tag, attributes)
            elif tag == "li":
                self._marker += self._lists.item(attributes)
            role = attributes.get("role", "").lower()
            self._frame += self._frame > 0 or tag in _FRAME_TAGS or role in _FRAME_ROLES
            self._main += self._main > 0 or tag == "main" or role == "main"
            self._item += self._item > 0 or tag in _ITEM_TAGS
            self._preformatted += tag == "pre"
            self._figure += tag == "figure"
            if tag == "table" and len(self._tables) < _DEEPEST_TABLE and not self._too_deep:
                self._tables.append(HtmlTable(attributes, self._marker))
                self._marker = ""
            elif tag == "table":
                self._too_deep += 1
            elif self._tables and not self._too_deep:
                self._tables[-1].start(tag, attributes)

    def end(self, tag: str) -> None:
        """Take a closing tag; the parser closes every tag that it opened."""
        ended = self._open.pop() if len(self._open) > 1 else OpenElement(tag=tag)
        tag = ended.tag
        if tag == "title" and self._title_parts is not None:
            self.title = self.title or one_line("".join(self._title_parts))
            self._title_parts = None
        if self._hidden:
            self._hidden -= 1
        elif self._choice is not None:
            if tag == "select":
                self._end_choice()
        elif tag == _NOTE and self._note is not None:
            self._notes.append(one_line("".join(self._note)))
            self._note = None
            if not self._tables:
                self._end_notes()
        elif tag == "q":
            self._buffer.append("”")
        elif self._ruby is not None and tag in _RUBY_TAGS:
            if self._ruby.end(tag):
                self._end_ruby()
        elif tag in BLOCK_TAGS:
            self._flush(ended.level, leads=tag in _LEADING_TAGS)
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag == "table" and self._too_deep:
            self._too_deep -= 1
        elif tag == "table" and self._tables:
            self._end_table()
        elif self._tables and not self._too_deep:
            self._tables[-1].end(tag)
        if tag in _LIST_TAGS:
            self._lists.end()
        elif tag == "li":
            self._marker = ""
        self._frame -= self._frame > 0
        self._main -= self._main > 0
        self._item -= self._item > 0
        self._preformatted -= tag == "pre"
        self._figure -= tag == "figure"

    def data(self, text: str) -> None:
        """Take text."""
        if self._title_parts is not None:
            self._title_parts.append(text)
        elif self._choice is not None and not self._hidden:
            self._choice.data(text)
        elif self._ruby is not None and not self._hidden:
            self._ruby.data(text)
            self._spoken.add(self._open[-1].language, len(text))
        elif self._note is not None and not self._hidden:
            self._note.append(text)
        elif not self._hidden:
            here = self._open[-1]
            self._spoken.add(here.language, len(text.strip()))
            self._buffer.append(Raised(text) if here.raised else text)
            if self._tables and text.strip():
                self._tables[-1].words(bold=here.bold)

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Ignore a processing instruction."""

    def close(self) -> None:
        """End the page, whatever is still open."""
        self._end_choice()
        self._flush()
        while self._tables:
            self._end_table()

    def _end_choice(self) -> None:
        if self._choice is not None:
            self._buffer.append(AltText(f" {self._choice.text} "))
            self._choice = None

    def _start_ruby(self, tag: str) -> None:
        if self._ruby is not None:
            self._ruby.start(tag)
        elif tag == "ruby":
            self._ruby = Ruby()

    def _end_ruby(self) -> None:
        if self._ruby is not None:
            self._buffer.append(self._ruby.text)
            for reading in self._ruby.readings.values():
                self.readings.add(self._ruby.text, reading)
            self._ruby = None

    def _end_table(self) -> None:
        table = self._tables.pop()
        self._marker = table.marker
        blocks = table.blocks()
        if not blocks:
            text = "\n".join(table.lines())
            self._emit(Block(text, kind="table", language=table.spoken.taken()))
        for block in blocks:
            self._emit(block)
        if not self._tables:
            self._end_notes()

    def _end_notes(self) -> None:
        """Say the notes on a table's cells after the table, as those of a workbook are."""
        notes, self._notes = self._notes, []
        for note in notes:
            self._emit(Block(note))

    def _flush(self, level: int | None = None, *, leads: bool = False) -> None:
        self._end_ruby()
        if not self._buffer:
            return
        lines = _lines(self._buffer)
        as_is = all(piece is None or type(piece) is str for piece in self._buffer)
        source = None if as_is else "".join(map(running_text, self._buffer))
        self._buffer = []
        if self._preformatted:
            text = "\n".join(lines).strip("\n").rstrip()
            block = Block(text, kind="pre", source=source)
        else:
            text = "\n".join(map(_collapse, lines)).strip()
            block = Block(text, level=level, source=source, leads=leads)
        self._emit(replace(block, language=self._spoken.taken()))

    def _emit(self, block: Block) -> None:
        text, source = block.text, block.source
        if not text.strip():
            return
        if self._marker:
            source = text if source is None else source
            text = self._marker + ("\n" if block.kind != "text" else "") + text
            self._marker = ""
        if self._figure and block.kind == "text" and block.level is None:
            source = ""
        block = replace(
            block,
            text=text,
            source=source,
            item=block.item or self._item > 0,
            frame=block.frame or self._frame > 0,
            main=block.main or self._main > 0,
        )
        if not (self._tables and self._tables[-1].take(block)):
            self.blocks.append(block)


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
