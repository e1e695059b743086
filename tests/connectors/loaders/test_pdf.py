"""PDF files."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from fpdf import FPDF
from PIL import Image

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem
from tests.connectors.loaders.samples import make_latin_pdf, make_script_pdf

LONG = (
    "Die Pumpe fördert dreihundert Liter Wasser in der Minute und wiegt zwölf Kilogramm. Sie ist "
    "für den Dauerbetrieb gebaut und braucht keine Wartung, solange das Wasser sauber ist. Läuft "
    "sie trocken, schaltet sie sich nach vierzig Sekunden selbst ab."
)


@pytest.fixture
def loader(sandbox: Sandbox) -> PdfLoader:
    return PdfLoader(sandbox=sandbox)


def test_pages_are_spans_and_lines_are_joined(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    data = make_latin_pdf([f"Pflege\n{LONG}\nEnde.", "Zweite Seite."], title="Pumpe P-300")
    document = load_one(loader, "a.pdf", data)
    assert document.text == f"Pflege\n{LONG}\nEnde.\n\nZweite Seite."
    pages = [(span.page, document.text[span.start : span.end]) for span in document.spans]
    assert pages == [(1, f"Pflege\n{LONG}\nEnde."), (2, "Zweite Seite.")]
    assert document.title == "Pumpe P-300"
    assert document.metadata == {"format": "pdf", "pages": 2}


def test_scripts_of_either_direction_come_out_in_reading_order(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    hebrew, arabic = "המשאבה מספקת מים", "تضخ المضخة الماء"
    pages = [
        ["ポンプは毎分三百リットルの水を送り、重さは十二キログラムで、", "毎週洗います。"],
        [hebrew[::-1]],
        [arabic[::-1]],
        ["पंप को हर हफ़्ते साफ़ करें।"],
        ["ปั๊มจ่ายน้ำสามร้อยลิตรต่อนาที"],
        ["펌프는 물을 보냅니다."],
    ]
    document = load_one(loader, "a.pdf", make_script_pdf(pages))
    assert [document.text[span.start : span.end] for span in document.spans] == [
        "ポンプは毎分三百リットルの水を送り、重さは十二キログラムで、毎週洗います。",
        hebrew,
        arabic,
        *(page[0] for page in pages[3:]),
    ]


def test_divided_words_are_put_together(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    lines = [
        "The pump delivers three hundred litres of water each min-",
        "ute, and it was built by the company of Huber-",
        "Meier in Ghent. It is an OP-",
        "TIONAL part.",
    ]
    document = load_one(loader, "a.pdf", make_script_pdf([lines]))
    assert document.text == (
        "The pump delivers three hundred litres of water each minute, and it was built by the "
        "company of Huber-Meier in Ghent. It is an OPTIONAL part."
    )


def test_items_stand_on_lines_of_their_own(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    lines = ["1. Open the lower valve and let the water run out", "2. Tilt the tank"]
    document = load_one(loader, "a.pdf", make_script_pdf([lines]))
    assert document.text == "\n".join(lines)


def test_heads_stay_once_and_feet_with_numbers_go(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    pages = [["ACME manual", f"Text of part {n * n}.", f"page {n} of 5"] for n in range(1, 6)]
    document = load_one(loader, "a.pdf", make_script_pdf(pages))
    parts = [f"Text of part {n * n}." for n in range(1, 6)]
    assert document.text == "\n\n".join(["ACME manual\n" + parts[0], *parts[1:]])


def test_what_three_pages_have_at_different_places_stays(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    pages = [[f"Part {'abc'[n]}."] * n + ["Rinse it."] + ["Then dry it."] for n in range(3)]
    document = load_one(loader, "a.pdf", make_script_pdf(pages))
    assert document.text.count("Rinse it.") == 3


def paged(pages: list[list[tuple[int, str]]]) -> bytes:
    """Write lines, each with its size."""
    pdf = FPDF()
    for lines in pages:
        pdf.add_page()
        for number, (size, text) in enumerate(lines):
            pdf.set_font("helvetica", size=size)
            pdf.text(20, 30 + 6 * number, text)
    return bytes(pdf.output())


def test_a_sentence_goes_on_overleaf_before_the_notes(
    loader: PdfLoader, load_one: Callable[..., Document]
) -> None:
    first = [(11, "Rinse the pump each week. Before the winter comes, empty the hous-")]
    note = [(8, "1 Not needed indoors.")]
    second = [(11, "ing and the pipe. Then store it."), (15, "Spare parts")]
    document = load_one(loader, "a.pdf", paged([first + note, second]))
    assert document.text == (
        "Rinse the pump each week. Before the winter comes, empty the housing and the pipe.\n"
        "1 Not needed indoors.\n\nThen store it.\nSpare parts"
    )
    assert [span.page for span in document.spans] == [1, 2]


@pytest.mark.parametrize(
    ("end", "beginning"),
    [
        ("The pump is heavy and it is a good one.", "it weighs twelve kilograms."),
        ("The pump is heavy and it is a good one", "It weighs twelve kilograms."),
        ("Spare parts", "of the pump"),
    ],
)
def test_pages_that_end_are_kept_apart(
    loader: PdfLoader, load_one: Callable[..., Document], end: str, beginning: str
) -> None:
    document = load_one(loader, "a.pdf", paged([[(11, end)], [(11, beginning)]]))
    assert document.text == f"{end}\n\n{beginning}"


@pytest.mark.parametrize("junk", ["untitled", "Microsoft Word - Dok1", "manual_v3.docx", ""])
def test_a_title_that_says_nothing_is_not_taken(
    loader: PdfLoader, load_one: Callable[..., Document], junk: str
) -> None:
    assert load_one(loader, "pumpe.pdf", make_latin_pdf(["Text."], title=junk)).title == ""


def picture_pages(texts: list[str]) -> bytes:
    picture = io.BytesIO()
    Image.new("L", (60, 30), 128).save(picture, "PNG")
    pdf = FPDF()
    for text in texts:
        pdf.add_page()
        pdf.image(picture, 10, 10)
        if text:
            pdf.set_font("helvetica", size=11)
            pdf.text(20, 80, text)
    return bytes(pdf.output())


def test_a_scan_without_text_is_an_error_and_not_silence(
    loader: PdfLoader, load: Callable[..., list[Document | Problem]]
) -> None:
    told = r"scan\.pdf: it has no text that can be read: only pictures on 2 of 2 pages"
    with pytest.raises(LoadError, match=told):
        load(loader, "scan.pdf", picture_pages(["", ""]))


def test_scanned_pages_among_others_are_reported(
    loader: PdfLoader, load: Callable[..., list[Document | Problem]]
) -> None:
    document, problem = load(loader, "a.pdf", picture_pages(["One.", "", "Three."]))
    assert isinstance(document, Document)
    assert [span.page for span in document.spans] == [1, 3]
    assert isinstance(problem, Problem)
    assert problem.reason.startswith("only pictures and no text on page 2;")


def test_blank_pages_are_no_problem(loader: PdfLoader, load_one: Callable[..., Document]) -> None:
    document = load_one(loader, "a.pdf", make_latin_pdf(["One.", "", "Three."]))
    assert [span.page for span in document.spans] == [1, 3]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"hello", "it is no PDF"),
        (make_latin_pdf(["secret"], password="x"), "it is encrypted"),
        (make_latin_pdf([""]), "it has no text on any of its 1 pages"),
        (b"%PDF-1.7\n%%EOF", "it is damaged"),
    ],
)
def test_what_can_not_be_read_is_an_error_with_its_reason(
    loader: PdfLoader, load: Callable[..., list[Document | Problem]], data: bytes, reason: str
) -> None:
    with pytest.raises(LoadError, match=reason):
        load(loader, "bad.pdf", data)


def test_a_damaged_page_is_left_out_and_reported(
    loader: PdfLoader, load: Callable[..., list[Document | Problem]]
) -> None:
    data = make_script_pdf([["One."], ["Two."], ["Three."]])
    broken = data.replace(b"<</Type/Page/Parent 2 0 R", b"[[/Type/Page/Parent 2 0 R", 2)
    broken = broken.replace(b"[[/Type/Page/", b"<</Type/Page/", 1)
    document, problem = load(loader, "a.pdf", broken)
    assert isinstance(document, Document)
    assert document.text == "One.\n\nThree."
    assert problem == Problem(source="a.pdf", reason="damaged and left out: page 2")
