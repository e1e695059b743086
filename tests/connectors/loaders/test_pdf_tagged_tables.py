"""Tables and languages that a tagged PDF file tells of."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.office.soffice import SOFFICE, convert
from tests.connectors.loaders.tagged_pdf import Element, structured_pdf
from tests.marks import unavailable

PAGE = """<html lang="de"><meta charset="utf-8"><title>x</title><h1>Preise der Pumpen</h1>
<table><thead><tr><th rowspan=2>Artikel<th colspan=2>Preis</tr><tr><th>neu<th>alt</tr></thead>
<tr><td>Tauchpumpe<td>240<td>200</tr><tr><td rowspan=2>Ventil<td>15<td>12</tr>
<tr><td colspan=2>auf Anfrage</tr></table><p>Alle Preise ohne Versand.</p>
<table><tr><th>Montag<td>9 bis 12<td>Halle</tr><tr><th>Dienstag<td>13 bis 17<td>Hof</tr></table>
"""
PRINTED = [
    "Preise der Pumpen",
    "Artikel: Tauchpumpe | Preis > neu: 240 | Preis > alt: 200",
    "Artikel: Ventil | Preis > neu: 15 | Preis > alt: 12",
    "Artikel: Ventil | Preis > neu, Preis > alt: auf Anfrage",
    "Alle Preise ohne Versand.",
    "Montag: 9 bis 12 | Halle",
    "Dienstag: 13 bis 17 | Hof",
]


def row(*cells: Element) -> Element:
    return Element(kind="TR", inner=cells)


def cell(kind: str, text: str, x: int, y: int, attributes: str = "") -> Element:
    told = f"/A<</O/Table{attributes}>>" if attributes else ""
    return Element(kind=kind, text=text, x=x, y=y, told=told)


def read(
    sandbox: Sandbox,
    load_one: Callable[..., Document],
    elements: Sequence[Element],
    told: str = "",
) -> Document:
    return load_one(PdfLoader(sandbox=sandbox), "a.pdf", structured_pdf(elements, told=told))


def test_header_cells_and_spans_are_those_of_the_file(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    head = [
        row(cell("TH", "Tool", 40, 390, "/RowSpan 2"), cell("TH", "Hours", 140, 390, "/ColSpan 2")),
        row(cell("TH", "2024", 140, 374), cell("TH", "2025", 200, 374)),
    ]
    body = [
        row(cell("TD", "Lathe", 40, 358), cell("TD", "310", 140, 358), cell("TD", "295", 200, 358)),
        row(cell("TD", "Saw", 40, 342), cell("TD", "none", 140, 342, "/ColSpan 2")),
    ]
    table = Element(
        kind="Table", inner=[Element(kind="THead", inner=head), Element(kind="TBody", inner=body)]
    )
    document = read(sandbox, load_one, [table])
    assert document.text.split("\n") == [
        "Tool: Lathe | Hours > 2024: 310 | Hours > 2025: 295",
        "Tool: Saw | Hours > 2024, Hours > 2025: none",
    ]


def test_header_cells_of_rows_name_no_columns(sandbox: Sandbox, load_one: Callable[..., Document]):
    rows = [("Monday", "nine to noon", "hall"), ("Friday", "one to five", "yard")]
    table = Element(
        kind="Table",
        inner=[
            row(
                cell("TH", day, 40, 390 - 16 * n, "/Scope/Row"),
                cell("TD", hours, 140, 390 - 16 * n),
                cell("TD", place, 240, 390 - 16 * n),
            )
            for n, (day, hours, place) in enumerate(rows)
        ],
    )
    document = read(sandbox, load_one, [table])
    assert document.text == "Monday: nine to noon | hall\nFriday: one to five | yard"


def test_cells_that_stand_otherwise_than_the_file_says_get_no_names(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    # The second row has lost its first cell, which reached down from the page before.
    table = Element(
        kind="Table",
        inner=[
            row(cell("TH", "Tool", 40, 390), cell("TH", "Hours", 140, 390)),
            row(cell("TD", "310", 140, 374)),
            row(cell("TD", "Saw", 40, 358), cell("TD", "295", 140, 358)),
        ],
    )
    document = read(sandbox, load_one, [table])
    assert "Tool: 310" not in document.text
    assert "Saw" in document.text


def test_a_table_that_holds_another_lays_out(sandbox: Sandbox, load_one: Callable[..., Document]):
    inner = Element(
        kind="Table",
        inner=[
            row(cell("TH", "Tool", 40, 390), cell("TH", "Hours", 140, 390)),
            row(cell("TD", "Saw", 40, 374), cell("TD", "295", 140, 374)),
        ],
    )
    outer = Element(kind="Table", inner=[row(Element(kind="TD", inner=[inner]))])
    assert read(sandbox, load_one, [outer]).text == "Tool: Saw | Hours: 295"


@pytest.mark.parametrize(
    ("whole", "part", "language"),
    [
        ("/Lang(nl-NL)", "", "nl-NL"),
        ("/Lang(nl-NL)", "/Lang(af)", "af"),
        ("", "/Lang(af)", "af"),
        ("/Lang(none of them)", "", None),
        ("", "", None),
    ],
)
def test_the_language_is_the_one_that_most_of_the_text_is_said_to_be_in(
    sandbox: Sandbox,
    load_one: Callable[..., Document],
    whole: str,
    part: str,
    language: str | None,
):
    paragraphs = [
        Element(kind="P", text="Water", y=390),
        Element(kind="P", text="Die pomp staan in die tuin", y=360, told=part),
    ]
    document = read(sandbox, load_one, paragraphs, told=whole)
    assert document.language_hint == language


@pytest.mark.browser
def test_a_table_that_a_browser_prints(
    sandbox: Sandbox, load_one: Callable[..., Document], tmp_path: Path
):
    browser = shutil.which("chromium")
    if browser is None:
        unavailable("browser", "no chromium")
    page, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(PAGE, encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", str(page)], check=True)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed.read_bytes())
    assert (document.language_hint, document.text.split("\n")) == ("de", PRINTED)


@pytest.mark.slow
def test_a_table_that_libreoffice_exports(sandbox: Sandbox, load_one: Callable[..., Document]):
    if SOFFICE is None:
        unavailable("slow", "LibreOffice (soffice) is not installed")
    options = 'pdf:writer_web_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'
    data = convert(PAGE.encode(), "html", options)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", data)
    assert document.text.split("\n") == PRINTED[1:]  # it leaves the heading out
