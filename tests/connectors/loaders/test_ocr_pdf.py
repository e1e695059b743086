"""Scanned pages of PDF files, read by the real Tesseract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.tesseract import Tesseract
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document, Note, Problem
from tests.connectors.loaders.scans import (
    SHEETS,
    draw,
    error_rate,
    need_tesseract,
    scanned_pdf,
)

Load = Callable[..., list[Document | Problem | Note]]
Loader = Callable[..., PdfLoader]


@pytest.fixture(autouse=True)
def _tesseract() -> None:
    need_tesseract()


@pytest.fixture
def loader(sandbox: Sandbox) -> Loader:
    def make(**options: object) -> PdfLoader:
        return PdfLoader(sandbox=sandbox, ocr=Ocr(OcrOptions(**options)))

    return make


def of_page(document: Document, page: int) -> str:
    [span] = [span for span in document.spans if span.page == page]
    return document.text[span.start : span.end]


def test_scanned_pages_stand_among_the_others_and_say_how_they_were_read(
    loader: Loader, load: Load
) -> None:
    data = scanned_pdf([draw(SHEETS["hin"]), None, draw(SHEETS["deu"])], texts={2: "Page two."})
    first, second, document = load(loader(), "a.pdf", data)
    assert [note.text.split(",")[0] for note in (first, second)] == [
        "page 1 was read by OCR (hin+eng)",
        "page 3 was read by OCR (deu+eng)",
    ]
    assert [(note.done, note.total) for note in (first, second)] == [(1, 2), (2, 2)]
    assert [span.page for span in document.spans] == [1, 2, 3]
    assert error_rate(of_page(document, 1), "\n".join(SHEETS["hin"].lines)) < 0.02
    assert of_page(document, 2) == "Page two."
    assert error_rate(of_page(document, 3), "\n".join(SHEETS["deu"].lines)) < 0.02
    assert document.metadata["pages"] == 3
    assert document.metadata["ocr_pages"].startswith("1: 0.9")
    assert ", 3: 0.9" in document.metadata["ocr_pages"]


def test_what_a_scanning_program_writes_below_a_page_is_not_taken_for_its_text(
    loader: Loader, load: Load
) -> None:
    data = scanned_pdf([draw(SHEETS["deu"])], texts={1: "Scanned with Scan It"})
    *_, document = load(loader(), "a.pdf", data)
    assert "fünf Jahre ab Kaufdatum" in document.text


def test_every_page_is_read_where_that_is_asked_for(loader: Loader, load: Load) -> None:
    data = scanned_pdf([None], texts={1: "The pump delivers three hundred litres of water."})
    assert load(loader(), "a.pdf", data)[0].metadata.get("ocr") is None
    note, document = load(loader(every_page=True), "a.pdf", data)
    assert note.text.startswith("page 1 was read by OCR (deu+eng)")
    assert document.text == "The pump delivers three hundred litres of water."


def test_a_page_that_is_too_unsure_is_a_problem_and_not_indexed(loader: Loader, load: Load) -> None:
    pages = [draw(SHEETS["deu"]), draw(SHEETS["ara"])]
    _, _, document, problem = load(loader(languages=("de",)), "a.pdf", scanned_pdf(pages))
    assert [span.page for span in document.spans] == [1]
    assert problem.reason.startswith("page 2: left out: OCR is only ")
    assert "ocr.min_confidence" in problem.reason
    with pytest.raises(LoadError, match=r"^b\.pdf: page 1: left out: OCR is only"):
        load(loader(languages=("de",)), "b.pdf", scanned_pdf(pages[1:]))


def test_languages_are_named_as_one_likes_and_one_that_is_missing_is_told(
    loader: Loader, load: Load
) -> None:
    data = scanned_pdf([draw(SHEETS["hin"])])
    note, _ = load(loader(languages=("hi-IN", "eng")), "a.pdf", data)
    assert "(hin+eng)" in note.text
    with pytest.raises(LoadError, match="apt-get install tesseract-ocr tesseract-ocr-chi-tra"):
        load(loader(languages=("zh-TW",)), "a.pdf", data)


class Few(Tesseract):
    """The real one, with some of its models alone."""

    models = ("deu", "eng", "osd")


def test_a_script_without_a_model_names_the_package(sandbox: Sandbox, load: Load) -> None:
    loader = PdfLoader(sandbox=sandbox, ocr=Ocr(OcrOptions(), tesseract=Few()))
    data = scanned_pdf([draw(SHEETS["tha"])])
    with pytest.raises(LoadError, match=r"in Thai script.*apt-get install .*tesseract-ocr-tha"):
        load(loader, "a.pdf", data)


class NoDetection(Tesseract):
    """The real one, without the model that tells scripts."""

    models = ("ara", "deu", "eng", "hin", "tha")


@pytest.mark.parametrize("language", ["hin", "tha"])
def test_without_script_detection_the_surest_reading_counts(
    sandbox: Sandbox, load: Load, language: str
) -> None:
    loader = PdfLoader(sandbox=sandbox, ocr=Ocr(OcrOptions(), tesseract=NoDetection()))
    note, _ = load(loader, "a.pdf", scanned_pdf([draw(SHEETS[language])]))
    assert f"({language}+eng)" in note.text


def test_a_page_that_takes_too_long_is_a_problem_and_the_next_is_read(
    loader: Loader, load: Load
) -> None:
    data = scanned_pdf([draw(SHEETS["deu"])])
    with pytest.raises(LoadError, match=r"OCR of it took longer than 0\.01 s; raise ocr\.page_"):
        load(loader(page_timeout_s=0.01), "a.pdf", data)
    with pytest.raises(LoadError, match=r"took longer than 1e-09 s; raise ocr\.file_timeout_s"):
        load(loader(file_timeout_s=1e-9), "a.pdf", data)


def test_a_lost_line_is_found_by_another_layout(loader: Loader, load: Load) -> None:
    """On this page Tesseract's usual search for lines loses one of Thai."""
    image = draw(SHEETS["tha"], skew=-0.6, noise=0)
    _, document = load(loader(), "a.pdf", scanned_pdf([image]))
    assert error_rate(document.text, "\n".join(SHEETS["tha"].lines)) < 0.07


def test_rows_of_a_table_stay_lines(loader: Loader, load: Load) -> None:
    rows = ("Pumpe P-300    12 kg    480 Euro", "Filter F-20      2 kg       35 Euro")
    sheet = replace(SHEETS["deu"], lines=rows)
    _, document = load(loader(), "a.pdf", scanned_pdf([draw(sheet)]))
    found = ["".join(line.split()) for line in document.text.splitlines() if line]
    assert found == ["".join(row.split()) for row in rows]
