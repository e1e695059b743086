"""Paragraphs of PDF files in a narrow column, stretched to one width or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

LEFT, RIGHT = 15.0, 60.0
"""Millimetres: where lines begin, and where those end that are stretched."""


def stretched(rows: Sequence[Sequence[str]]) -> bytes:
    """Return a page with a line a row, its words spread over the whole width."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for number, row in enumerate(rows):
        widths = [pdf.get_string_width(word) for word in row]
        gap = (RIGHT - LEFT - sum(widths)) / max(len(row) - 1, 1)
        x = LEFT
        for word, width in zip(row, widths, strict=True):
            pdf.text(x, 30 + 6 * number, word)
            x += width + gap
    return bytes(pdf.output())


def test_gaps_of_stretched_lines_below_each_other_are_no_columns(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [("wer", "umzieht"), ("teilt", "das"), ("sofort", "schriftlich"), ("oder", "am")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", stretched(rows))
    assert " ".join(document.text.split()) == " ".join(word for row in rows for word in row)


def test_a_last_column_of_numbers_that_end_at_one_place_is_one(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [("Strom", "80"), ("Wasser", "1.240"), ("Heizung", "310")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", stretched(rows))
    assert document.text.split("\n") == [" | ".join(row) for row in rows]
