"""PPT by ppt2pptx, which reads the binary records: slides with their text, notes and comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ppt2pptx.cfb import CompoundFile
from ppt2pptx.encryption import decrypt_powerpoint_document
from ppt2pptx.errors import EncryptedPresentationError
from ppt2pptx.ppt import extract_presentation

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.ole import check_ole
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed, Row, row_lines

__all__ = ["parse"]

_STREAM = "PowerPoint Document"
_LONGEST_TITLE = 300
_FEWEST_CELLS = 4
_ENCRYPTED = b"\xdf\xc4\xd1\xf3"
"""What the stream of the current user says of a file with a password (MS-PPT 2.3.2)."""


def parse(data: bytes, name: str) -> Parsed:
    """Read a presentation of PowerPoint 97 to 2003: a slide is a page, its title a section.

    Raises:
        Refused: it is no PPT, or is encrypted or damaged.
    """
    check_ole(data, kind="PPT", streams=(_STREAM,), new=".pptx")
    try:
        presentation = _read(data)
    except (MemoryError, RecursionError):
        raise
    except EncryptedPresentationError as error:
        raise Refused("it is encrypted; store it without a password") from error
    except Exception as error:
        # The library's own errors, and what a damaged record makes it raise.
        raise Refused(f"it is damaged ({type(error).__name__}: {error!s:.150})") from error
    outline = Outline()
    title = one_line(presentation.core_properties.title or "")
    for number, slide in enumerate(presentation.slides, start=1):
        outline.begin_page(number)
        blocks = _blocks(slide)
        first = next((block.text for block in blocks if block.level), "")
        title = title or first
        write(blocks, outline)
    return Parsed(
        text=outline.text,
        title=title,
        stretches=outline.stretches(),
        metadata={"slides": len(presentation.slides)},
    )


def _read(data: bytes) -> Any:
    file = CompoundFile(data)
    stream, user = file.open_stream(_STREAM), file.open_stream("Current User")
    if user[12:16] == _ENCRYPTED:
        stream = decrypt_powerpoint_document(stream, user, None)  # some need no password
    return extract_presentation(stream, None, current_user=user)


def _blocks(slide: Any) -> list[Block]:
    """Return a slide's title, its other text, its notes and comments."""
    boxes = [box for box in slide.text_boxes if box.text.strip()]
    blocks: list[Block] = []
    if boxes and boxes[0].is_placeholder and len(boxes[0].text) <= _LONGEST_TITLE:
        blocks.append(Block(one_line(boxes.pop(0).text), level=1))
    start = _table_begins(boxes)
    for box in boxes[:start]:
        blocks += _paragraphs(box)
    cells = [*boxes[start:]]
    if cells:
        blocks.append(_table(cells))
    for table in slide.tables:
        blocks.append(_table([cell for cell in table.cells if cell.text.strip()]))
    for note in slide.notes:
        blocks += [Block(text) for text in note.replace("\r", "\n").split("\n")]
    for comment in slide.comments:
        author = one_line(comment.author)
        blocks.append(Block(f"{author}: {comment.text}" if author else comment.text))
    return blocks


def _paragraphs(box: Any) -> list[Block]:
    lines = box.text.replace("\r", "\n").split("\n")
    bullets = [*box.paragraph_bullets, *[False] * len(lines)]
    return [
        Block(line.replace("\v", "\n"), item=bullet)
        for line, bullet in zip(lines, bullets, strict=False)
        if line.strip()
    ]


def _table_begins(boxes: Sequence[Any]) -> int:
    """Return from which box on the boxes of a slide tile a rectangle, as cells do."""
    for start in range(len(boxes) - _FEWEST_CELLS + 1):
        cells = boxes[start:]
        left, top = min(box.left for box in cells), min(box.top for box in cells)
        right = max(box.left + box.width for box in cells)
        bottom = max(box.top + box.height for box in cells)
        area = sum(box.width * box.height for box in cells)
        whole = (right - left) * (bottom - top)
        rows, columns = {box.top for box in cells}, {box.left for box in cells}
        if min(len(rows), len(columns)) > 1 and abs(area - whole) <= whole * 0.02:
            return start
    return len(boxes)


def _table(cells: Sequence[Any]) -> Block:
    """Lay cells on the grid that their edges make."""
    tops = sorted({cell.top for cell in cells})
    lefts = sorted({cell.left for cell in cells})
    rows: list[list[Placed]] = [[] for _ in tops]
    for box in cells:
        cell = Cell(one_line(box.text, limit=10_000))
        right, bottom = box.left + box.width, box.top + box.height
        across = sum(box.left <= left < right - _SLACK for left in lefts)
        first = lefts.index(box.left)
        for row, top in enumerate(tops):
            if box.top <= top < bottom - _SLACK:
                rows[row].append(Placed(first, first + max(across, 1), cell))
    placed: list[Row] = [tuple(sorted(row, key=lambda each: each.start)) for row in rows]
    return Block("\n".join(row_lines(placed, header_rows(placed))), kind="table")


_SLACK = 8
"""Edges that should meet may lie so far apart, in 1/576 inch."""
