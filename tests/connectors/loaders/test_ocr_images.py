"""Images read by the real Tesseract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rag_engine.connectors.loaders.image import ImageLoader
from rag_engine.connectors.loaders.ocr.tesseract import Page, Tesseract
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document, Note, Problem
from tests.connectors.loaders.scans import DPI, SHEETS, draw, encode, error_rate, need_tesseract
from tests.waiting import PATIENCE_S

Load = Callable[..., list[Document | Problem | Note]]
WORST = {"hin": 0.02, "ara": 0.03, "tha": 0.07, "deu": 0.01}
"""The most wrong characters, for each that is there; connectors/README.md tells what was seen."""


@pytest.fixture(autouse=True)
def _tesseract() -> None:
    need_tesseract()


@pytest.fixture
def loader(sandbox: Sandbox) -> ImageLoader:
    return ImageLoader(sandbox=sandbox)


@pytest.mark.parametrize("language", SHEETS)
def test_a_scan_is_read_in_its_own_script_and_says_so(
    loader: ImageLoader, load: Load, language: str
) -> None:
    sheet = SHEETS[language]
    note, document = load(loader, "scan.png", encode(draw(sheet)))
    assert isinstance(document, Document)
    rate = error_rate(document.text, "\n".join(sheet.lines))
    print(f"{language}: {rate:.4f} of the characters are wrong")  # noqa: T201 - seen with -s
    assert rate <= WORST[language]
    assert document.metadata["ocr"] is True
    assert 0.85 < document.metadata["ocr_confidence"] <= 1
    assert document.metadata["ocr_languages"].split("+")[0] == language
    assert [span.page for span in document.spans] == [1]
    sure = document.metadata["ocr_pages"].removeprefix("1: 0.")
    told = f"page 1 was read by OCR ({document.metadata['ocr_languages']}), {sure}% sure"
    assert note == Note(source="scan.png", text=told, done=1, total=1)


@pytest.mark.parametrize("language", ["hin", "ara", "tha"])
def test_latin_letters_among_another_script_are_read_as_such(
    loader: ImageLoader, load: Load, language: str
) -> None:
    english = ("Model X-200, 24 V, 12 kg, order number 4711", "Call the service centre in Ghent.")
    sheet = replace(SHEETS[language], lines=(*SHEETS[language].lines, *english))
    _, document = load(loader, "scan.png", encode(draw(sheet)))
    rate = error_rate(document.text, "\n".join(sheet.lines))
    print(f"{language} and English: {rate:.4f} of the characters are wrong")  # noqa: T201
    assert rate < 0.07


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_page_that_lies_on_its_side_is_turned(
    loader: ImageLoader, load: Load, degrees: int
) -> None:
    image = draw(SHEETS["deu"]).rotate(degrees, expand=True)
    _, document = load(loader, "a.jpg", encode(image, "JPEG"))
    assert error_rate(document.text, "\n".join(SHEETS["deu"].lines)) <= WORST["deu"]


def test_each_page_of_a_tiff_has_its_own_script(loader: ImageLoader, load: Load) -> None:
    pages = [draw(SHEETS["tha"]), draw(SHEETS["ara"])]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    *notes, document = load(loader, "two.tiff", data)
    assert [(note.done, note.total) for note in notes] == [(1, 2), (2, 2)]
    assert [span.page for span in document.spans] == [1, 2]
    for span, language in zip(document.spans, ("tha", "ara"), strict=True):
        text = document.text[span.start : span.end]
        assert error_rate(text, "\n".join(SHEETS[language].lines)) <= WORST[language]


def test_an_image_without_text_is_told_and_is_no_problem(loader: ImageLoader, load: Load) -> None:
    [note] = load(loader, "grass.webp", encode(Image.new("RGB", (400, 300), "green"), "WEBP"))
    assert note.text == "page 1: OCR finds no text on it"


def test_arabic_lines_are_not_taken_for_noise() -> None:
    """Tesseract's usual search for lines takes the second one of this page for specks."""
    sheet = SHEETS["ara"]
    page = Page(grey=np.asarray(draw(sheet)), dpi=DPI)
    found = Tesseract()._lines(page, ("ara", "eng"), "3", PATIENCE_S)
    assert error_rate(found.text, "\n".join(sheet.lines)) <= WORST["ara"]
