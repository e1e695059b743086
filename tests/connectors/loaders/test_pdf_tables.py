"""Tables of PDF files: in rules or in columns, with cells of many lines, from either side."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fpdf import FPDF
from pypdfium2 import PdfDocument

from rag_engine.connectors.loaders.parsing.pdf_grid import ruled_grids
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText
from rag_engine.connectors.loaders.parsing.pdf_rules import Rule
from rag_engine.connectors.loaders.parsing.pdf_styles import StyleReader
from rag_engine.connectors.loaders.parsing.pdf_tables import _odd_runs
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.samples import pdf_file
from tests.marks import unavailable

INTRO = "Preisliste der Saison, alle Preise in Euro und ohne Versand."
END = "Ende der Liste. Die Preise gelten bis zum Jahresende."
PRICES = [
    ("Artikel", "Nummer", "Preis", "Lieferzeit"),
    ("Tauchpumpe mit Schwimmer für Keller und Garten", "TP-11", "240,00", "3 Tage"),
    ("Sandfilter", "SF-20", "89,00", ""),
    ("Dichtung", "D-3810", "12,40", "2 Wochen"),
    ("Ventil aus Messing", "V-7", "15,90", "1 Tag"),
]


def labelled(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    return [
        " | ".join(f"{name}: {value}" for name, value in zip(head, row, strict=True) if value)
        for row in body
    ]


def printed_table(rows: Sequence[Sequence[str]], borders: str) -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, text=INTRO, new_x="LMARGIN", new_y="NEXT")
    with pdf.table(borders_layout=borders, text_align="LEFT") as table:
        for row in rows:
            cells = table.row()
            for cell in row:
                cells.cell(cell)
    pdf.multi_cell(0, text=END, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


@pytest.mark.parametrize(
    "borders",
    ["ALL", "INTERNAL", "MINIMAL", "NO_HORIZONTAL_LINES", "HORIZONTAL_LINES", "NONE"],
)
def test_each_row_names_its_columns(
    sandbox: Sandbox, load_one: Callable[..., Document], borders: str
):
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed_table(PRICES, borders))
    assert document.text.split("\n") == [INTRO, *labelled(PRICES), END]


def test_a_header_of_numbers_is_told_by_its_type(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [("Land", "2024", "2025"), ("Norwegen", "12", "14"), ("Schweden", "9", "8")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed_table(rows, "ALL"))
    assert document.text.split("\n")[1:-1] == labelled(rows)


@pytest.mark.parametrize(
    "rows",
    [
        [("Obst", "Preis", "Lager"), ("Apfel", "5.50", "100"), ("Birne", "3.20", "")],
        [("Tee", "Gramm"), ("Minze", "40"), ("Salbei", "25"), ("Kamille", "30")],
    ],
)
def test_rules_part_columns_that_are_as_near_as_words(
    sandbox: Sandbox, load_one: Callable[..., Document], rows: list[tuple[str, ...]]
):
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, text=INTRO, new_x="LMARGIN", new_y="NEXT")
    for row in rows:
        for column, cell in enumerate(row):
            width = max(pdf.get_string_width(each[column]) for each in rows) + 2
            pdf.cell(width, 7, cell, border=1)
        pdf.ln()
    pdf.multi_cell(0, text=END, new_x="LMARGIN", new_y="NEXT")
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", bytes(pdf.output()))
    assert document.text.split("\n") == [INTRO, *labelled(rows), END]


def test_wrapped_cells_without_rules_whose_middles_are_level(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [
        [["Code"], ["Meaning"], ["What to do"]],
        [
            ["E1"],
            ["Water in the", "upper tank is", "too low"],
            ["Refill it slowly and", "press reset"],
        ],
        [
            ["E2"],
            ["Blocked"],
            [
                "Take the filter out,",
                "rinse it, put it",
                "in with care, then",
                "restart the pump",
                "and wait",
            ],
        ],
        [["E3"], ["Too hot for", "the sensor"], ["Wait"]],
    ]
    cells = []
    top = 30.0
    for row in rows:
        most = max(map(len, row))
        for x, lines in zip((15, 28, 54), row, strict=True):
            first = top + 5 * (most - len(lines)) / 2
            cells += [(x, first + 5 * n, line) for n, line in enumerate(lines)]
        top += 5 * most
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written(cells))
    whole = [tuple(" ".join(lines) for lines in row) for row in rows]
    assert document.text.split("\n") == labelled(whole)


def written(cells: Sequence[tuple[float, float, str]]) -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for x, y, text in cells:
        pdf.text(x, y, text)
    return bytes(pdf.output())


def test_lines_in_two_columns_of_prose_are_no_rows(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    lines = [
        "The pump delivers three hundred litres",
        "of water each minute and it weighs just",
        "twelve kilograms without its long cable",
    ]
    cells = [(x, 30 + 6 * n, line) for x in (15, 110) for n, line in enumerate(lines)]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written(cells))
    assert document.text == " ".join([*lines, *lines])


def test_a_numbered_list_is_no_table(sandbox: Sandbox, load_one: Callable[..., Document]):
    steps = ["Open the valve", "Tilt the tank", "Wait a minute", "Close the valve"]
    marks = [(15, 30 + 6 * n, f"{n + 1}.") for n in range(4)]
    texts = [(70, 30 + 6 * n, step) for n, step in enumerate(steps)]
    cells = [each for pair in zip(marks, texts, strict=True) for each in pair]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written(cells))
    assert document.text.split("\n") == [f"{n}. {step}" for n, step in enumerate(steps, start=1)]


def test_columns_that_are_not_sure_give_rows_without_names(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    rows = [
        ("Land", "Preis", "Dauer"),
        ("Norwegen", "240,00 3 Tage", ""),
        ("Malta", "12,40", "2 Wochen"),
        ("Zypern", "15,90", "1 Tag"),
    ]
    xs = (15, 60, 77)
    cells = [(x, 30 + 6 * n, c) for n, row in enumerate(rows) for x, c in zip(xs, row, strict=True)]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written([c for c in cells if c[2]]))
    assert document.text.split("\n") == [
        "Land Preis Dauer",
        *(" | ".join(filter(None, row)) for row in rows[1:]),
    ]


def test_pairs_without_a_header_stay_pairs(sandbox: Sandbox, load_one: Callable[..., Document]):
    pairs = [("Voltage", "230 V"), ("Power", "1.2 kW"), ("Weight", "12 kg")]
    cells = [
        cell
        for n, (a, b) in enumerate(pairs)
        for cell in ((15, 30 + 6 * n, a), (60, 30 + 6 * n, b))
    ]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written(cells))
    assert document.text == "Voltage | 230 V\nPower | 1.2 kW\nWeight | 12 kg"


def test_a_row_of_its_own_keeps_its_pieces_apart(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    cells = [(15, 30, "Order of spare parts"), (120, 30, "Page one of nine"), (15, 50, "Dear all,")]
    cells += [(15, 60, "please send"), (150, 60, "two of them")]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", written(cells))
    assert document.text == (
        "Order of spare parts | Page one of nine\nDear all,\nplease send | two of them"
    )


def test_merged_cells_are_read_off_the_rules():
    across = [Rule(at, 0, 90) for at in (0, 60)] + [Rule(20, 0, 90), Rule(40, 30, 90)]
    upright = [Rule(at, 0, 60) for at in (0, 30, 90)] + [Rule(60, 0, 40)]
    (grid,) = ruled_grids(across, upright)
    spans = {(f.top_row, f.end_row, f.first_column, f.end_column) for f in grid.frames}
    assert spans == {
        (0, 2, 0, 1),
        (0, 1, 1, 3),
        (1, 2, 1, 2),
        (1, 2, 2, 3),
        *((2, 3, n, n + 1) for n in range(3)),
    }


def test_cells_that_are_no_rectangles_are_no_table():
    across = [Rule(0, 0, 60), Rule(40, 0, 60), Rule(20, 0, 30)]
    upright = [Rule(0, 0, 40), Rule(60, 0, 40), Rule(30, 0, 20)]
    assert ruled_grids(across, upright) == []


def test_a_frame_around_everything_is_no_table():
    assert ruled_grids([Rule(0, 0, 90), Rule(60, 0, 90)], [Rule(0, 0, 60), Rule(90, 0, 60)]) == []


HEBREW = [
    ("מוצר", "מספר קטלוגי", "מחיר", "זמן אספקה"),
    ("משאבת שקע עם מצוף", "PR-11", "240.00 ₪", "3 ימים"),
    ("מסנן חול גדול", "FS-20", "89.00 ₪", ""),
    ("אטם גומי", "JT-3810", "12.40 ₪", "שבועיים"),
]
JAPANESE = [
    ("品名", "型番", "価格", "納期"),
    ("水中ポンプ", "PR-11", "24,000円", "三日"),
    ("砂ろ過器", "FS-20", "8,900円", ""),
    ("ゴムリング", "JT-3810", "1,240円", "二週間"),
]
BORDERS = "table{border-collapse:collapse}td,th{border:1px solid #000;padding:3px 9px}"


@pytest.mark.browser
@pytest.mark.parametrize("style", [BORDERS, "td,th{padding:2px 18px}", "td{width:130px}"])
@pytest.mark.parametrize(
    ("direction", "rows"), [("ltr", PRICES), ("rtl", HEBREW), ("ltr", JAPANESE)]
)
def test_what_a_browser_prints(
    tmp_path: Path,
    sandbox: Sandbox,
    load_one: Callable[..., Document],
    style: str,
    direction: str,
    rows: Sequence[Sequence[str]],
):
    browser = shutil.which("chromium")
    if browser is None:
        unavailable("browser", "no chromium")
    lister = shutil.which("fc-list")
    fonts = lister and subprocess.check_output([lister, ":lang=ja"], text=True)
    if rows is JAPANESE and not fonts:
        pytest.skip("NOT TESTED (browser): no font here has the letters of ja")
    head, *body = rows
    table = "".join(f"<th>{cell}" for cell in head) + "".join(
        "<tr>" + "".join(f"<td>{cell}" for cell in row) for row in body
    )
    page = tmp_path / "page.html"
    text = f"<!doctype html><meta charset=utf-8><style>{style}</style><body dir={direction}>"
    page.write_text(f"{text}<table><tr>{table}</table>", encoding="utf-8")
    printed = tmp_path / "page.pdf"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", str(page)], check=True)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed.read_bytes())
    assert document.text.split("\n") == labelled(rows)


def low_pdf(lines: Sequence[str]) -> bytes:
    """Return a page in a font whose descriptor tells half of its height."""
    drawn = "".join(f"1 0 0 1 40 {700 - 14 * n} Tm ({line}) Tj\n" for n, line in enumerate(lines))
    content = f"BT /F1 11 Tf\n{drawn}ET".encode()
    return pdf_file(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            4: b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Low/FontDescriptor 6 0 R/FirstChar 32"
            b"/LastChar 126/Widths[%s]>>" % (b"520 " * 95),
            6: b"<</Type/FontDescriptor/FontName/Low/Flags 32/Ascent 450/Descent -100"
            b"/FontBBox[0 -100 600 450]/ItalicAngle 0/CapHeight 440/StemV 80>>",
        }
    )


def odd_lines(data: bytes) -> list[int]:
    page = PdfDocument(data)[0]
    text_page = page.get_textpage()
    written = PageText(text_page)
    return _odd_runs(written, written.runs(), StyleReader(text_page).em)


def test_no_line_of_prose_has_gaps_where_a_font_tells_less_than_its_height():
    prose = ["The pump delivers three hundred litres of water each minute."] * 6
    gaps = [line.replace(" ", 8 * " ") for line in prose]
    assert odd_lines(low_pdf(prose)) == []
    assert odd_lines(low_pdf(gaps)) == list(range(6))
