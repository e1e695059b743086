"""What goes on overleaf in a PDF: tables without their header, heads and feet of two pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from fpdf import FPDF

from rag_engine.connectors.loaders.parsing.pdf_line import rows_of
from rag_engine.connectors.loaders.parsing.pdf_pages import put_together
from rag_engine.connectors.loaders.parsing.pdf_table_rows import TableRows, rows_of_cells
from rag_engine.connectors.loaders.parsing.tables import Cell, Placed
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

ABOVE = "The stock of the workshop, counted on the last day of the year by two of us."
BELOW = "What is missing was ordered in January."
NAMES = ("Wheel", "Metal", "State", "Place")
WHEELS = [
    (
        f"Wheel {name}",
        ("brass", "steel")[n % 2],
        ("worn", "new", "fair")[n % 3],
        ("hall", "loft")[n % 2],
    )
    for n, name in enumerate("ABCDEFGHIJKLMNOPQRSTUVW")
]


def printed(
    rows: Sequence[Sequence[str]], borders: str, *, bold: bool = True, height: int = 100
) -> bytes:
    """Print a table over several pages; nothing is repeated on them."""
    pdf = FPDF(format=(140, height))
    pdf.set_auto_page_break(auto=True, margin=12)
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.multi_cell(0, text=ABOVE, new_x="LMARGIN", new_y="NEXT")
    with pdf.table(
        borders_layout=borders, text_align="LEFT", repeat_headings=0, first_row_as_headings=bold
    ) as table:
        for row in rows:
            cells = table.row()
            for cell in row:
                cells.cell(cell)
    pdf.multi_cell(0, text=BELOW, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def named(rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        " | ".join(f"{name}: {value}" for name, value in zip(NAMES, row, strict=True))
        for row in rows
    ]


@pytest.mark.parametrize("borders", ["ALL", "MINIMAL", "HORIZONTAL_LINES", "NONE"])
@pytest.mark.parametrize("bold", [True, False])
def test_rows_overleaf_name_their_columns(
    sandbox: Sandbox, load_one: Callable[..., Document], borders: str, bold: bool
):
    if borders == "MINIMAL" and not bold:
        return  # fpdf2 draws its one rule below headings alone
    document = load_one(
        PdfLoader(sandbox=sandbox), "a.pdf", printed([NAMES, *WHEELS], borders, bold=bold)
    )
    assert document.metadata["pages"] == 3
    assert [line for line in document.text.split("\n") if line] == [ABOVE, *named(WHEELS), BELOW]


def test_a_table_with_names_of_its_own_keeps_them(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [NAMES, *WHEELS[:6]]
    pdf = FPDF(format=(140, 100))
    for names in (NAMES, ("Lamp", "Colour", "Shape", "Watt")):
        pdf.add_page()
        pdf.set_font("helvetica", size=10)
        with pdf.table(text_align="LEFT") as table:
            for row in (names, *rows[1:]):
                cells = table.row()
                for cell in row:
                    cells.cell(cell)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text.split("\n")[0].startswith("Wheel: Wheel A | Metal: brass")
    assert document.text.split("\n")[-1].startswith("Lamp: Wheel F | Colour: steel")


def test_two_pages_have_heads_and_feet_too(sandbox: Sandbox, load_one: Callable[..., Document]):
    texts = [
        "The tower clock strikes the quarters, and the bell in the yard answers it at noon.",
        "In winter it is wound up twice a week, since the oil grows stiff in the cold tower.",
    ]
    pdf = FPDF()
    pdf.set_font("helvetica", size=11)
    for number, text in enumerate(texts, start=1):
        pdf.add_page()
        pdf.text(20, 12, "Tower clocks")
        pdf.text(20, 40, text)
        pdf.text(95, 285, f"{number} / 2")
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text == f"Tower clocks\n{texts[0]}\n\n{texts[1]}"


def test_what_two_pages_begin_with_is_no_head(sandbox: Sandbox, load_one: Callable[..., Document]):
    pdf = FPDF()
    pdf.set_font("helvetica", size=11)
    for item in ("a brass bell", "a steel spring"):
        pdf.add_page()
        for n, line in enumerate(("Order of the day", f"We need {item}.")):
            pdf.text(20, 40 + 5 * n, line)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text.count("Order of the day") == 2


def test_numbers_in_large_type_are_no_numbers_of_pages(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    pdf = FPDF()
    for number in (7, 8, 9):
        pdf.add_page()
        pdf.set_font("helvetica", size=16)
        pdf.text(20, 20, f"Order {number}")
        pdf.set_font("helvetica", size=10)
        for n in range(4):
            pdf.text(20, 40 + 5 * n, f"Part {number}{n} for the clock, to be sent at once, please.")
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert [span.section for span in document.spans] == [("Order 7",), ("Order 8",), ("Order 9",)]


LONG = "the shaft runs dry within a day, so that it"
REST = "has to be oiled before anyone winds it up"


@pytest.mark.parametrize(
    ("above", "below", "whole"),
    [
        (LONG, REST, f"Part: Clock | Care: {LONG} {REST}"),
        (f"{LONG}.", REST, None),
        (LONG, "Oil it before anyone winds it up", None),
        ("worn", "new", None),
    ],
)
def test_a_row_that_goes_on_overleaf_is_one(
    sandbox: Sandbox,
    load_one: Callable[..., Document],
    above: str,
    below: str,
    whole: str | None,
):
    pages = [
        [("Part", "Care"), ("Bell", "none"), ("Clock", above)],
        [("", below), ("Lamp", "dust it twice a year"), ("Rope", "tar it in the autumn")],
    ]
    pdf = FPDF(format=(150, 100))
    pdf.set_font("helvetica", size=10)
    for number, rows in enumerate(pages):
        pdf.add_page()
        for place, row in enumerate(rows):
            pdf.set_font(style="" if number or place else "B")
            for width, text in zip((30, 100), row, strict=True):
                pdf.cell(width, 8, text, border=1)
            pdf.ln()
    lines = [
        line
        for line in load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output())).text.split(
            "\n"
        )
        if line
    ]
    first = [whole] if whole else [f"Part: Clock | Care: {above}", f"Care: {below}"]
    assert lines == [
        "Part: Bell | Care: none",
        *first,
        "Part: Lamp | Care: dust it twice a year",
        "Part: Rope | Care: tar it in the autumn",
    ]


def cut(*rows: tuple[str, str], named: bool = False) -> TableRows:
    """A table's part of one page; ``named`` tells that its first row names the columns."""
    placed = [
        tuple(Placed(at, at + 1, Cell(text)) for at, text in enumerate(row) if text) for row in rows
    ]
    return rows_of_cells(
        placed,
        lambda row: named and row == 0,
        box=(0, 0, 130, 100),
        start=0,
        columns=((0, 30), (30, 130)),
        ruled=True,
        names=[named and row == 0 for row in range(len(rows))],
    )


@pytest.mark.parametrize("end", ["", "."])
def test_a_row_over_three_pages_is_one(end: str):
    pages = [
        cut(("Part", "Care"), ("Bell", "none"), ("Clock", LONG), named=True),
        cut(("", REST + end)),
        cut(("", "and after that once a month"), ("Lamp", "dust it twice a year")),
    ]
    text, stretches = put_together([rows_of(page) for page in pages])
    third = "Care: and after that once a month\nPart: Lamp" if end else "Part: Lamp"
    rest = "." if end else " and after that once a month"
    assert text == (
        f"Part: Bell | Care: none\nPart: Clock | Care: {LONG} {REST}{rest}"
        f"\n\n{third} | Care: dust it twice a year"
    )
    assert [each.page for each in stretches] == [1, 3]
