"""Pages of PDF files as pictures, and what is said where nothing reads them. No Tesseract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image

from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.page_reader import Reading
from rag_engine.connectors.loaders.ocr.tesseract import Tesseract
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Stretch
from rag_engine.connectors.loaders.parsing.picture import MAX_PIXELS, Picture, PictureOptions
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.scanned import with_pages
from rag_engine.errors import LoadError
from rag_engine.records import Document, Note, Problem
from tests.connectors.loaders.scans import scanned_pdf

Draw = Callable[..., Picture]
Load = Callable[..., list[Document | Problem | Note]]


@pytest.fixture
def draw(sandbox: Sandbox, tmp_path: Path) -> Draw:
    def page(data: bytes, number: int, dpi: int = 100) -> Picture:
        path = tmp_path / "a.pdf"
        path.write_bytes(data)
        with path.open("rb") as file:
            options = PictureOptions(page=number, dpi=dpi)
            return sandbox.picture("pdf_scans", file, options, name="a.pdf")

    return page


def sheet(shade: int) -> Image.Image:
    return Image.new("L", (600, 300), shade)


def test_a_page_is_drawn_upright_at_the_resolution_asked_for(draw: Draw) -> None:
    image = sheet(255)
    image.paste(0, (0, 0, 300, 150))
    picture = draw(scanned_pdf([sheet(255), image]), 2)
    assert (picture.width, picture.height, picture.dpi, picture.pages) == (200, 100, 100, 2)
    grey = np.frombuffer(picture.grey, np.uint8).reshape(100, 200)
    assert grey[5:45, 5:95].max() < 20
    assert min(grey[55:].min(), grey[:, 105:].min()) > 235


def test_rows_that_are_filled_up_are_cut_to_their_width(draw: Draw) -> None:
    picture = draw(scanned_pdf([sheet(255)]), 1, dpi=101)
    assert picture.width % 4
    assert len(picture.grey) == picture.width * picture.height


def test_a_large_page_is_drawn_with_fewer_dots(draw: Draw) -> None:
    pdf = FPDF(unit="pt")
    pdf.add_page(format=(4_000, 8_000))
    picture = draw(bytes(pdf.output()), 1, dpi=600)
    assert picture.width * picture.height <= MAX_PIXELS * 1.001
    assert picture.dpi == 64


@pytest.mark.parametrize(("data", "number"), [(b"%PDF-1.7", 1), (scanned_pdf([sheet(9)]), 7)])
def test_a_page_that_is_not_there_is_refused(draw: Draw, data: bytes, number: int) -> None:
    with pytest.raises(LoadError, match=r"^a\.pdf: "):
        draw(data, number)


def without_tesseract(sandbox: Sandbox, **options: object) -> PdfLoader:
    ocr = Ocr(OcrOptions(**options), tesseract=Tesseract("no-such-command"))
    return PdfLoader(sandbox=sandbox, ocr=ocr)


def test_a_scan_that_nothing_reads_names_what_to_install(sandbox: Sandbox, load: Load) -> None:
    loader = without_tesseract(sandbox, languages=("th",))
    step = r"OCR needs Tesseract: apt-get install tesseract-ocr tesseract-ocr-tha \(Debian"
    with pytest.raises(
        LoadError,
        match=rf"^a\.pdf: it has no text that can be read: only pictures on 1 of 1.*{step}",
    ):
        load(loader, "a.pdf", scanned_pdf([sheet(9)]))
    data = scanned_pdf([sheet(9), None, sheet(9)], texts={2: "Page two.", 3: "Made by Scan It"})
    document, problem = load(loader, "b.pdf", data)
    assert document.text == "Page two.\n\nMade by Scan It"  # a little is better than nothing
    assert problem.reason.startswith("only pictures and no text on page 1; OCR needs Tesseract")


def test_ocr_of_every_page_that_can_not_be_had_is_a_problem(sandbox: Sandbox, load: Load) -> None:
    loader = without_tesseract(sandbox, every_page=True)
    document, problem = load(loader, "a.pdf", scanned_pdf([None], texts={1: "Page one."}))
    assert document.text == "Page one."
    assert problem.reason.startswith("its pages were not read by OCR; OCR needs Tesseract")
    assert problem.reason.endswith("such as tesseract-ocr-hin")


def test_what_was_read_takes_its_place_and_that_of_what_stood_there() -> None:
    parsed = Parsed(
        text="Intro\nGo on.\n\nScan It\n\nEnd.",
        stretches=(
            Stretch(start=0, end=5, page=1, section=("A",)),
            Stretch(start=6, end=12, page=1, section=("B",)),
            Stretch(start=14, end=21, page=2),
            Stretch(start=23, end=27, page=4),
        ),
    )
    readings = {
        page: Reading(text=text, confidence=0.9, models=("eng",))
        for page, text in {2: "Two", 3: "Three"}.items()
    }
    new = with_pages(parsed, readings)
    assert new.text == "Intro\nGo on.\n\nTwo\n\nThree\n\nEnd."
    spans = [(s.page, s.section, new.text[s.start : s.end]) for s in new.stretches]
    assert spans == [
        *((1, ("A",), "Intro"), (1, ("B",), "Go on.")),
        *((2, (), "Two"), (3, (), "Three"), (4, (), "End.")),
    ]
