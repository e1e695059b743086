"""What a mail quotes of others, set apart from what its writer says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.blocks import Block
from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line

__all__ = ["Piece", "html_pieces", "plain_pieces"]


class Piece(NamedTuple):
    """A stretch of a mail; ``quoted`` is None for own words, else the line that tells whose."""

    text: str
    quoted: str | None = None
    blocks: tuple[Block, ...] = ()


_QUOTE = re.compile(r"((?:> ?)+)(.*)")
_HEADER_LINE = re.compile(r"\*?[^\W\d_][\w .'-]{0,30}\*?[:：]\s*\S.*")
_RULE = re.compile(r"\s*(?:[-_=]{5,}|-{2,}[^-]{3,60}-{2,})\s*")
_HEADER_LINES = 3
_LONGEST_ATTRIBUTION = 200
_HTML_QUOTE = re.compile(
    r"""<blockquote\b[^<>]*\btype\s*=\s*["']?cite|<blockquote\b[^<>]*\bclass\s*=\s*["']?gmail_quote"""
    r"""|<(?:div|blockquote)\b[^<>]*\bclass\s*=\s*["'][^"'<>]*\b(?:gmail_quote|yahoo_quoted)\b"""
    r"""|<div\b[^<>]*\bid\s*=\s*["']?(?:x_)?(?:divRplyFwdMsg|appendonsend|mail-editor-reference)""",
    re.IGNORECASE,
)
_END_OF_QUOTE = re.compile(r"</blockquote\s*>", re.IGNORECASE)


def plain_pieces(text: str) -> Iterator[Piece]:
    r"""Part plain text at its quotations: lines after ``>``, or a whole mail after its head.

    >>> list(plain_pieces("Ja.\n\nMira schrieb:\n> Kommst du?\n"))[1:]
    [Piece(text='Kommst du?', quoted='Mira schrieb:', blocks=())]
    """
    lines = clean(text).split("\n")
    own: list[str] = []
    index = 0
    while index < len(lines):
        if _begins_mail(lines, index):
            yield from _own(own)
            head = [line.strip() for line in lines[index:] if line.strip()]
            whose = next((line for line in head if _HEADER_LINE.fullmatch(line)), "")
            yield Piece("\n".join(lines[index:]).strip(), one_line(whose))
            return
        if not lines[index].startswith(">"):
            own.append(lines[index])
            index += 1
            continue
        start = index
        while index < len(lines) and lines[index].startswith(">"):
            index += 1
        quoted = [_unquoted(line) for line in lines[start:index]]
        if not any(line.strip() for line in quoted):
            continue
        whose = _attribution(own)
        yield from _own(own)
        own = []
        yield Piece("\n".join(quoted).strip(), whose)
    yield from _own(own)


def _own(lines: list[str]) -> Iterator[Piece]:
    text = "\n".join(lines).strip()
    if text:
        yield Piece(text)


def _unquoted(line: str) -> str:
    match = _QUOTE.fullmatch(line)
    return line if match is None else match[2]


def _attribution(lines: list[str]) -> str:
    """Take away and return the line before a quotation that says whose it is, if one does.

    It ends with a colon and may be broken in two.
    """
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines or not lines[-1].rstrip().endswith((":", "：")):
        return ""
    found = [lines.pop().strip()]
    while lines and lines[-1].strip() and len(found) < 3 and not any(map(str.isdigit, found[0])):
        found.insert(0, lines.pop().strip())
    return one_line(" ".join(found), limit=_LONGEST_ATTRIBUTION)


def _begins_mail(lines: list[str], index: int) -> bool:
    """Tell whether a whole mail begins here: a rule, then lines as a head has, one an address."""
    if not _RULE.fullmatch(lines[index]):
        return False
    head = [line for line in lines[index + 1 : index + 10] if line.strip()][: _HEADER_LINES + 1]
    fitting = [line for line in head if _HEADER_LINE.fullmatch(line.strip())]
    return len(fitting) >= _HEADER_LINES


def html_pieces(page: str) -> Iterator[Piece]:
    """Part a page at the quotation that a mail program marked in it."""
    begin = _HTML_QUOTE.search(page)
    if begin is None:
        yield Piece(page)
        return
    ends = [match.end() for match in _END_OF_QUOTE.finditer(page, begin.end())]
    end = ends[-1] if ends and begin.group().lower().startswith("<blockquote") else len(page)
    yield Piece(page[: begin.start()])
    yield Piece(page[begin.start() : end], "")
    if page[end:].strip():
        yield Piece(page[end:])
