"""A line of a PDF page: its text, where it stands, and how it is set."""

from __future__ import annotations

from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.pdf_structure import Heading
from rag_engine.connectors.loaders.parsing.pdf_styles import PLAIN, Style
from rag_engine.connectors.loaders.parsing.pdf_table_rows import TableRows

__all__ = ["Line", "row_of_its_own", "rows_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text and where it stands, in points.

    ``start`` and ``end`` are the places where reading starts and ends, so ``end < start`` in
    Hebrew. ``top`` and ``base`` are those of the first and the last character; they grow upwards,
    as in PDF. ``divided`` says that PDFium takes the hyphen at its end for one inside of a word,
    ``alone`` that it is joined with no other, as a row of a ``table`` is.
    """

    text: str
    start: float
    end: float
    top: float
    base: float
    height: float
    divided: bool = False
    alone: bool = False
    style: Style = PLAIN
    heading: Heading | None = None
    table: TableRows | None = None


def rows_of(table: TableRows, style: Style = PLAIN) -> list[Line]:
    """Return a table's rows as lines."""
    left, bottom, right, _ = table.box
    return [
        Line(
            text=row,
            start=left,
            end=right,
            top=bottom,
            base=bottom,
            height=1,
            alone=True,
            style=style,
            table=table,
        )
        for row in table.lines
    ]


def row_of_its_own(text: str) -> Line:
    """Return a line that stands at no place of the page, and is joined with none."""
    return Line(text=text, start=0, end=0, top=0, base=0, height=1, alone=True)
