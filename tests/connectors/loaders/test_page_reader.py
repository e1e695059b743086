"""Which models read a page, and which of their readings counts: decisions, with a double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from rag_engine.connectors.loaders.ocr.document_pages import Ocr
from rag_engine.connectors.loaders.ocr.models import Models
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.loaders.ocr.page_reader import PageReader
from rag_engine.connectors.loaders.ocr.page_text import PageText
from rag_engine.connectors.loaders.ocr.tesseract import Page, Tesseract, Turn
from rag_engine.connectors.loaders.parsing.picture import Picture
from rag_engine.errors import LoadError
from rag_engine.ports import Detection

FULL = Page(grey=np.zeros((4, 2), np.uint8), dpi=300)


class Scripted(Tesseract):
    """Sees what it is told to, and reads each set of models as surely as it is told to.

    ``sure`` is by the first model; a page that was turned (wider than high) is read that much
    worse, or better.
    """

    path = "/usr/bin/tesseract"

    def __init__(
        self,
        models: str,
        *,
        sees: Sequence[Turn | None] = (),
        sure: Mapping[str, float],
        turned: float = 0.0,
        text: str = "Ein Satz, der lang genug ist, um etwas zu sein.",
    ) -> None:
        super().__init__()
        self.models = tuple(models.split())
        self._sees = list(sees)
        self._sure = sure
        self._turned = turned
        self._text = text
        self.asked: list[str] = []

    def look(self, page: Page, *, timeout_s: float) -> Turn | None:
        return self._sees.pop(0)

    def read(
        self, page: Page, models: tuple[str, ...], *, upright: bool, timeout_s: float
    ) -> PageText:
        self.asked.append("+".join(models))
        height, width = page.grey.shape
        sure = self._sure.get(models[0], 0.3) + (self._turned if width > height else 0.0)
        return PageText(text=self._text, confidence=sure, characters=len(self._text))


class Language:
    """Finds the language that it is told to."""

    version = "1"

    def __init__(self, language: str) -> None:
        self._language = language

    def detect(self, text: str) -> Detection:
        return Detection(self._language, 1.0)

    def plausible(self, text: str) -> tuple[Detection, ...]:
        return (self.detect(text),)


def seen(script: str, degrees: int = 0) -> Turn:
    return Turn(script=script, degrees=degrees)


def reader(tesseract: Tesseract, language: str = "de", **options: object) -> PageReader:
    return PageReader(tesseract, OcrOptions(**options), Language(language))


def test_a_sure_reading_of_the_script_that_was_seen_ends_the_search() -> None:
    tesseract = Scripted("ara eng hin osd tha", sees=[seen("Thai")], sure={"tha": 0.9})
    reading = reader(tesseract).read(FULL)
    assert (reading.models, reading.confidence) == (("tha", "eng"), 0.9)
    assert tesseract.asked == ["tha+eng"]


def test_an_unsure_one_is_weighed_against_all_scripts_those_not_known_to_detection_first() -> None:
    tesseract = Scripted(
        "ara eng kat khm osd", sees=[seen("Latin")], sure={"eng": 0.6, "khm": 0.7, "kat": 0.65}
    )
    assert reader(tesseract).read(FULL).models == ("khm", "eng")
    assert tesseract.asked == ["eng", "kat+eng", "khm+eng", "ara+eng"]


def test_what_was_sure_of_a_page_is_tried_first_on_the_next_that_tells_nothing() -> None:
    tesseract = Scripted("ara eng hin osd tha", sees=[seen("Thai"), None], sure={"tha": 0.9})
    pages = reader(tesseract)
    for _ in range(2):
        assert pages.read(FULL).models == ("tha", "eng")
    assert tesseract.asked == ["tha+eng", "tha+eng"]


def test_a_page_is_turned_and_read_as_it_lies_where_that_was_wrong() -> None:
    right = Scripted("eng osd", sees=[seen("Latin", 90)], sure={"eng": 0.5}, turned=0.4)
    assert reader(right).read(FULL).confidence == pytest.approx(0.9)
    assert len(right.asked) == 1
    wrong = Scripted("eng osd", sees=[seen("Latin", 90)], sure={"eng": 0.9}, turned=-0.4)
    assert reader(wrong).read(FULL).confidence == pytest.approx(0.9)
    assert len(wrong.asked) == 2


def test_turning_is_clockwise() -> None:
    page = Page(grey=np.array([[1, 2], [3, 4]], np.uint8), dpi=0)
    assert page.turned(90).grey.tolist() == [[3, 1], [4, 2]]
    assert page.turned(270).grey.tolist() == [[2, 4], [1, 3]]


def test_a_script_that_was_seen_and_has_no_model_is_told_unless_another_is_very_sure() -> None:
    half = Scripted("eng osd", sees=[seen("Greek")], sure={"eng": 0.8})
    with pytest.raises(LoadError, match=r"in Greek script.*tesseract-ocr tesseract-ocr-ell "):
        reader(half).read(FULL)
    whole = Scripted("eng osd", sees=[seen("Greek")], sure={"eng": 0.9})
    assert reader(whole).read(FULL).models == ("eng",)


def test_without_any_language_it_is_said_what_to_install() -> None:
    with pytest.raises(LoadError, match=r"no language is installed.*tesseract-ocr-eng"):
        reader(Scripted("osd", sees=[seen("Common")], sure={})).read(FULL)


def test_of_many_languages_the_one_of_the_text_is_taken() -> None:
    tesseract = Scripted(
        "deu eng fra ita osd spa",
        sees=[seen("Latin"), seen("Latin")],
        sure={"deu": 0.8, "spa": 0.9},
    )
    pages = reader(tesseract, "es")
    assert pages.read(FULL).models == ("spa", "deu", "fra")
    assert pages.read(FULL).models == ("spa", "deu", "fra")
    assert tesseract.asked == ["deu+fra+ita", "spa+deu+fra", "spa+deu+fra"]


def test_the_model_of_a_script_reads_it_where_there_are_many_languages() -> None:
    few = Models(["Cyrillic", "bul", "eng", "rus", "ukr"])
    assert few.of_scripts(("Cyrl",)) == ("bul", "rus", "ukr", "eng")
    many = Models(["bel", "bul", "eng", "osd", "rus", "script/Cyrillic", "ukr"])
    assert many.of_scripts(("Cyrl",)) == ("script/Cyrillic", "eng")
    assert Models(["Thai", "eng"]).of_scripts(("Thai",)) == ("Thai", "eng")
    assert many.of_scripts(("Thai",)) == ()
    assert Models(["chi_sim", "chi_sim_vert", "chi_tra", "eng"]).of_scripts(("Hans", "Hant")) == (
        *("chi_sim", "chi_tra", "eng"),
    )


def test_languages_that_were_named_are_read_in_their_order_and_nothing_else() -> None:
    tesseract = Scripted("eng hin osd tha", sees=[seen("Thai")], sure={"eng": 0.2})
    assert reader(tesseract, languages=("en", "hi")).read(FULL).models == ("eng", "hin")
    assert tesseract.asked == ["eng+hin"]


@pytest.mark.parametrize(
    ("text", "sure", "reason"),
    [
        ("", 0.0, ""),
        ("~ o' ..", 0.2, ""),
        ("Ein Satz, der lang genug ist.", 0.2, "left out: OCR is only 20% sure of it (eng)"),
    ],
)
def test_specks_are_no_text_and_an_unsure_text_is_a_problem(
    text: str, sure: float, reason: str
) -> None:
    tesseract = Scripted("eng osd", sees=[seen("Latin")], sure={"eng": sure}, text=text)
    ocr = Ocr(OcrOptions(), tesseract=tesseract, detector=Language("en"))
    picture = Picture(width=2, height=4, grey=bytes(8), dpi=300, pages=1)
    [page] = ocr.pages([1], lambda _: picture)
    assert page.reading is None
    assert page.reason.startswith(reason)
    assert bool(page.reason) is bool(reason)
