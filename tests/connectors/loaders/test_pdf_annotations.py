"""What is filled in or written onto pages of PDF files."""

from __future__ import annotations

from collections.abc import Callable

from fpdf import FPDF

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.samples import pdf_file

PAGE = b"BT /F 11 Tf 50 700 Td (Order of pumps) Tj ET"


def filled_form(fields: list[bytes]) -> bytes:
    """Write a page with a line of text and fields, each the rest of a widget's dictionary."""
    numbers = range(10, 10 + len(fields))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DR<</Font<</F 4 0 R>>>>>>>>" % kids,
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 4 0 R>>>>"
        b"/Contents 5 0 R/Annots[%s]>>" % kids,
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        5: b"<</Length %d>>stream\n%s\nendstream" % (len(PAGE), PAGE),
    }
    for number, field in zip(numbers, fields, strict=True):
        objects[number] = (
            b"<</Type/Annot/Subtype/Widget/Rect[50 600 200 620]/P 3 0 R/DA(/F 11 Tf)%s>>" % field
        )
    return pdf_file(objects)


def in_utf16(text: str) -> bytes:
    return b"<%s>" % ("\ufeff" + text).encode("utf-16-be").hex().encode()


def test_fields_come_with_their_names(sandbox: Sandbox, load_one: Callable[..., Document]):
    fields = [
        b"/FT/Tx/T(f1[0])/TU%s/V%s" % (in_utf16("Größe:"), in_utf16("zwölf Zoll")),
        b"/FT/Tx/T(customer)/V(Miller and Sons)",
        b"/FT/Tx/T(empty)",
        b"/FT/Tx/T(secret)/Ff 8192/V(swordfish)",
        b"/FT/Tx/T(hidden)/F 2/V(not to be seen)",
        b"/FT/Ch/Ff 131072/T(colour)/Opt[(red)(blue)]/V(blue)",
        b"/FT/Btn/T(express)/V/Yes/AS/Yes/AP<</N<</Yes 5 0 R/Off 5 0 R>>>>",
        b"/FT/Btn/T(insured)/V/Off/AS/Off/AP<</N<</Yes 5 0 R/Off 5 0 R>>>>",
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", filled_form(fields))
    assert document.text.split("\n") == [
        "Order of pumps",
        "Größe: zwölf Zoll",
        "customer: Miller and Sons",
        "colour: blue",
        "express: ✓",
    ]


def test_notes_come_behind_the_text(sandbox: Sandbox, load_one: Callable[..., Document]):
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.text(20, 40, "The pump weighs twelve kilograms.")
    pdf.text_annotation(20, 60, "Is that with the cable?")
    pdf.free_text_annotation("Only without it.", x=20, y=80, w=60, h=10)
    pdf.link(20, 30, 50, 10, "https://pumps.example")
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text == (
        "The pump weighs twelve kilograms.\nIs that with the cable?\nOnly without it."
    )
