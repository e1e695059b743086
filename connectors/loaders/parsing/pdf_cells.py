"""What the cells of a PDF table say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.cleaning import tidy
from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText
from rag_engine.connectors.loaders.parsing.pdf_pieces import Piece, in_rows
from rag_engine.connectors.loaders.parsing.pdf_right_to_left import read_line
from rag_engine.connectors.loaders.parsing.pdf_styles import StyleReader
from rag_engine.connectors.loaders.parsing.tables import Cell

__all__ = ["MOST_LINES_OF_A_CELL", "CellReader", "Draft"]

MOST_LINES_OF_A_CELL = 25
"""What has more is no cell, and its table none."""

_WITHIN_A_WORD = 0.15


@dataclass(slots=True, eq=False)
class Draft:
    """The pieces in a cell, as they are gathered."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def lines(self) -> list[list[Piece]]:
        """The lines that the pieces make, from the top."""
        if len(self.pieces) > 1:
            return in_rows(self.pieces)
        return [self.pieces] if self.pieces else []


class CellReader:
    """Turns drafts into cells; ``backwards`` says that the page is read from the right."""

    def __init__(
        self, text_page: Any, written: PageText, ends: LineEnds, *, backwards: bool
    ) -> None:
        self._styles = StyleReader(text_page)
        self._written = written
        self._ends = ends
        self.backwards = backwards

    def read(self, draft: Draft) -> Cell:
        """Return a cell with the text of its lines."""
        text = ""
        for line in draft.lines:
            shown = tidy(self._line(line))
            text = self._ends.join(text, shown) if text else shown
        return Cell(text)

    def is_bold(self, draft: Draft) -> bool:
        """Tell whether a cell begins in bold type."""
        if not draft.pieces:
            return False
        first = min(draft.pieces, key=lambda piece: piece.order).run
        place = next(iter(self._written.sources(first.places)), first.start)
        return self._styles.is_bold(place)

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
