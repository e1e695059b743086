"""What files say of their parts' languages: it decides what is open, and loses to what is clear."""

from __future__ import annotations

import io
from collections.abc import Mapping

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.parsing import docx as docx_parser
from rag_engine.connectors.loaders.parsing import epub, html, xml
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.records import Document, Span
from rag_engine.store.row_codec import (
    StoredDocument,
    document_fingerprint,
    document_from_row,
    document_values,
)
from rag_engine.text.chunking import chunk
from rag_engine.text.passage_languages import passage_languages
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import zip_of

DETECTOR = SeveralModelsDetector()

OPEN = "Priser og betaling"
"""Danish and Norwegian."""
GREEK = "Η βιβλιοθήκη είναι κλειστή τη Δευτέρα. Τα βιβλία δανείζονται για δύο εβδομάδες."
ENGLISH = "The library is closed on Mondays, and books may be borrowed for two weeks at a time."
GERMAN = "Die Bibliothek ist montags geschlossen, Bücher kann man zwei Wochen lang ausleihen."
CHINESE = "星期一闭馆。借书期限为两周，可以续借一次。"
KANJI = "東京中央公民館"


def languages(parsed: Parsed) -> dict[str, str]:
    """Return the language of each chunk, by its text's first line."""
    chunks = chunk(
        document_of(parsed, "a", "test"),
        count_tokens=lambda texts: [len(text) // 4 for text in texts],
        detector=DETECTOR,
    )
    return {each.text.partition("\n")[0]: each.language for each in chunks}


def told(passages: list[str], *stated: Mapping[str, float], hint: str | None = None) -> list[str]:
    return passage_languages(passages, hint, DETECTOR, stated)


def page(body: str, language: str = "") -> Parsed:
    return html.parse(f"<html lang='{language}'><body>{body}</body></html>".encode(), "a.html")


def test_what_is_stated_decides_what_is_open():
    for code in ("da", "no"):
        assert told([OPEN], {code: 1.0}) == [code]
        assert told([OPEN, GERMAN, GERMAN], {code: 1.0}, {}, {}) == [code, "de", "de"]
    for code in ("ja", "zh"):
        assert told([KANJI, CHINESE], {code: 1.0}, {}) == [code, "zh"]
    assert told(["Rum och priser"], {"sv": 1.0}) == ["sv"]


@pytest.mark.parametrize("text", [GREEK, GERMAN, CHINESE, "図書館は月曜日に休みます。"])
@pytest.mark.parametrize("wrong", ["en", "fr", "ko", "tlh"])
def test_what_is_clear_keeps_its_language(text, wrong):
    found = DETECTOR.detect(text).language
    assert told([text], {wrong: 1.0}) == [found]
    assert told([text] * 6, *[{wrong: 1.0}] * 6) == [found] * 6
    if wrong in DETECTOR.languages:  # what nobody can tell is believed of a whole document
        assert told([text] * 6, *[{wrong: 1.0}] * 6, hint=wrong) == [found] * 6


def test_statements_that_prove_wrong_fade():
    """What the passages bear out nowhere is not believed of the next one either."""
    danish = "Værelset koster mere om sommeren, og vinduerne bliver pudset hver anden uge." * 3
    wrong = [{"no": 1.0}] * 9
    assert told([*[danish] * 8, OPEN], *wrong)[8] == "da"
    assert told([danish, OPEN], {}, {"no": 1.0})[1] == "no"


def test_a_language_that_can_not_be_told_is_taken_at_its_word():
    assert "cim" not in DETECTOR.languages
    bavarian = "De Bibliothek is am Montog zua, owa am Dienstog is wieda offn."
    assert told([bavarian, GERMAN], {"cim": 1.0}, {}) == ["cim", "de"]
    assert told([GREEK], {"cim": 1.0}) == ["el"]


@pytest.mark.parametrize("code", ["ang", "grc", "tlh"])
def test_a_language_that_can_not_be_told_is_not_believed_of_a_clear_text(code):
    assert code not in DETECTOR.languages
    assert told([ENGLISH] * 3, *[{code: 1.0}] * 3) == ["en"] * 3
    klingon = "tlhIngan maH! paq vIlaD 'ej DaHjaj juHDaq jIQong, jupwI' vIleghneS."
    assert told([ENGLISH, klingon, ENGLISH], *[{code: 1.0}] * 3) == ["en", code, "en"]


def test_a_page_of_parts():
    headed = f"<h1>Eins</h1><p>{GERMAN}</p><h1 lang=nb>{OPEN}</h1><p lang=nb>{OPEN}</p>"
    wrong = f"<h1>Drei</h1><blockquote lang=fr><p>{ENGLISH}</p></blockquote>"
    parsed = page(headed + wrong, "de")
    assert [stretch.language for stretch in parsed.stretches] == [None, "no", None, "fr"]
    assert languages(parsed) == {"Eins": "de", OPEN: "no", "Drei": "en"}


@pytest.mark.parametrize("body", [GREEK, f"<div lang='en'><p>{GREEK}</p><p>{GREEK}</p></div>"])
def test_a_template_that_says_english(body):
    assert set(languages(page(body, "en")).values()) == {"el"}


def test_kanji_beside_chinese():
    body = f"<h1>一</h1><p>{CHINESE}</p><section lang='ja'><h1>二</h1><p>{KANJI}</p></section>"
    assert languages(page(body, "zh"))["二"] == "ja"
    assert languages(page(body.replace(" lang='ja'", ""), "zh"))["二"] == "zh"


def test_what_an_element_says_ends_with_it_and_a_word_is_no_part():
    body = (
        "<div lang='nb'><p>Eins.</p><p lang='da-DK'>Zwei.</p><p lang=''>Drei.</p>"
        "<p><i lang='la'>Ja</i>, vier ist hier.</p><table><tr><td>F</td><td lang='fi'>Fünftes</td>"
        "</tr></table></div><p>Sechs.</p>"
    )
    parsed = page(body, "de")
    assert [
        (parsed.text[part.start : part.end].strip(), part.language) for part in parsed.stretches
    ] == [
        ("Eins.", "no"),
        ("Zwei.", "da"),
        ("Drei.", None),
        ("Ja, vier ist hier.", "no"),
        ("F | Fünftes", "fi"),
        ("Sechs.", None),
    ]


def test_a_change_that_is_only_stated_parts_long_passages_and_no_short_ones():
    danish = "Priserne kan ses i receptionen, og nøglen afleveres der inden kl. 12."
    norwegian = "Prisene kan ses i resepsjonen, og nøkkelen leveres der innen kl. 12."
    body = f"<p lang='da'>{danish}</p><p lang='nb'>{norwegian}</p>"
    assert languages(page(body)) == {danish: "da", norwegian: "no"}
    short = f"<p>{GERMAN}</p><p lang='fr'>Hotel Europa</p><p>{GERMAN}</p>"
    assert languages(page(short, "de")) == {GERMAN: "de"}


def test_parts_of_xml():
    body = f"<text><div><head>A</head><p>{GERMAN}</p></div>"
    body += f"<div xml:lang='nb'><head>B</head><p>{OPEN}</p></div></text>"
    parsed = xml.parse(f"<TEI xml:lang='de'>{body}</TEI>".encode(), "a.xml")
    assert languages(parsed) == {"A": "de", "B": "no"}


def test_pages_of_a_book():
    package = (
        "<package xmlns='http://www.idpf.org/2007/opf'><metadata><language>de</language></metadata>"
        "<manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='b' href='b.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='a'/><itemref idref='b'/></spine></package>"
    )
    book = {
        "META-INF/container.xml": "<container><rootfile full-path='p.opf'/></container>",
        "p.opf": package,
        "a.xhtml": f"<html lang='de'><body><h1>A</h1><p>{GERMAN}</p></body></html>",
        "b.xhtml": f"<html xml:lang='nb'><body><h1>B</h1><p>{OPEN}</p></body></html>",
    }
    parsed = epub.parse(zip_of(book), "a.epub")
    assert [stretch.language for stretch in parsed.stretches] == [None, "no"]
    assert languages(parsed) == {"A": "de", "B": "no"}


def test_paragraphs_of_a_docx():
    document = docx.Document()
    for text, kind, code in (
        (GERMAN, "w:val", "de-DE"),
        (OPEN, "w:val", "nb-NO"),
        (KANJI, "w:eastAsia", "ja-JP"),
        (GREEK, "w:val", "en-US"),
    ):
        document.add_heading(code, level=1)
        run = document.add_paragraph().add_run(text)
        language = OxmlElement("w:lang")
        language.set(qn(kind), code)
        run._r.get_or_add_rPr().append(language)
    file = io.BytesIO()
    document.save(file)
    parsed = docx_parser.parse(file.getvalue(), "a.docx")
    assert languages(parsed) == {"de-DE": "de", "nb-NO": "no", "ja-JP": "ja", "en-US": "el"}


def test_the_catalogue_keeps_what_is_stated():
    spans = (Span(start=0, end=2, section=("A",), language="da"), Span(start=2, end=3, page=4))
    document = Document(id="a", text="abc", spans=spans)
    row = document_values(1, StoredDocument(document=document, chunks=()))
    assert document_from_row(row) == document
    plain = Document(id="a", text="abc", spans=(Span(start=0, end=2, section=("A",)), spans[1]))
    assert document_fingerprint(plain) != document_fingerprint(document)


@pytest.mark.parametrize("name", ["writer.docm", "writer.dotx"])
def test_the_language_of_the_program_that_wrote_a_file_says_nothing(name):
    # LibreOffice states it in the style of all paragraphs too, and does not mark that style.
    parsed = docx_parser.parse(office_file(name), name)
    assert {stretch.language for stretch in parsed.stretches} == {None}
