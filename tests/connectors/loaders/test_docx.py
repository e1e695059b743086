"""DOCX files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from rag_engine.connectors.loaders.docx import DocxLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem
from tests.connectors.loaders.samples import change_zip, make_docx


@pytest.fixture
def loader(sandbox: Sandbox) -> DocxLoader:
    return DocxLoader(sandbox=sandbox)


def add_rows(document: Any, rows: list[list[str]]) -> Any:
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    return table


def fill_manual(document: Any) -> None:
    document.add_paragraph("دليل المضخة", style="Title")
    document.add_paragraph("Vorwort.")
    document.add_heading("Pflege", 1)
    document.add_paragraph("Spülen", style="List Number")
    document.add_paragraph("Trocknen", style="List Number")
    document.add_heading("水洗い", 2)
    document.add_paragraph("毎週\tきれいな水で洗います。")
    add_rows(
        document,
        [["Modell", "Gewicht", "Preis"], ["P-300", "12 kg", "300 €"], ["P-500", "", "500 €"]],
    )
    document.add_paragraph("Danach.")
    document.add_heading("Störung", 1)
    document.add_paragraph("Ende.")


def test_paragraphs_and_tables_come_in_order_under_their_headings(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    document = load_one(loader, "a.docx", make_docx(fill_manual))
    assert document.text == (
        "دليل المضخة\n\nVorwort.\n\nPflege\n\n1. Spülen\n2. Trocknen\n\n水洗い\n\n"
        "毎週\tきれいな水で洗います。\n\n"
        "Modell: P-300 | Gewicht: 12 kg | Preis: 300 €\nModell: P-500 | Preis: 500 €\n\n"
        "Danach.\n\nStörung\n\nEnde."
    )
    assert document.title == "دليل المضخة"
    assert [span.section for span in document.spans] == [
        ("دليل المضخة",),
        ("دليل المضخة", "Pflege"),
        ("دليل المضخة", "Pflege", "水洗い"),
        ("دليل المضخة", "Störung"),
    ]
    assert document.text[document.spans[3].start :] == "Störung\n\nEnde."
    assert document.metadata == {"format": "docx"}


def test_the_title_comes_from_the_properties_then_from_the_headings(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    assert load_one(loader, "a.docx", make_docx(fill_manual, title="P-300")).title == "P-300"
    heading = make_docx(lambda document: document.add_heading("Nur dies", 2))
    assert load_one(loader, "a.docx", heading).title == "Nur dies"
    plain = make_docx(lambda document: document.add_paragraph("Text"))
    assert load_one(loader, "name.docx", plain).title == ""


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["Voltage", "230 V"], ["Weight", "12 kg"]], ["Voltage | 230 V", "Weight | 12 kg"]),
        ([["Day", "Hours"], ["Mon", "8-17"], ["Sat", "9-12"]], ["Day: Mon | Hours: 8-17"]),
        ([["Supplier", "Meyer"], ["Contact", "Anna"]], ["Supplier | Meyer"]),
        ([["a", "b", "c"]], ["a | b | c"]),
        ([["", "Q1", "Q2"], ["North", "5", "7"]], ["Q1 | Q2", "North | 5 | 7"]),
        ([["", "low", "high"], ["North", "5", "7"]], ["North | low: 5 | high: 7"]),
        ([["", ""], ["", ""]], []),
    ],
)
def test_a_first_row_that_reads_like_one_is_the_header(
    loader: DocxLoader,
    load_one: Callable[..., Document],
    rows: list[list[str]],
    lines: list[str],
) -> None:
    text = load_one(loader, "a.docx", make_docx(lambda document: add_rows(document, rows))).text
    assert text.split("\n")[: len(lines)] == lines or (not lines and not text)


def test_a_marked_or_bold_first_row_is_the_header(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    rows = [["Size 1", "Size 2"], ["small", "large"]]

    def marked(document: Any) -> None:
        first = add_rows(document, rows).rows[0]
        first._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))

    def bold(document: Any) -> None:
        for cell in add_rows(document, rows).rows[0].cells:
            cell.paragraphs[0].runs[0].bold = True

    for fill in (marked, bold):
        assert load_one(loader, "a.docx", make_docx(fill)).text == "Size 1: small | Size 2: large"


def test_merged_cells_keep_their_columns_and_rows(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    def fill(document: Any) -> None:
        rows = [["Model", "Part", "Price"], ["P", "seal", "x"], ["", "hose", "y"], ["R", "", "z"]]
        table = add_rows(document, rows)
        table.cell(1, 0).merge(table.cell(2, 0))
        table.cell(3, 0).merge(table.cell(3, 1))

    assert load_one(loader, "a.docx", make_docx(fill)).text.split("\n") == [
        "Model: P | Part: seal | Price: x",
        "Model: P | Part: hose | Price: y",
        "Model, Part: R | Price: z",
    ]


def test_controls_links_and_insertions_are_read_and_deletions_and_hidden_runs_are_not(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    def wrap(document: Any, paragraph: Any, *tags: str) -> None:
        element = paragraph._p
        parent, place = element.getparent(), element.getparent().index(element)
        outer = inner = OxmlElement(tags[0])
        for tag in tags[1:]:
            child = OxmlElement(tag)
            inner.append(child)
            inner = child
        parent.insert(place, outer)
        inner.append(element)

    def fill(document: Any) -> None:
        wrap(document, document.add_paragraph("In a control."), "w:sdt", "w:sdtContent")
        paragraph = document.add_paragraph("kept ")
        for tag, text in (("w:ins", "inserted "), ("w:hyperlink", "linked "), ("w:del", "gone ")):
            run = paragraph.add_run(text)._r
            outer = OxmlElement(tag)
            paragraph._p.append(outer)
            outer.append(run)
        paragraph.add_run("secret").font.hidden = True
        paragraph.add_run("end")

    assert load_one(loader, "a.docx", make_docx(fill)).text == (
        "In a control.\n\nkept inserted linked end"
    )


def test_text_boxes_are_read_once(loader: DocxLoader, load_one: Callable[..., Document]) -> None:
    box = (
        '<w:p><w:r><w:t>before</w:t></w:r><w:r><mc:AlternateContent xmlns:mc="http://schemas.'
        'openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="wps"><w:txbxContent>'
        "<w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback>"
        "<w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    plain = make_docx(lambda document: document.add_paragraph("MARK"))

    def change(name: str, part: bytes) -> bytes:
        start, end = part.find(b"<w:p>"), part.find(b"</w:p>") + 6
        return part[:start] + box.encode() + part[end:] if name == "word/document.xml" else part

    assert load_one(loader, "a.docx", change_zip(plain, change)).text == "before\n\nin the box"


def test_headings_are_known_by_their_level_where_their_name_is_another(
    loader: DocxLoader, load_one: Callable[..., Document]
) -> None:
    def fill(document: Any) -> None:
        style = document.styles.add_style("Kapitel", 1)
        style.base_style = document.styles["Heading 2"]
        document.add_paragraph("Erstes", style="Kapitel")
        paragraph = document.add_paragraph("Zweites")
        level = OxmlElement("w:outlineLvl")
        level.set(qn("w:val"), "2")
        paragraph._p.get_or_add_pPr().append(level)

    document = load_one(loader, "a.docx", make_docx(fill))
    assert [span.section for span in document.spans] == [("Erstes",), ("Erstes", "Zweites")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"no archive at all", "it is no DOCX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "it is encrypted, or an old .doc"),
        (make_docx(fill_manual)[:-200], "it is no DOCX"),
        (change_zip(make_docx(fill_manual), lambda n, p: p if "rels" in n else None), "no sound"),
    ],
)
def test_what_can_not_be_read_is_an_error_with_its_reason(
    loader: DocxLoader, load: Callable[..., list[Document | Problem]], data: bytes, reason: str
) -> None:
    with pytest.raises(LoadError, match=rf"bad\.docx: .*{reason}"):
        load(loader, "bad.docx", data)


def test_pictures_are_not_unpacked(sandbox: Sandbox) -> None:
    docx = make_docx(lambda document: document.add_paragraph("Text"))
    extra = {"word/media/image1.png": b"\0" * 200_000_000}
    data = change_zip(docx, lambda name, part: part, extra)
    assert sandbox.parse("docx", data, name="a.docx").text == "Text"
