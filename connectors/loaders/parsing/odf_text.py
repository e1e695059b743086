"""Paragraphs, headings, lists, tables, notes and comments of OpenDocument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.blocks import Block, flattened, holds_a_piece
from rag_engine.connectors.loaders.parsing.formulas import mathml_text
from rag_engine.connectors.loaders.parsing.odf_lists import Counters
from rag_engine.connectors.loaders.parsing.odf_names import (
    DC,
    DRAW,
    OFFICE,
    SVG,
    TABLE,
    TEXT,
    XLINK,
    Styles,
    attribute,
    whole,
)
from rag_engine.connectors.loaders.parsing.raised import could_be_raised, raised
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, row_lines

__all__ = ["TextReader"]

_BLANKS = re.compile(r"[ \t\r\n]+")
_MATH = "{http://www.w3.org/1998/Math/MathML}"
_SPACE = "\x1f"
"""A blank that was written as such, which does not melt into others."""
_MOST_SPACES = 100
_MOST_REPEATED = 1_000
_SKIPPED = frozenset(
    {
        *(f"{TEXT}tracked-changes", f"{TEXT}table-of-content", f"{TEXT}sequence-decls"),
        *(
            f"{TEXT}hidden-text",
            f"{TEXT}variable-decls",
            f"{TEXT}user-field-decls",
            f"{OFFICE}forms",
        ),
        *(f"{TEXT}note-citation", f"{TEXT}hidden-paragraph", f"{OFFICE}annotation-end"),
    }
)
_CONTAINERS = frozenset(
    {
        *(f"{TEXT}section", f"{TEXT}index-body", f"{TEXT}index-title", f"{TEXT}illustration-index"),
        *(f"{TEXT}alphabetical-index", f"{TEXT}bibliography", f"{TEXT}table-index"),
        *(f"{TEXT}numbered-paragraph", f"{TEXT}object-index", f"{TEXT}user-index"),
        *(f"{DRAW}a", f"{DRAW}g", f"{DRAW}text-box"),
    }
)
_SHAPES = frozenset(
    f"{DRAW}{name}"
    for name in (
        *("caption", "circle", "connector", "custom-shape", "ellipse", "frame", "g", "line"),
        *("measure", "path", "polygon", "polyline", "rect", "regular-polygon"),
    )
)
_CHART = "{urn:oasis:names:tc:opendocument:xmlns:chart:1.0}"
_OF_CHARTS = (f"{_CHART}title", f"{_CHART}subtitle", f"{TABLE}table")
_ROW_GROUPS = frozenset(
    f"{TABLE}{name}" for name in ("table-header-rows", "table-row-group", "table-rows")
)


class TextReader:
    """Reads the text of one document; ``notes`` and ``comments`` grow as it is read.

    ``load`` returns the root element of an object inside of it (a formula, for one), or None.
    """

    def __init__(self, styles: Styles, load: Callable[[str], Any | None]) -> None:
        self.styles = styles
        self.notes: list[str] = []
        self.comments: list[str] = []
        self.title = self.first_heading = ""
        self.page_number = ""
        """What stands for a page's number, which is another on every page."""
        self._load = load
        self._counters = Counters(styles)

    def blocks(self, container: Any) -> list[Block]:
        """Return what an element holds, in its order."""
        blocks: list[Block] = []
        for element in container:
            self._block(element, blocks)
        return blocks

    def _block(self, element: Any, blocks: list[Block]) -> None:
        tag = element.tag
        if tag in {f"{TEXT}p", f"{TEXT}h"}:
            self._paragraph(element, blocks)
        elif tag == f"{TEXT}list":
            self._list(element, blocks, "", 0)
        elif tag == f"{TABLE}table":
            blocks += self.table(element)
        elif tag == f"{OFFICE}annotation":
            self._comment(element)
        elif tag in _CONTAINERS:
            hidden = tag == f"{TEXT}section" and attribute(element, f"{TEXT}display") == "none"
            blocks += [] if hidden else self.blocks(element)
        elif tag in _SHAPES:
            blocks += self.shape(element)

    def _paragraph(self, element: Any, blocks: list[Block], label: str = "") -> None:
        style = attribute(element, f"{TEXT}style-name")
        if self.styles.is_hidden(style):
            return
        boxes: list[Block] = []
        text = self._inline(element, boxes).strip(" ").replace(_SPACE, " ")
        level: int | None = None
        if element.tag == f"{TEXT}h":
            level = whole(element, f"{TEXT}outline-level", 1)
            if attribute(element, f"{TEXT}is-list-header") != "true":
                start = whole(element, f"{TEXT}start-value", -1)
                label = label or self._counters.heading(level - 1, start if start >= 0 else None)
        elif self.styles.is_title(style):
            level = 0
            self.title = self.title or text.strip()
        if text.strip():
            if level is not None:
                self.first_heading = self.first_heading or text.strip()
            blocks.append(Block(f"{label}{text}", level=level, item=bool(label)))
        blocks += boxes

    def _inline(self, element: Any, boxes: list[Block]) -> str:
        pieces = [_BLANKS.sub(" ", element.text or "")]
        for child in element:
            pieces += self._piece(child, boxes)
            pieces.append(_BLANKS.sub(" ", child.tail or ""))
        joined = pieces[0]
        for piece in pieces[1:]:  # a run of blanks is one, whatever tags stand in it
            joined += piece.lstrip(" ") if joined.endswith((" ", "\n")) else piece
        return joined

    def _piece(self, child: Any, boxes: list[Block]) -> Iterator[str]:
        tag = child.tag
        if tag in _SKIPPED or self._is_hidden_span(child):
            return
        if tag == f"{TEXT}s":
            yield _SPACE * min(whole(child, f"{TEXT}c", 1), _MOST_SPACES)
        elif tag == f"{TEXT}ruby":
            base = child.find(f"{TEXT}ruby-base")
            yield "" if base is None else self._inline(base, boxes)  # not the reading beside it
        elif tag in {f"{TEXT}page-number", f"{TEXT}page-count"}:
            yield self.page_number
        elif tag == f"{TEXT}tab":
            yield "\t"
        elif tag == f"{TEXT}line-break":
            yield "\n"
        elif tag == f"{TEXT}note":
            body = child.find(f"{TEXT}note-body")
            text = "" if body is None else "\n".join(block.text for block in self.blocks(body))
            self.notes.append(text)
        elif tag == f"{OFFICE}annotation":
            self._comment(child)
        elif tag == f"{DRAW}frame":
            yield self._frame(child, boxes)
        elif tag in _SHAPES:
            boxes += self.shape(child)
        else:
            text = self._inline(child, boxes)
            style = child.get(f"{TEXT}style-name") if could_be_raised(text) else None
            yield raised(text) if style is not None and self.styles.is_raised(style) else text

    def _is_hidden_span(self, element: Any) -> bool:
        style = element.get(f"{TEXT}style-name")
        return style is not None and self.styles.is_hidden(style)

    def _frame(self, frame: Any, boxes: list[Block]) -> str:
        """Return what stands in the line (a formula, a picture's alt text); boxes come after it."""
        for thing in frame.iterfind(f"{DRAW}object"):
            root = self._object(thing)
            if root is not None and root.tag.startswith(_MATH):
                return f" {mathml_text(root)} "
        found = self.shape(frame)
        if len(found) == 1 and frame.find(f"{DRAW}image") is not None:
            return f" {found[0].text} "
        boxes += found
        return ""

    def _object(self, holder: Any) -> Any | None:
        """Return what an object is: in a file of XML it stands where it is shown."""
        return holder[0] if len(holder) else self._load(attribute(holder, f"{XLINK}href"))

    def shape(self, shape: Any) -> list[Block]:
        """Return the text of a shape, or else what is said of the picture that it is."""
        blocks: list[Block] = []
        for child in shape:
            if child.tag == f"{DRAW}object":
                root = self._object(child)
                for element in () if root is None else root.iter(*_OF_CHARTS):
                    is_table = element.tag == f"{TABLE}table"
                    blocks += self.table(element) if is_table else self.blocks(element)
            else:
                self._block(child, blocks)
        if blocks:
            return blocks
        said = " ".join(
            " ".join((shape.findtext(f"{SVG}{name}") or "").split()) for name in ("title", "desc")
        ).strip()
        return [Block(said)] if said and not names_a_picture(said) else []

    def _comment(self, element: Any) -> None:
        author = " ".join((element.findtext(f"{DC}creator") or "").split())
        text = "\n".join(block.text for block in self.blocks(element))
        if text.strip():
            self.comments.append(f"{author}: {text}" if author else text)

    def _list(self, element: Any, blocks: list[Block], outer: str, level: int) -> None:
        style = attribute(element, f"{TEXT}style-name") or outer
        if not style:
            first = next(element.iter(f"{TEXT}p", f"{TEXT}h"), None)
            name = "" if first is None else attribute(first, f"{TEXT}style-name")
            style = self.styles.list_style(name)
        goes_on = attribute(element, f"{TEXT}continue-numbering") == "true"
        goes_on = goes_on or element.get(f"{TEXT}continue-list") is not None
        self._counters.begin_list(style, level, goes_on=goes_on)
        for item in element:
            if item.tag not in {f"{TEXT}list-item", f"{TEXT}list-header"}:
                continue
            numbered = item.tag == f"{TEXT}list-item"
            for child in item:
                if child.tag == f"{TEXT}list":
                    self._list(child, blocks, style, level + 1)
                elif child.tag in {f"{TEXT}p", f"{TEXT}h"}:
                    label = ""
                    if numbered:
                        start = whole(item, f"{TEXT}start-value", -1)
                        label = self._counters.item(style, level, start if start >= 0 else None)
                    numbered = False
                    before = len(blocks)
                    self._paragraph(child, blocks, label)
                    for index in range(before, len(blocks)):
                        if blocks[index].level is None:
                            blocks[index] = Block(blocks[index].text, item=True)
                else:
                    self._block(child, blocks)

    def table(self, table: Any) -> list[Block]:
        """Return a table as one block of lines, or the blocks of its cells if it only lays out."""
        grid = Grid()
        marked: list[bool] = []
        cells: list[list[Block]] = []
        for row, is_header in _rows(table):
            placed = []
            for cell in row.iterchildren(f"{TABLE}table-cell"):
                blocks = self.blocks(cell)
                cells += [blocks] if blocks else []
                spans = (
                    whole(cell, f"{TABLE}number-columns-spanned", 1),
                    whole(cell, f"{TABLE}number-rows-spanned", 1),
                )
                again = whole(cell, f"{TABLE}number-columns-repeated", 1, _MOST_REPEATED)
                placed += [(Cell(flattened(blocks)), *spans)] * again
            grid.add_row(placed)
            marked.append(is_header)
        heads = header_rows(grid.rows, marked)
        if not any(heads) and (len(cells) == 1 or any(map(holds_a_piece, cells))):
            return [block for blocks in cells for block in blocks]
        lines = row_lines(grid.rows, heads)
        return [Block("\n".join(lines), kind="table")] if lines else []


def _rows(table: Any) -> Iterator[tuple[Any, bool]]:
    """Yield a table's rows, each with whether it stands among the header rows."""
    for child in table:
        if child.tag == f"{TABLE}table-row":
            yield child, table.tag == f"{TABLE}table-header-rows"
        elif child.tag in _ROW_GROUPS:
            for row, is_header in _rows(child):
                yield row, is_header or child.tag == f"{TABLE}table-header-rows"
