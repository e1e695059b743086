"""Paragraphs of PDF files in a narrow column, stretched to one width or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

LEFT, RIGHT = 15.0, 60.0
"""Millimetres: where lines begin, and where those end that are stretched."""


def stretched(rows: Sequence[Sequence[str]], *, loose: Sequence[int] = ()) -> bytes:
    """Return a page with a line a row, its words spread over the whole width, if not ``loose``."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for number, row in enumerate(rows):
        widths = [pdf.get_string_width(word) for word in row]
        gap = (RIGHT - LEFT - sum(widths)) / max(len(row) - 1, 1) if number not in loose else 1.1
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


PARAGRAPH = [
    ("Das", "Treppenhaus", "ist"),
    ("sauber", "und", "frei", "zu"),
    ("halten.",),
    ("Fahrradabstellplatz",),
    ("Waschraum", "und", "Keller"),
    ("stehen", "allen", "offen,"),
    ("auch", "an", "Sonntagen,"),
    ("doch",),
    ("Waschmaschinenlärm",),
    ("bleibt", "verboten."),
]


def narrow(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows' lines as they are read where each is a line of its own."""
    return [" ".join(row) for row in rows]


def test_a_narrow_stretched_paragraph_is_one(sandbox: Sandbox, load_one: Callable[..., Document]):
    data = stretched(PARAGRAPH)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", data)
    assert document.text == " ".join(narrow(PARAGRAPH))


def test_its_short_last_line_ends_it(sandbox: Sandbox, load_one: Callable[..., Document]):
    rows = [*PARAGRAPH, ("Wir", "danken", "Ihnen")]
    document = load_one(
        PdfLoader(sandbox=sandbox), "a.pdf", stretched(rows, loose=(len(PARAGRAPH) - 1,))
    )
    assert document.text.split("\n") == [" ".join(narrow(PARAGRAPH)), "Wir danken Ihnen"]


def test_short_rows_of_a_list_stay_rows(sandbox: Sandbox, load_one: Callable[..., Document]):
    rows = [("two", "eggs"), ("a", "cup", "of", "milk"), ("flour",), ("sugar", "to", "taste")] * 2
    loose = tuple(range(len(rows)))
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", stretched(rows, loose=loose))
    assert document.text.split("\n") == narrow(rows)


POND = (
    "The mill pond is drained each spring so that the sluice can be cleaned and the eels moved to "
    "the upper pond. Anglers are told by a note on the gate. The miller keeps the key, and the "
    "wheel stands still for nine days while the mud is carted off to the fields."
)


@pytest.mark.parametrize("align", ["L", "R", "C"])
@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("width", [34, 40, 50])
def test_lines_of_different_lengths_in_a_narrow_column_are_a_paragraph(
    sandbox: Sandbox, load_one: Callable[..., Document], align: str, columns: int, width: int
):
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    top = pdf.get_y()
    for column in range(columns):
        pdf.set_xy(10 + column * (width + 6), top)
        pdf.multi_cell(width, 4.5, POND, align=align)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text.replace("\n", " ") == " ".join([POND] * columns)
    assert document.text.count("\n") < columns


@pytest.mark.parametrize(
    "rows",
    [
        ["Anna Meier", "John Smith", "Paula Jung", "Peter Hill", "Maria Dorn", "Emil Stock"],
        [
            "bread and butter",
            "two pears",
            "a pound of flour",
            "salt",
            "ten eggs",
            "oil and vinegar",
        ],
        ["Museum of clocks", "care of Mrs Bell", "4 Mill Lane", "Ely", "CB7 4XX", "England"],
    ],
)
def test_rows_of_lists_and_addresses_stay_rows(
    sandbox: Sandbox, load_one: Callable[..., Document], rows: list[str]
):
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    for number, row in enumerate(rows):
        pdf.text(20, 30 + 5 * number, row)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text.split("\n") == rows
