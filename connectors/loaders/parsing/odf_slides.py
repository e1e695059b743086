"""Presentations of OpenDocument: a slide is a page, its title a section."""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.odf_names import DRAW, OFFICE, attribute
from rag_engine.connectors.loaders.parsing.odf_text import TextReader
from rag_engine.connectors.loaders.parsing.outline import Outline

__all__ = ["read_slides"]

_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_MARGINS = frozenset({"date-time", "footer", "header", "page", "page-number"})


def read_slides(body: Any, reader: TextReader, outline: Outline) -> int:
    """Write the slides down, each with its speaker's notes and comments; return their number."""
    count = 0
    for page in body.iterchildren(f"{DRAW}page"):
        count += 1
        outline.begin_page(count)
        titles, others = _shapes(page, reader)
        if titles:
            text = one_line(" ".join(block.text for block in titles))
            reader.first_heading = reader.first_heading or text
            titles = [Block(text, level=1)]
        notes = page.find(f"{_PRESENTATION}notes")
        if notes is not None:
            others += _shapes(notes, reader)[1]
        write([*titles, *others, *map(Block, reader.comments)], outline)
        reader.comments.clear()
    return count


def _shapes(page: Any, reader: TextReader) -> tuple[list[Block], list[Block]]:
    """Return the blocks of the title, then those of the other shapes."""
    titles: list[Block] = []
    others: list[Block] = []
    for shape in page:
        kind = attribute(shape, f"{_PRESENTATION}class")
        empty = attribute(shape, f"{_PRESENTATION}placeholder") == "true"
        if kind in _MARGINS or empty or shape.tag == f"{_PRESENTATION}notes":
            continue
        if shape.tag == f"{OFFICE}annotation":
            reader.blocks([shape])
        elif kind == "title" and not titles:
            titles += reader.shape(shape)
        elif isinstance(shape.tag, str) and shape.tag.startswith(DRAW):
            others += reader.shape(shape)
    return titles, others
