"""Headings of PDF files that are hardly larger than the text."""

from __future__ import annotations

from collections.abc import Callable

from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

TEXT = "The bicycle shed opens at six and stays open until midnight on every working day."
YEAR = "A day costs one euro and fifty cents, a whole year costs ninety-five euros and"


def test_a_heading_a_little_larger_than_the_text_before_it(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pdf = FPDF()
    pdf.add_page()
    places = [
        (20, 14, "Opening hours"),
        (32, 10.5, TEXT),
        (42, 12, "Prices and subscriptions of the bicycle shed in the northern hall"),
        (48, 10.5, YEAR),
        (53, 10.5, "is paid at the counter."),
        (63, 12, "Rules"),
        (73, 10.5, "Lock your bicycle."),
    ]
    for y, size, text in places:
        pdf.set_font("helvetica", size=size)
        pdf.text(20, y, text)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    texts = [text for _, _, text in places]
    assert document.text.split("\n") == [*texts[:3], f"{texts[3]} {texts[4]}", *texts[5:]]
