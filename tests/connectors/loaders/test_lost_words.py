"""Words of text formats that stand where a quick reader does not look."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from rag_engine.connectors.loaders.parsing import (
    asciidoc,
    epub,
    jsonl,
    notebook,
    rst,
    rtf,
    subtitles,
    xml,
)
from rag_engine.connectors.loaders.parsing.rows import Row, RowOptions
from tests.connectors.loaders.packages import zip_of


def rows(text: str, kind: str = "json") -> list[Any]:
    found = jsonl.rows(io.BytesIO(text.encode()), RowOptions(format=kind))
    return [row.text if isinstance(row, Row) else row.partition(" (")[0] for row in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"text": "eins"}]\n[{"text": "zwei"}, {"text": "drei"}]', ["eins", "zwei", "drei"]),
        ('[{"text": "eins"}] {"text": "zwei"}', ["eins", "zwei"]),
        ('[{"text": "eins"}] Anhang', ["eins", "row 2: it is no JSON"]),
        ('[{"text": "eins"}]]', ["eins", "row 2: it is no JSON"]),
        ('[{"text": "eins"}],\n', ["eins"]),
    ],
)
def test_what_follows_a_list_of_json_is_read_or_told(text: str, expected: list[str]) -> None:
    assert rows(text) == expected


def test_a_text_in_a_list_of_paragraphs_is_the_text() -> None:
    line = {"text": ["Erster Absatz.", "Zweiter."], "summary": "Kurz.", "tags": ["a", "b"]}
    assert rows(json.dumps(line), "jsonl") == ["Erster Absatz.\nZweiter."]
    [row] = jsonl.rows(io.BytesIO(json.dumps(line).encode()), RowOptions(format="jsonl"))
    assert isinstance(row, Row)
    assert row.metadata == {"format": "jsonl", "summary": "Kurz."}
    [problem] = rows(json.dumps({"text": ["\ud800"]}), "jsonl")
    assert problem.startswith("row 1: no text")


def test_an_arrow_and_a_note_that_are_said_are_read() -> None:
    srt = (
        "1\n00:00:01,000 --> 00:00:02,000\nMenü --> Netz wählen.\n\n2\nxx --> 00:00:04,000\nGut.\n"
    )
    parsed = subtitles.parse(srt.encode(), "a.srt")
    assert parsed.text == "Menü --> Netz wählen. Gut."
    assert len(parsed.problems) == 1
    vtt = "WEBVTT\n\nNOTE unsichtbar\n\n00:01.000 --> 00:02.000\nNOTE well.\n\nNOTE\nauch nicht\n"
    assert subtitles.parse(vtt.encode(), "a.vtt").text == "NOTE well."


MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'
ATOM = f'<feed xmlns="http://www.w3.org/2005/Atom" {MEDIA}>'


@pytest.mark.parametrize(
    ("feed", "title", "text"),
    [
        (
            f'<rss {MEDIA}><channel><item><media:title>Bild</media:title><media:content url="x"/>'
            "<title>Turm</title><description>Er steht.</description></item></channel></rss>",
            "Turm",
            "Er steht.",
        ),
        (
            f'{ATOM}<entry><media:content url="x"/><title>Turm</title><content>Er steht.</content>'
            "</entry></feed>",
            "Turm",
            "Er steht.",
        ),
        (
            f"{ATOM}<entry><title>Turm</title><media:group><media:title>Film</media:title>"
            "<media:description>Er steht.</media:description></media:group></entry></feed>",
            "Turm",
            "Er steht.",
        ),
    ],
)
def test_an_entry_with_pictures_or_a_film_keeps_its_title_and_text(
    feed: str, title: str, text: str
) -> None:
    parsed = xml.parse(feed.encode(), "a.xml")
    assert parsed.text == f"{title}\n\n{text}"
    assert parsed.stretches[0].section == (title,)


def test_xml_that_holds_its_data_in_attributes_is_read() -> None:
    data = (
        b'<fees xmlns:x="urn:x"><fee hall="Nord" eur="3" x:id="7"/><fee hall="Ost" eur=""/></fees>'
    )
    assert xml.parse(data, "a.xml").text == "fee: hall: Nord, eur: 3\nfee: hall: Ost"


def test_a_formula_beside_its_directive_is_read() -> None:
    text = ".. math:: a = b\n   :label: one\n\nText\n\n.. math::\n   :nowrap:\n\n   c = d\n"
    assert rst.parse(text.encode(), "a.rst").text == "a = b\n\nText\n\nc = d"


def test_attributes_end_a_paragraph_and_one_line_of_a_condition_is_read() -> None:
    text = "Ein Absatz\n[quote, Mira]\n____\nZitat.\n____\n\nifdef::web[Nur hier.]\n"
    assert asciidoc.parse(text.encode(), "a.adoc").text == "Ein Absatz\n\nZitat.\n\nNur hier."


def test_what_a_notebook_shows_as_a_page_or_a_formula_is_read() -> None:
    nothing = "<IPython.core.display.HTML object>"
    shown = [
        {"text/html": ["<p>Fertig: <b>7</b> Seiten</p>"], "text/plain": [nothing]},
        {"text/latex": "$x^2$"},
        {"text/html": "<p>anders</p>", "text/plain": "so"},
    ]
    outputs = [{"output_type": "display_data", "data": data} for data in shown]
    cells = [{"cell_type": "code", "source": "run()", "outputs": outputs}]
    parsed = notebook.parse(json.dumps({"cells": cells}).encode(), "a.ipynb")
    assert parsed.text == "run()\n\nFertig: 7 Seiten\n\n$x^2$\n\nso"


def test_signs_of_notes_and_numbers_of_printed_pages_are_no_part_of_words() -> None:
    page = (
        "<p>Wort<a epub:type='noteref' href='#a'><sup>1</sup></a>, Satz<sup><a href='n#b'>2</a>"
        "</sup>, Ende<a href='n#c'><sup>[3]</sup></a>, wei<span role='doc-pagebreak'>12</span>ter, "
        "<a href='n#d'>Seite 4</a>, <a role='doc-noteref' href='#e'>*</a>Stern.</p>"
    )
    container = "<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>"
    package = (
        "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>"
        "</manifest><spine><itemref idref='a'/></spine></package>"
    )
    book = {
        "META-INF/container.xml": container,
        "p.opf": package,
        "a.xhtml": f"<html>{page}</html>",
    }
    assert epub.parse(zip_of(book), "a.epub").text == "Wort, Satz, Ende, weiter, Seite 4, Stern."


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            r"{\rtf1\ansi\ansicpg1252\deff1{\fonttbl{\f1\fcharset204 Arial;}{\f2\fcharset0 A;}}"
            r"\'cd\'e0\'f1\'ee\'f1 {\f2 M\'fcller}\par}",
            "Насос Müller",
        ),
        (r"{\rtf1\ansi\deff1{\fonttbl{\f1\fcharset2 Symbol;}}Gr\'f6\'dfe\par}", "Größe"),
        (r"{\rtf1\pc Gr\'94\'e1e\par}", "Größe"),
        (r"{\rtf1\pca Gr\'94\'e1e \'b6\par}", "Größe Â"),
    ],
)
def test_rtf_without_a_font_is_in_the_code_page_of_the_usual_one(source: str, text: str) -> None:
    assert rtf.parse(source.encode(), "a.rtf").text == text
