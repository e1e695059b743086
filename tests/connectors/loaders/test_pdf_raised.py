"""Raised characters of PDF files: powers, marks of notes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document


def raised(parts: list[tuple[str, str]], *, rise: float = 1.7) -> bytes:
    """Return a page with one line of parts, each followed by one that is raised by millimetres."""
    pdf = FPDF()
    pdf.add_page()
    x = 20.0
    for level, high in parts:
        for text, size, up in ((level, 12, 0.0), (high, 8, rise)):
            if text:
                pdf.set_font("helvetica", size=size)
                pdf.text(x, 30 - up, text)
                x += pdf.get_string_width(text)
    return bytes(pdf.output())


def test_a_raised_digit_parts_no_line_and_joins_no_number(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    parts = [("The lake at Vik", "3"), (" holds 10", "6"), (" tons of water in May.", "")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", raised(parts))
    assert document.text == "The lake at Vik³ holds 10⁶ tons of water in May."


def test_a_raised_letter(sandbox: Sandbox, load_one: Callable[..., Document]):
    parts = [("On the 21", "st"), (" of May the lake is full.", "")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", raised(parts))
    assert document.text == "On the 21st of May the lake is full."


def test_a_small_part_at_the_height_of_the_line_is_not_raised(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    parts = [("The tank holds 10", "6"), (" tons of water in May.", "")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", raised(parts, rise=0))
    assert document.text == "The tank holds 106 tons of water in May."


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([("The basin is covered in winter.", "1")], "The basin is covered in winter.¹"),
        ([("In May the tank holds 10", "12")], "In May the tank holds 10¹²"),
        (
            [("The basin has room for 40 m", "3"), (", in 1912.", "")],
            "The basin has room for 40 m³, in 1912.",
        ),
    ],
)
def test_a_raised_number_at_the_end_of_a_line(
    sandbox: Sandbox,
    load_one: Callable[..., Document],
    parts: list[tuple[str, str]],
    shown: str,
):
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", raised(parts))
    assert document.text == shown
