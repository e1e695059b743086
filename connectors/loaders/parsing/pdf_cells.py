"""What the cells of a PDF table say, and which of its rows are headers."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.cleaning import clean, tidy
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText
from rag_engine.connectors.loaders.parsing.pdf_pieces import Piece, in_rows
from rag_engine.connectors.loaders.parsing.pdf_right_to_left import read_line
from rag_engine.connectors.loaders.parsing.tables import (
    Cell,
    Row,
    could_be_header,
    has_digit,
    header_depth,
    reads_like_header,
    row_lines,
)

__all__ = ["CellReader", "Draft", "write_rows"]

_WITHIN_A_WORD = 0.15
_LONGEST_NAME = 256
_BOLD = re.compile("bold|black|heavy", re.IGNORECASE)
_BOLD_WEIGHT = 600


@dataclass(slots=True, eq=False)
class Draft:
    """The pieces in a cell, as they are gathered."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def lines(self) -> list[list[Piece]]:
        """The lines that the pieces make, from the top."""
        return in_rows(self.pieces)


class CellReader:
    """Turns drafts into cells; ``backwards`` says that the page is read from the right."""

    def __init__(
        self, text_page: Any, written: PageText, ends: LineEnds, *, backwards: bool
    ) -> None:
        self._page = text_page
        self._written = written
        self._ends = ends
        self.backwards = backwards

    def read(self, draft: Draft) -> Cell:
        """Return a cell with the text of its lines."""
        text = ""
        for line in draft.lines:
            shown = tidy(clean(self._line(line)))
            text = self._ends.join(text, shown) if text else shown
        return Cell(text)

    def is_bold(self, draft: Draft) -> bool:
        """Tell whether a cell begins in bold type."""
        if not draft.pieces:
            return False
        first = min(draft.pieces, key=lambda piece: piece.order).run
        place = next(iter(self._written.sources(first.places)), first.start)
        name = ctypes.create_string_buffer(_LONGEST_NAME)
        flags = ctypes.c_int()
        pdfium.FPDFText_GetFontInfo(self._page, place, name, _LONGEST_NAME, flags)
        if _BOLD.search(name.value.decode("utf-8", "replace")):
            return True
        return int(pdfium.FPDFText_GetFontWeight(self._page, place)) >= _BOLD_WEIGHT

    def _line(self, pieces: Sequence[Piece]) -> str:
        if self.backwards or any(is_right_to_left(piece.source.text) for piece in pieces):
            places = [place for piece in pieces for place in piece.run.places]
            return read_line(self._written.glyphs(places), right_to_left=self.backwards)
        text = pieces[0].run.text.strip()
        for before, piece in pairwise(pieces):
            goes_on = piece.run.start == before.run.start + before.run.units
            near = piece.box[0] - before.box[2] < _WITHIN_A_WORD * piece.height
            text += ("" if goes_on and near else " ") + piece.run.text.strip()
        return text


def write_rows(rows: Sequence[Row], bold: Callable[[int], bool]) -> list[str]:
    """Write a table's rows as lines; ``bold`` tells whether all of a row is in bold type."""
    return row_lines(rows, _headers(rows, bold))


def _headers(rows: Sequence[Row], bold: Callable[[int], bool]) -> list[bool]:
    """Tell which rows name the columns: the first below a title, if it stands out from the next.

    It does by bold type, by cells that reach over others, or by names over numbers.
    """
    width = max((placed.end for row in rows for placed in row), default=0)
    first = 0
    while first < len(rows) and _is_title(rows[first], width):
        first += 1
    end = first + (_depth(rows[first:], width, lambda n: bold(first + n)) if width > 1 else 0)
    if end >= len(rows):
        return [False] * len(rows)
    return [first <= number < end for number in range(len(rows))]


def _is_title(row: Row, width: int) -> bool:
    shown = [placed for placed in row if placed.cell.text]
    return not shown or (len(shown) == 1 and shown[0].end - shown[0].start == width)


def _depth(rows: Sequence[Row], width: int, bold: Callable[[int], bool]) -> int:
    if len(rows) < 2:
        return 0
    levels = max(header_depth(rows), 1 + any(end - start > 1 for start, end, _ in rows[0]))
    if 1 < levels < len(rows):
        own = [cell.text for _, _, cell in rows[levels - 1] if cell.text]
        below = [cell.text for _, _, cell in rows[levels] if cell.text]
        covered = sum(end - start for start, end, _ in rows[levels - 1])
        stands_out = all(map(bold, range(levels))) and not bold(levels)
        if covered >= width and (
            stands_out or (not any(map(has_digit, own)) and any(map(has_digit, below)))
        ):
            return levels
    if not could_be_header(rows, width):
        return 0
    return int((bold(0) and not bold(1)) or reads_like_header(rows))
