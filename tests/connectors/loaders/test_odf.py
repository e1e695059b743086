"""OpenDocument: texts, presentations and spreadsheets as a reader sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.odf import OdfLoader
from rag_engine.connectors.loaders.parsing import odf
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office import texts
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.flat import flat
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import zip_of
from tests.connectors.loaders.samples import change_zip
from tests.connectors.loaders.test_workbooks import FEES, HALLS, lines

TABLE = "Halle: Nord | 2025 > Mai: 10 | 2025 > Juni: 12"


@pytest.fixture
def loader(sandbox: Sandbox) -> OdfLoader:
    return OdfLoader(sandbox=sandbox)


@pytest.mark.parametrize("name", ["writer.odt", "flat.fodt"])
def test_a_text_has_its_sections_lists_tables_and_notes(
    loader: OdfLoader, load_one: Callable[..., Document], name: str
) -> None:
    sentence = fact("writer.odt")
    data = office_file(name) if name == "writer.odt" else texts.text_source(sentence)
    document = load_one(loader, name, data)
    assert [span.section for span in document.spans] == [
        ("Bergbahn",),
        ("Bergbahn", "متحف"),
        ("Bergbahn", "防災"),
        (),
    ]
    parts = [document.text[span.start : span.end] for span in document.spans]
    assert [lines(part) for part in parts] == [
        ["Bergbahn", sentence],
        ["متحف", texts.ARABIC, texts.HINDI],
        [
            "防災",
            texts.JAPANESE,
            texts.THAI,
            "1. Erstens",
            "2. Zweitens",
            "a) innen",
            TABLE,
            "Ende",
        ],
        [texts.NOTE, f"Mira: {texts.COMMENT}"],
    ]
    assert document.title == "Haus am See"
    assert document.metadata == {"format": "odt"}


def test_a_presentation_has_pages(loader: OdfLoader, load_one: Callable[..., Document]) -> None:
    document = load_one(loader, "impress.odp", office_file("impress.odp"))
    pages = {span.page: document.text[span.start : span.end] for span in document.spans}
    assert [span.section for span in document.spans] == [("Haus am See",), ("संग्रहालय",), ("ห้องพัก",)]
    assert {page: lines(text) for page, text in pages.items()} == {
        1: ["Haus am See", fact("impress.odp")],
        2: ["संग्रहालय", TABLE, texts.ARABIC],
        3: ["ห้องพัก", texts.THAI, texts.JAPANESE, "a) erstens", "b) zweitens"],
    }
    assert document.metadata == {"format": "odp", "slides": 3}


def test_a_spreadsheet_has_sheets(loader: OdfLoader, load_one: Callable[..., Document]) -> None:
    document = load_one(loader, "calc.ods", office_file("calc.ods"))
    fees = [line.replace("1.234,50", "1,234.50").replace("12,00", "12.00") for line in FEES]
    assert lines(document.text) == [*fees, *HALLS, fact("calc.ods")]
    assert [span.section for span in document.spans] == [("Gebühren",), ("ห้อง",)]
    assert document.metadata == {"format": "ods", "sheets": 2, "hidden_sheets": "隠し"}


def text_of(body: str, styles: str = "") -> str:
    return odf.parse(flat("text", body, styles), "a.fodt").text


def test_blanks_are_those_that_are_shown() -> None:
    body = "<text:p> a \n b<text:s text:c='2'/>c<text:tab/>d <text:span> e</text:span></text:p>"
    assert text_of(body) == "a b  c\td e"


def test_what_is_deleted_or_hidden_is_left_out() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>weg</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:section text:display='none'><text:p>weg</text:p></text:section>"
        "<text:p>da<text:hidden-text>weg</text:hidden-text></text:p>"
        "<text:p text:style-name='child'>weg</text:p>"
    )
    styles = (
        "<style:style style:name='gone' style:family='paragraph'>"
        "<style:text-properties text:display='none'/></style:style>"
        "<style:style style:name='child' style:parent-style-name='gone'/>"
    )
    assert text_of(body, styles) == "da"


def test_styles_that_come_from_one_another_end() -> None:
    styles = (
        "<style:style style:name='a' style:parent-style-name='b'/>"
        "<style:style style:name='b' style:parent-style-name='a'/>"
    )
    assert text_of("<text:p text:style-name='a'>da</text:p>", styles) == "da"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("1", "3. x"),
        ("I", "III. x"),
        ("一, 二, 三, ...", "三. x"),
        ("ก, ข, ค, ...", "ค. x"),
        ("", "x"),
    ],
)
def test_lists_count_on_in_their_script(form: str, expected: str) -> None:
    styles = (
        "<text:list-style style:name='L'><text:list-level-style-number text:level='1' "
        f"style:num-format='{form}' style:num-suffix='.'/></text:list-style>"
    )
    items = "<text:list-item><text:p>x</text:p></text:list-item>"
    body = (
        f"<text:list text:style-name='L'>{items * 2}</text:list><text:p>dazwischen</text:p>"
        f"<text:list text:style-name='L' text:continue-numbering='true'>{items}</text:list>"
    )
    assert text_of(body, styles).split("\n")[-1] == expected


def test_headings_are_numbered_where_the_outline_says_so() -> None:
    styles = (
        "<text:outline-style><text:outline-level-style text:level='1' style:num-format='1'/>"
        "<text:outline-level-style text:level='2' style:num-format='a' text:display-levels='2' "
        "style:num-suffix=')'/></text:outline-style>"
    )
    heading = "<text:h text:outline-level='{}'>x</text:h>"
    body = "".join(heading.format(level) for level in (1, 2, 2, 1, 2))
    assert text_of(body, styles).split("\n\n") == ["1 x", "1.a) x", "1.b) x", "2 x", "2.a) x"]


def test_frames_say_what_they_show_and_feet_of_pages_lose_their_numbers() -> None:
    body = (
        "<text:p>Siehe <draw:frame><draw:image/><svg:desc>Ein Turm</svg:desc></draw:frame>."
        "</text:p>"
        "<text:p><draw:frame><draw:text-box><text:p>im Kasten</text:p></draw:text-box></draw:frame>"
        "</text:p>"
    )
    styles = (
        "<style:master-page><style:header><text:p>Handbuch<text:tab/>Seite <text:page-number>7"
        "</text:page-number></text:p></style:header><style:footer><text:p>Handbuch</text:p>"
        "</style:footer></style:master-page>"
    )
    assert text_of(body, styles) == "Siehe Ein Turm .\n\nim Kasten\n\nHandbuch"


def test_formulas_and_charts_inside_of_a_text_are_read() -> None:
    names = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    frame = f"<draw:frame><draw:object {names} xlink:href='./{{}}'/></draw:frame>"
    body = f"<text:p>Es gilt {frame.format('F')}.</text:p><text:p>{frame.format('C')}</text:p>"
    math = (
        "<math xmlns='http://www.w3.org/1998/Math/MathML'><semantics><mrow><mi>a</mi><mo>=</mo>"
        "<mn>2</mn></mrow><annotation>a = 2</annotation></semantics></math>"
    )
    row = "<table:table-row>{}</table:table-row>"
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = [("Ort", "Mai"), ("Nord", "10"), ("Süd", "12")]
    chart = "<table:table>{}</table:table>".format(
        "".join(row.format("".join(map(cell.format, each))) for each in rows)
    )
    data = zip_of(
        {
            "content.xml": flat("text", body),
            "F/content.xml": math,
            "C/content.xml": flat("chart", chart),
        }
    )
    text = odf.parse(data, "a.odt").text
    assert text == "Es gilt a=2 .\n\nOrt: Nord | Mai: 10\nOrt: Süd | Mai: 12"


def test_repeated_cells_and_rows_are_no_bomb() -> None:
    cell = (
        "<table:table-cell table:number-columns-repeated='{}'><text:p>x</text:p></table:table-cell>"
    )
    row = "<table:table-row table:number-rows-repeated='{}'>{}</table:table-row>"
    body = "<table:table>{}</table:table>".format(
        row.format(3, cell.format(2)) + row.format(1_048_000, "<table:table-cell/>")
    )
    assert odf.parse(flat("spreadsheet", body), "a.ods").text.split("\n")[-3:] == ["x | x"] * 3
    bomb = f"<table:table>{row.format(10**6, cell.format(10**6))}</table:table>"
    assert odf.parse(flat("spreadsheet", bomb), "a.ods").text.count("x") == 100_000


def test_what_is_no_opendocument_file_is_refused_with_its_reason(
    loader: OdfLoader, load: Callable[..., object]
) -> None:
    sound = office_file("writer.odt")
    locked = {
        "META-INF/manifest.xml": "<manifest:encryption-data/>",
        "content.xml": b"\x80\x01 no XML",
    }
    entity = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    cases: dict[bytes, str] = {
        b"": "it is empty",
        b"text": "it is no OpenDocument file",
        sound[:2000]: "it is no OpenDocument file",
        office_file("deck.pptx"): "it has no part content.xml",
        zip_of(locked): "it is encrypted; store it without a password",
        zip_of({"content.xml": entity}): "declares a document type",
        zip_of({"content.xml": "<a><b></a>"}): "content.xml is no sound XML",
        entity: "declares a document type",
        flat("drawing", ""): "it is no text, presentation or spreadsheet",
        flat("text", "<text:section>" * 3_000 + "</text:section>" * 3_000): "no sound XML",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "it is encrypted",
    }
    for data, reason in cases.items():
        with pytest.raises(LoadError, match=rf"bad\.odt: .*{reason}"):
            load(loader, "bad.odt", data)
    broken = change_zip(
        sound, lambda name, part: b"<a" if name in {"styles.xml", "meta.xml"} else part
    )
    document, first, second = load(loader, "half.odt", broken)  # type: ignore[misc]
    assert texts.JAPANESE in document.text
    assert {first.reason[:20], second.reason[:20]} == {
        "its part styles.xml ",
        "its part meta.xml is",
    }


def test_raised_numbers_are_no_part_of_what_they_stand_beside() -> None:
    styles = "".join(
        f"<style:style style:name='{name}' style:family='text'><style:text-properties "
        f"style:text-position='{position}'/></style:style>"
        for name, position in {"a": "super 58%", "b": "33% 80%", "c": "sub 58%", "d": "0%"}.items()
    )

    def span(style: str, text: str) -> str:
        return f"<text:span text:style-name='{style}'>{text}</text:span>"

    body = (
        f"<text:p>10{span('a', '6')}, 10{span('a', '-<text:span>6</text:span>')}, "
        f"m{span('b', '2')}, 1{span('a', 'er')}, H{span('c', '2')}O, 7{span('d', '8')}</text:p>"
    )
    assert text_of(body, styles) == "10⁶, 10⁻⁶, m², 1er, H2O, 78"


def test_a_formula_stands_in_its_place_in_a_file_of_xml_too() -> None:
    formula = "<math xmlns='http://www.w3.org/1998/Math/MathML'><mfrac><mn>1</mn><mi>a</mi></mfrac></math>"
    body = f"<text:p>Es ist <draw:frame><draw:object>{formula}</draw:object></draw:frame>.</text:p>"
    assert text_of(body) == "Es ist 1/a ."
