"""Finds links, images, definitions of links and code in a text, as a Markdown parser reads it.

markdown-it tells no positions within a paragraph. So its own rules are wrapped: each notes where it
began and where it ended, and the lines of a block's content are looked up in the text again (what
stands before them are the signs of quotations and lists).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

__all__ = ["Link", "Markup", "read_markup"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|$)")
_NOTES = "rag_engine.notes"
"""Where the wrapped rules leave what they saw in the parser's environment."""


@dataclass(frozen=True, slots=True)
class Link:
    """``[label](target)`` or ``![label](target)``, or what refers to a definition elsewhere.

    It stands at ``text[start:end]``, its label at ``text[label_start:label_end]``.
    """

    start: int
    label_start: int
    label_end: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class Markup:
    """What a parser makes of a text.

    ``definitions`` are ``[label]: target``, as where the colon stands and the target. ``code`` are
    stretches in which nothing has a meaning, in order. ``lost`` are stretches that hold a link
    which could not be found in the text again.
    """

    links: tuple[Link, ...]
    definitions: tuple[tuple[int, str], ...]
    code: tuple[tuple[int, int], ...]
    lost: tuple[tuple[int, int], ...]

    def in_code(self, start: int, end: int) -> bool:
        """Tell whether a stretch lies within code."""
        before = bisect_right(self.code, start, key=lambda stretch: stretch[0])
        return before > 0 and end <= self.code[before - 1][1]


def read_markup(text: str) -> Markup:
    """Parse a text.

    >>> markup = read_markup("> See [the *manual*](a.html), `[no](b)`.")
    >>> [(link.target, link.start, link.end) for link in markup.links], markup.code
    ([('a.html', 6, 28)], ((30, 39),))
    """
    parser = _parser()
    environment: dict[str, Any] = {_NOTES: (notes := _Notes())}
    tokens = parser.parse(text, environment)
    lines = _lines(text)
    read = _Read(lines)
    before = ""
    for token in tokens:
        if token.type in {"fence", "code_block"} and token.map:
            read.code.append((lines[token.map[0]][0], _end(lines, token.map[1])))
        elif token.type == "inline" and token.map and token.content:
            notes.content, notes.seen = token.content, []
            parser.inline.parse(token.content, parser, environment, [])
            read.inline(token, notes.seen, cell=before in {"th_open", "td_open"})
        before = token.type
    known = [*environment.get("references", {}).values(), *environment.get("duplicate_refs", ())]
    targets = {tuple(each["map"]): str(each["href"]) for each in known}
    for first, last in notes.definitions:
        read.definition(first, last, targets.get((first, last), ""))
    return Markup(
        tuple(sorted(read.links, key=lambda link: link.start)),
        tuple(read.definitions),
        tuple(sorted(read.code)),
        tuple(read.lost),
    )


class _Notes:
    """What the wrapped rules saw."""

    def __init__(self) -> None:
        self.definitions: list[tuple[int, int]] = []
        self.content = ""
        self.seen: list[tuple[str, int, int, int, str]] = []
        """Kind, start, end of the label, end, and target, in the content of a block."""


class _Read:
    """Collects what was seen, in places of the whole text."""

    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        self._lines = lines
        self._cell = dict.fromkeys(range(len(lines)), 0)
        self.links: list[Link] = []
        self.definitions: list[tuple[int, str]] = []
        self.code: list[tuple[int, int]] = []
        self.lost: list[tuple[int, int]] = []

    def inline(
        self, token: Token, seen: Sequence[tuple[str, int, int, int, str]], *, cell: bool
    ) -> None:
        """Take what was seen in one block's content."""
        if not seen:
            return
        assert token.map is not None
        first, last = token.map
        place = self._places(token.content, first, cell=cell)
        if place is None:
            self.lost.append((self._lines[first][0], _end(self._lines, last)))
            return
        for kind, start, label_end, end, target in seen:
            if kind == "code":
                self.code.append((place(start), place(end - 1) + 1))
            else:
                opening = 2 if kind == "image" else 1
                self.links.append(
                    Link(
                        place(start),
                        place(start + opening - 1) + 1,
                        place(label_end),
                        place(end - 1) + 1,
                        target,
                    )
                )

    def _places(self, text: str, first: int, *, cell: bool) -> Callable[[int], int] | None:
        """Return what tells where in the text a character of a block's content stands."""
        begins: list[tuple[int, int]] = []
        at = 0
        for number, content in enumerate(text.split("\n"), start=first):
            start, line = self._lines[number]
            line = line.replace("\0", "\ufffd")
            words = content.lstrip(" \t")
            # A cell is one of several in its line; elsewhere the content is what ends the line.
            found = line.find(words, self._cell[number]) if cell else line.rfind(words)
            if found < 0:
                return None
            self._cell[number] = found + len(words)
            begins.append((at, start + found - (len(content) - len(words))))
            at += len(content) + 1

        def place(offset: int) -> int:
            behind, start = max(begin for begin in begins if begin[0] <= offset)
            return start + offset - behind

        return place

    def definition(self, first: int, last: int, target: str) -> None:
        """Take a definition that stands in some lines."""
        start, end = self._lines[first][0], _end(self._lines, last)
        text = "".join(line for _, line in self._lines[first:last])
        colon = re.search(r"(?<!\\)(?:\\\\)*\](?=:)", text)
        if colon is None:
            self.lost.append((start, end))
        else:
            self.definitions.append((start + colon.end(), target))


def _lines(text: str) -> list[tuple[int, str]]:
    """Return where each line starts, and the line with its end."""
    return [(match.start(), match[0]) for match in _LINE.finditer(text)]


def _end(lines: Sequence[tuple[int, str]], number: int) -> int:
    """Return where the lines before ``number`` end."""
    start, line = lines[min(number, len(lines)) - 1]
    return start + len(line)


@cache
def _parser() -> MarkdownIt:
    """Make a parser with wrapped rules that lets every target pass, as it is written.

    Renderers differ in which targets they refuse (``javascript:``) and rewrite; here all count.
    """
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 200}).enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    rules: dict[str, Callable[[StateInline, bool], bool]] = {
        rule.name: rule.fn for rule in parser.inline.ruler.__rules__
    }
    for kind in ("link", "image", "backticks"):
        parser.inline.ruler.at(kind, _noting(kind, rules[kind]))
    [block] = [rule.fn for rule in parser.block.ruler.__rules__ if rule.name == "reference"]

    def reference(state: StateBlock, first: int, last: int, silent: bool) -> bool:
        matched: bool = block(state, first, last, silent)
        if matched and not silent:
            state.env[_NOTES].definitions.append((first, state.line))
        return matched

    parser.block.ruler.at("reference", reference)
    return parser


def _noting(
    kind: str, rule: Callable[[StateInline, bool], bool]
) -> Callable[[StateInline, bool], bool]:
    def noted(state: StateInline, silent: bool) -> bool:
        start, before = state.pos, len(state.tokens)
        matched = rule(state, silent)
        notes: _Notes = state.env[_NOTES]
        # An image's label is parsed by itself: its places are others.
        if not matched or silent or state.src != notes.content:
            return matched
        made = state.tokens[before:]
        if kind == "backticks":
            if any(token.type == "code_inline" for token in made):
                notes.seen.append(("code", start, start, state.pos, ""))
            return matched
        end, label = state.pos, start + (kind == "image")
        state.pos = label
        label_end = state.md.helpers.parseLinkLabel(state, label, kind == "link")
        state.pos = end
        name = "href" if kind == "link" else "src"
        target = next((str(token.attrGet(name)) for token in made if token.attrGet(name)), "")
        notes.seen.append((kind, start, label_end, end, target))
        return matched

    return noted
