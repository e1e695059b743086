"""Scripts whose letters are drawn in clusters, as browsers and LibreOffice write them to a PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.parsing.pdf_clusters import Sign, _in_typing_order
from rag_engine.connectors.loaders.parsing.pdf_glyphs import Glyph, _join
from rag_engine.connectors.loaders.parsing.pdf_page_text import PageText
from rag_engine.connectors.loaders.parsing.pdf_spans import Span
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.scripts.make import FILES, NAMES, TEXTS, printed
from tests.marks import unavailable

SCRIPTS = [language for language in TEXTS if language != "en"]


def typed(language: str) -> str:
    return unicodedata.normalize("NFC", "\n".join(TEXTS[language]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "chromium_en"])
def test_a_kept_file_says_what_was_typed(
    sandbox: Sandbox, load_one: Callable[..., Document], name: str
):
    data = (FILES / f"{name}.pdf").read_bytes()
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", data)
    assert document.text == typed(name.partition("_")[2])


def test_words_of_lines_with_dotted_leaders_stand_apart(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    # PDFium takes such lines for upright ones: it tells one letter a line.
    data = (FILES / "chromium_en.pdf").read_bytes()
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", data)
    shown = re.sub("<.*?>", " ", " ".join(TEXTS["en"]))
    assert document.text.split() == shown.split()


@pytest.mark.browser
@pytest.mark.parametrize("language", SCRIPTS)
def test_what_a_browser_prints_is_what_was_typed(
    sandbox: Sandbox, load_one: Callable[..., Document], language: str
):
    lister = shutil.which("fc-list")
    if shutil.which("chromium") is None:
        unavailable("browser", "no chromium")
    if not (lister and subprocess.check_output([lister, f":lang={language}"], text=True)):
        pytest.skip(f"NOT TESTED (browser): no font here has the letters of {language}")
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed(language))
    assert document.text == typed(language)


def test_a_tone_comes_behind_the_vowel_that_is_drawn_later():
    drawn = [Sign(each, (0, 0, 1, 1), place) for place, each in enumerate("ช\u0e48\u0e31ว")]
    ordered = _in_typing_order(drawn)
    assert "".join(each.text for each in ordered) == "ช\u0e31\u0e48ว"
    assert [each.place for each in ordered] == [0, 2, 1, 3]


def test_a_non_joiner_goes_behind_the_letter_to_its_right():
    box = {"base": 0, "bottom": 0, "top": 10, "em": 10}
    line = [Glyph(text=each, pen=x, left=x, right=x + 6, **box) for x, each in ((6, "ی"), (0, "ش"))]
    assert _join(line, Span(mark=1, text="\u200c", left=6.1, right=6.1, base=0))
    assert [each.text for each in line] == ["ی\u200c", "ش"]
    assert not _join(line, Span(mark=2, text="\u200c", left=60, right=60, base=0))


def test_places_of_the_text_lead_to_those_that_pdfium_knows():
    pdfium = pytest.importorskip("pypdfium2")
    page = pdfium.PdfDocument(FILES / "chromium_hi.pdf")[0]
    written = PageText(page.get_textpage())
    blank = written.text.index(" ")
    assert written.sources([blank]) == []  # made of a gap
    before, after = written.box(blank - 1), written.box(blank + 1)
    assert before[2] < after[0]
    known = written.sources(range(len(written.text)))
    assert len(known) == len(set(known)) > blank
