"""Markdown by markdown-it: the text that a reader sees, with its headings as sections."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from rag_engine.connectors.loaders.parsing.cleaning import clean, join_all, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.html_text import outline_of, read_visible
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.connectors.loaders.parsing.tables import table_lines

__all__ = ["front_matter", "parse", "write_markdown"]

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,65536}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z][\w-]{0,63})[ \t]*:[ \t]+(\S.*)")
_LANGUAGE_FIELDS = ("lang", "language", "locale")
_SILENT = re.compile(r"<(script|style|template|noscript)\b", re.IGNORECASE)
_BREAK = re.compile(r"<br\b", re.IGNORECASE)


def parse(data: bytes, name: str) -> Parsed:
    """Read a Markdown file.

    Raises:
        Refused: never; every text is Markdown.
    """
    decoded = decode(data)
    text = clean(decoded.text)
    fields, body = front_matter(text)
    outline = Outline()
    first_heading = write_markdown(body, outline)
    language = next((fields[key] for key in _LANGUAGE_FIELDS if key in fields), None)
    extra = {key: fields[key] for key in fields if key not in ("title", *_LANGUAGE_FIELDS)}
    return Parsed(
        text=outline.text,
        title=one_line(fields.get("title", "")) or first_heading,
        language=language,
        stretches=outline.stretches(),
        metadata={**decoded.facts, **extra},
        problems=decoded.problems,
    )


def write_markdown(text: str, outline: Outline) -> str:
    """Add a text in Markdown to an outline, and return its first heading of level 1."""
    walk = _Walk(outline)
    walk.blocks(_reader().parse(text))
    return walk.first_heading


def _reader() -> MarkdownIt:
    """Return a parser of what most tools read beside CommonMark: tables, ``~~``, footnotes.

    A footnote stays where its author wrote it: gathered at the end, those without a mark would be
    lost. ``^[...]``, of a few tools alone, stays as it is.
    """
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(footnote_plugin)
    return reader.disable(["footnote_inline", "footnote_tail"])


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """Split off a YAML head and return its plain ``key: value`` lines, and the text after it."""
    head = _FRONT_MATTER.match(text)
    if head is None:
        return {}, text
    fields = {}
    for line in head.group(1).split("\n"):
        field = _FIELD.fullmatch(line.rstrip())
        if field is not None and field.group(2)[0] not in "[{|>&*!":
            fields[field.group(1).lower()] = field.group(2).strip("\"'")
    return fields, text[head.end() :]


class _Walk:
    """Goes over the tokens once and writes the outline."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.first_heading = ""
        self._heading: int | None = None
        self._lists: list[int | None] = []
        self._inside_list = False
        self._marker = ""
        self._row: list[str] | None = None
        self._header: list[str] | None = None
        self._rows: list[list[str]] = []

    def blocks(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            handle = getattr(self, f"_on_{token.type}", None)
            if handle is not None:
                handle(token)

    def _on_heading_open(self, token: Token) -> None:
        self._heading = int(token.tag[1])

    def _on_heading_close(self, token: Token) -> None:
        self._heading = None

    def _on_inline(self, token: Token) -> None:
        text = inline_text(token.children or ())
        if self._row is not None:
            self._row.append(text)
        elif self._heading is not None:
            if self._heading == 1 and not self.first_heading:
                self.first_heading = one_line(text)
            self.outline.heading(self._heading, text)
        else:
            self._add(text)

    def _add(self, text: str) -> None:
        if text.strip():
            self.outline.add(self._marker + text, separator="\n" if self._inside_list else "\n\n")
            self._marker = ""
            self._inside_list = bool(self._lists)

    def _on_fence(self, token: Token) -> None:
        self.outline.add(token.content)

    _on_code_block = _on_fence

    def _on_html_block(self, token: Token) -> None:
        self._add(outline_of(read_visible(token.content).blocks).text)

    def _on_bullet_list_open(self, token: Token) -> None:
        self._lists.append(None)

    def _on_ordered_list_open(self, token: Token) -> None:
        self._lists.append(int(token.attrs.get("start", 1)))

    def _on_list_close(self, token: Token) -> None:
        self._lists.pop()
        self._inside_list = self._inside_list and bool(self._lists)

    _on_bullet_list_close = _on_ordered_list_close = _on_list_close

    def _on_list_item_open(self, token: Token) -> None:
        number = self._lists[-1]
        if number is not None:
            self._marker = f"{number}. "
            self._lists[-1] = number + 1

    def _on_table_open(self, token: Token) -> None:
        self._rows = []

    def _on_tr_open(self, token: Token) -> None:
        self._row = []

    def _on_tr_close(self, token: Token) -> None:
        self._rows.append(self._row or [])
        self._row = None

    def _on_table_close(self, token: Token) -> None:
        lines = table_lines(self._rows[1:], self._rows[0])
        self.outline.add("\n".join(lines))


def inline_text(children: Sequence[Token]) -> str:
    """Return what a reader sees of a line: no markup, the text of links, the alt text of images."""
    lines: list[str] = []
    pieces: list[str] = []
    silent = False
    for token in children:
        if token.type == "html_inline":
            silent = bool(_SILENT.match(token.content)) or (
                silent and not token.content.startswith("</")
            )
            if _BREAK.match(token.content):
                pieces.append("\n")
        elif silent:
            continue
        elif token.type == "softbreak":
            lines.append("".join(pieces))
            pieces = []
        elif token.type == "hardbreak":
            pieces.append("\n")
        elif token.content:
            pieces.append(token.content)
    return join_all([*lines, "".join(pieces)])
