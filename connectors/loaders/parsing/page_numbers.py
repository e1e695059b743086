"""Numbers of pages in the heads and feet of pages: another on every page, so that none is text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag_engine.connectors.loaders.parsing.blocks import Block

__all__ = ["PAGE_NUMBER", "counts_pages", "texts_of_margins"]

PAGE_NUMBER = "\ufffc"
"""Stands for a page's number until the text around it is known."""

_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b", re.IGNORECASE)
_BETWEEN_PIECES = re.compile(r"[\t\n]+| \| ")


def counts_pages(code: str) -> bool:
    r"""Tell whether a field of Word, given its code, shows a page's number or how many there are.

    >>> counts_pages(r" PAGE \* MERGEFORMAT "), counts_pages("PAGEREF x")
    (True, False)
    """
    return _FIELD.match(code) is not None


def texts_of_margins(blocks: Iterable[Block]) -> list[Block]:
    r"""Return what heads and feet say, each text once, without the pieces that count pages.

    Pieces stand between tabs, line ends and the cells of a table.

    >>> margins = [Block(f"Pumps\tPage {PAGE_NUMBER}"), Block("Pumps"), Block("2026")]
    >>> [block.text for block in texts_of_margins(margins)]
    ['Pumps', '2026']
    """
    texts = {_without_page_numbers(block.text): None for block in blocks}
    return [Block(text) for text in texts if text]


def _without_page_numbers(text: str) -> str:
    if PAGE_NUMBER not in text:
        return text.strip()
    pieces = _BETWEEN_PIECES.split(text)
    return "\t".join(piece for piece in pieces if PAGE_NUMBER not in piece).strip()
