"""Tables with cells that span, numbers that the program draws, ruby: as a reader sees them."""

from __future__ import annotations

import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag_engine.connectors.loaders.parsing import docx, html
from tests.connectors.loaders.samples import make_docx

SPANS = {
    "rows": (
        "<tr><th>Ort<th>Tag<th>Zeit<tr><td rowspan=2>Halle<td>Mo<td>8<tr><td>Di<td>9",
        ["Ort: Halle | Tag: Mo | Zeit: 8", "Ort: Halle | Tag: Di | Zeit: 9"],
    ),
    "to the end": (
        "<tr><th>Ort<th>Tag<tr><td rowspan=0>Halle<td>Mo<tr><td>Di",
        ["Ort: Halle | Tag: Mo", "Ort: Halle | Tag: Di"],
    ),
    "columns": (
        "<tr><th>Ort<th>Tag<th>Zeit<tr><td colspan=2>überall<td>9",
        ["Ort, Tag: überall | Zeit: 9"],
    ),
    "more columns than the head has: none is named": (
        "<tr><th>Ort<th>Tag<tr><td>A<td>Mo<tr><td colspan=999999>zu",
        ["Ort | Tag", "A | Mo", "zu"],
    ),
    "two rows of heads": (
        "<thead><tr><th rowspan=2>Werk<th colspan=2>2025<tr><th>Q1<th>Q2</thead>"
        "<tr><td>A<td>1<td>2",
        ["Werk: A | 2025 > Q1: 1 | 2025 > Q2: 2"],
    ),
}


@pytest.mark.parametrize("kind", SPANS)
def test_nothing_stands_under_the_wrong_column(kind: str):
    rows, expected = SPANS[kind]
    page = f"<p>Vorher.</p><table>{rows}</table>"
    assert html.parse(page.encode(), "a.html").text.split("\n")[2:] == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("<ol start=3><li>eins<li>zwei</ol>", ["3. eins", "4. zwei"]),
        ("<ol type=a><li>eins<li value=9>neun</ol>", ["a. eins", "i. neun"]),
        ("<ol type=I><li>eins<li>zwei</ol>", ["I. eins", "II. zwei"]),
        ("<ol reversed><li>eins<li>zwei</ol>", ["2. eins", "1. zwei"]),
    ],
)
def test_items_of_a_page_have_the_numbers_that_are_drawn(items: str, expected: list[str]):
    assert html.parse(items.encode(), "a.html").text.split("\n") == expected


def test_ruby_of_a_page_is_not_in_the_word():
    page = "<p><ruby>消火<rp>(</rp><rt>しょうか</rt><rp>)</rp></ruby>器を使う。</p>"
    assert html.parse(page.encode(), "a.html").text == "消火器を使う。"


def test_ruby_of_a_document_is_not_in_the_word():
    word = (
        f"<w:r {nsdecls('w')}><w:ruby><w:rt><w:r><w:t>しょうか</w:t></w:r></w:rt>"
        "<w:rubyBase><w:r><w:t>消火</w:t></w:r></w:rubyBase></w:ruby></w:r>"
    )

    def fill(document):
        paragraph = document.add_paragraph()
        paragraph._p.append(parse_xml(word))
        paragraph.add_run("器を使う。")

    assert docx.parse(make_docx(fill), "a.docx").text == "消火器を使う。"


def test_items_of_a_document_have_the_numbers_that_are_drawn():
    def fill(document):
        for text in ("eins", "zwei"):
            document.add_paragraph(text, style="List Number")
        levels = document.part.numbering_part._element
        levels.insert(
            0,
            parse_xml(
                f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77"><w:lvl w:ilvl="0">'
                '<w:start w:val="4"/><w:numFmt w:val="decimal"/><w:lvlText w:val="第%1条"/>'
                "</w:lvl></w:abstractNum>"
            ),
        )
        levels.append(
            parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>')
        )
        for text in ("家賃を払う。", "静かにする。"):
            properties = document.add_paragraph(text)._p.get_or_add_pPr()
            properties.append(
                parse_xml(
                    f'<w:numPr {nsdecls("w")}><w:ilvl w:val="0"/><w:numId w:val="77"/></w:numPr>'
                )
            )

    text = docx.parse(make_docx(fill), "a.docx").text
    assert text.split("\n") == ["1. eins", "2. zwei", "第4条 家賃を払う。", "第5条 静かにする。"]
