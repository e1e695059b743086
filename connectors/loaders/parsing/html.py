"""HTML: trafilatura says which of the blocks that a page shows are its main text."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lxml import etree
from lxml.html import document_fromstring

from rag_engine.connectors.loaders.parsing.blocks import Block, outline_of
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.decoding import Decoded, decode, is_utf8
from rag_engine.connectors.loaders.parsing.formulas import with_formulas
from rag_engine.connectors.loaders.parsing.html_text import VisibleText, read_visible
from rag_engine.connectors.loaders.parsing.parsed import Parsed

__all__ = ["parse", "shown_blocks"]

_TAG = re.compile(rb"<[^<>]*>")
_DECLARED = re.compile(
    rb"""<meta[^<>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{1,40})"""
    rb"""|<\?xml[^<>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# XHTML may close these tags at once; a reader of HTML takes all that follows for their content.
_CLOSED_AT_ONCE = re.compile(
    r"<(canvas|iframe|noscript|object|script|select|style|template|textarea|title|video)\b"
    r"([^<>]*)/>",
    re.IGNORECASE,
)
_INNER_DTD = re.compile(r"(<!DOCTYPE[^\[<>]{0,1000})\[[^\]]{0,65536}\]", re.IGNORECASE)
_XHTML = re.compile(r"\s*<\?xml|\s*<!DOCTYPE[^>]*XHTML", re.IGNORECASE)

_LARGEST_FOR_EXTRACTION = 5_000_000
_MOST_BLOCKS_FOR_EXTRACTION = 20_000
_SHORT_PAGE = 600
_SMALLEST_SHARE = 1 / 3
_LOOK_AHEAD = 20_000


def parse(data: bytes, name: str) -> Parsed:
    """Read a page.

    A short page is taken whole, but for its navigation and the like, and so is a huge one, and
    one of which extraction would leave less than a third: losing text is worse than a menu.
    """
    shown, page, decoded = _read(data, name)
    outline = outline_of(_main_blocks(shown.blocks, page), shown.language)
    first_heading = next((b.text for b in shown.blocks if b.level == 1), "")
    return Parsed(
        text=outline.text,
        title=shown.title or one_line(first_heading),
        language=shown.language,
        stretches=outline.stretches(),
        metadata={**decoded.facts, **shown.readings.facts},
        problems=decoded.problems,
    )


def shown_blocks(data: bytes, name: str) -> list[Block]:
    """Return all that is shown of a page which is a part of something else.

    What the page says of its language each block says.
    """
    shown = _read(data, name)[0]
    return [
        block if block.language else replace(block, language=shown.language)
        for block in shown.blocks
    ]


def _read(data: bytes, name: str) -> tuple[VisibleText, str, Decoded]:
    declared = _DECLARED.search(data[:4096])
    claim = (declared.group(1) or declared.group(2)).decode("ascii") if declared else None
    decoded = decode(data, declared=claim, telling=_without_tags(data))
    page = decoded.text.replace("\0", "")
    if name.lower().endswith(".xhtml") or _XHTML.match(page):
        page = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", _INNER_DTD.sub(r"\1", page, count=1))
    page = with_formulas(page)
    shown = read_visible(page)
    return shown, page, decoded


def _without_tags(data: bytes) -> bytes:
    """Return what tells the encoding; nothing if the whole page may do so."""
    return b"" if b"\0" in data or is_utf8(data) else _TAG.sub(b" ", data)


def _main_blocks(blocks: Sequence[Block], page: str) -> Sequence[Block]:
    unframed = [block for block in blocks if not block.frame]
    has_heading = any(block.main and block.level == 1 for block in unframed)
    marked = [b for b in unframed if b.main or (b.level == 1 and not has_heading)]
    if _size(marked) >= _size(unframed) / 2:
        unframed = marked
    if _size(unframed) < _SHORT_PAGE:
        return unframed or blocks
    if len(page) > _LARGEST_FOR_EXTRACTION or len(unframed) > _MOST_BLOCKS_FOR_EXTRACTION:
        return unframed
    extracted = _with_headings(unframed, _extracted(unframed, page))
    return extracted if _size(extracted) >= _size(unframed) * _SMALLEST_SHARE else unframed


def _size(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _extracted(blocks: Sequence[Block], page: str) -> list[bool]:
    """Tell for each block whether trafilatura takes it for main text; tables and code always are.

    Its own output is not used as text: it drops headings and flattens lists and tables.
    """
    text = _without_blanks(_trafilatura_text(page))
    is_main: list[bool] = []
    position = 0
    for block in blocks:
        wanted = _without_blanks(block.text if block.source is None else block.source)
        if not wanted:  # a picture or its caption
            is_main.append(block.kind != "text" or not is_main or is_main[-1])
            continue
        start = text.find(wanted, position, position + len(wanted) + _LOOK_AHEAD)
        is_main.append(start >= 0 or block.kind != "text")
        if start >= 0:
            position = start + len(wanted)
    for number in reversed(range(len(blocks) - 1)):
        if blocks[number].leads:
            is_main[number] = is_main[number] or is_main[number + 1]
    return is_main


def _trafilatura_text(page: str) -> str:
    from trafilatura import bare_extraction

    with contextlib.suppress(etree.LxmlError, ValueError):  # a tree too deep for lxml, for one
        tree = document_fromstring(page.encode("utf-8", errors="replace"), parser=_parser())
        etree.strip_elements(tree, "rp", "rt", "rtc", with_tail=False)
        extracted: Any = bare_extraction(
            tree, favor_recall=True, include_comments=False, include_tables=True, fast=False
        )
        if extracted is not None and extracted.body is not None:
            return " ".join(extracted.body.itertext())
    return ""


def _parser() -> Any:
    from lxml.html import HTMLParser

    return HTMLParser(encoding="utf-8")


def _with_headings(blocks: Sequence[Block], is_main: Sequence[bool]) -> list[Block]:
    """Return the kept blocks and every heading that one of them stands under."""
    result: list[Block] = []
    lowest = 7  # the level of the last heading taken, seen from the page's end
    below = False
    for block, keep in zip(reversed(blocks), reversed(is_main), strict=True):
        if block.level is None:
            if keep:
                result.append(block)
                below, lowest = True, 7
        elif keep or (below and block.level < lowest):
            result.append(block)
            below, lowest = True, block.level
    return result[::-1]


def _without_blanks(text: str) -> str:
    return "".join(text.split())
