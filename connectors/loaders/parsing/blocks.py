"""The blocks that a page or a document shows, and how they are written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.outline import Outline

__all__ = ["Block", "flattened", "holds_a_piece", "outline_of", "write"]

_BLOCKS_OF_A_LAYOUT = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table as it is shown.

    ``level`` is that of a heading; ``kind`` is ``text``, ``table`` or ``pre``; ``item`` marks what
    stands in a list. ``frame`` marks what frames a page (navigation,
    footers, side columns, forms), ``main`` what its author marked as its main part. ``source`` is
    the text without what a page does not hold as running text (numbers of lists, alt texts of
    pictures), where that differs; an empty one goes with the block before it. One that ``leads``
    names what comes next, a question for one, and goes with it. ``language`` is what the file says
    of most of it, where it says something of it apart from the whole.
    """

    text: str
    kind: str = "text"
    level: int | None = None
    item: bool = False
    frame: bool = False
    main: bool = False
    source: str | None = None
    leads: bool = False
    language: str | None = None


def outline_of(blocks: Iterable[Block], language: str | None = None) -> Outline:
    """Write blocks down in their order; ``language`` is what the file says of them all."""
    outline = Outline(language)
    write(blocks, outline)
    return outline


def write(blocks: Iterable[Block], outline: Outline) -> None:
    """Add blocks to an outline."""
    after_item = False
    for block in blocks:
        outline.speak(block.language)
        if block.level is not None:
            outline.heading(block.level, block.text)
        else:
            outline.add(block.text, separator="\n" if block.item and after_item else "\n\n")
        after_item = block.item and block.level is None
    outline.speak(None)


def flattened(blocks: Iterable[Block]) -> str:
    """Write the blocks in a cell of a table as one line; the rows of an inner table stay apart."""
    return " ".join(
        block.text.replace("\n", "; ") if block.kind == "table" else block.text for block in blocks
    )


def holds_a_piece(blocks: Sequence[Block]) -> bool:
    """Tell whether a cell holds a piece of a page (headings, tables, paragraphs), not a value."""
    return (
        any(block.level is not None for block in blocks)
        or any("\n" in block.text for block in blocks if block.kind == "table")
        or len(blocks) >= _BLOCKS_OF_A_LAYOUT
    )
