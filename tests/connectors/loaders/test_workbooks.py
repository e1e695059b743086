"""XLSX and XLS: sheets as sections, rows that name their columns, values as they are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader
from rag_engine.connectors.loaders.parsing import xlsx
from rag_engine.connectors.loaders.parsing.number_formats import BUILT_IN, general, shown
from rag_engine.connectors.loaders.parsing.sheets import Merged, Sheet, sheet_blocks
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.xls import XlsLoader
from rag_engine.connectors.loaders.xlsx import XlsxLoader
from rag_engine.errors import LoadError
from rag_engine.records import Document
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import relations, zip_of
from tests.connectors.loaders.samples import change_zip

LOADERS = {"calc.xlsx": XlsxLoader, "calc.xls": XlsLoader}
FEES = [
    "Gebühren",
    "Gebühren 2025",
    "施設: 图书馆 | 開館日: 09.03.2025 | 料金: 1.234,50 € | Anteil: 12.5%",
    "施設: متحف | 開館日: 30.11.2025 | 料金: 12,00 € | Anteil: 100.0%",
    "Mira: bitte prüfen",
]
HALLS = ["ห้อง", "อาคาร: Nord | Besuche > Mai: 10 | Besuche > Juni: 12.5"]


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("name", LOADERS)
def test_sheets_are_sections_and_rows_name_their_columns(
    sandbox: Sandbox, load_one: Callable[..., Document], name: str
) -> None:
    loader: ParsedFileLoader = LOADERS[name](sandbox=sandbox)
    document = load_one(loader, name, office_file(name))
    sheets = {span.section: document.text[span.start : span.end] for span in document.spans}
    assert [lines(sheet) for sheet in sheets.values()] == [FEES, [*HALLS, fact(name)]]
    assert list(sheets) == [("Gebühren",), ("ห้อง",)]
    assert document.metadata == {"format": loader.format, "sheets": 2, "hidden_sheets": "隠し"}


def test_hidden_rows_headers_that_are_years_comments_charts_and_boxes() -> None:
    parsed = xlsx.parse(office_file("writer.xlsx"), "a.xlsx")
    assert parsed.title == "कार्यक्रम"
    assert lines(parsed.text) == [
        "Plan",
        "Ort: Halle Süd | 2024: 7 | 2025: 8.25 | วันที่: 9 มีนาคม 2568",
        f"Ort: {fact('writer.xlsx')}",
        "Ort: Summe | 2024: 8",
        "Bitte anmelden.",
        "Halle Süd: Besuche: 7",
        "Kofi: Nur bis Mai",
    ]


SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def xlsx_of(sheet: str, *, strings: str = "", book: str = "", **related: tuple[str, str]) -> bytes:
    """Return an XLSX of one sheet, written by hand."""
    return zip_of(
        {
            "_rels/.rels": relations(r1=("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f"<workbook {SHEET} {OFFICE}>{book}<sheets>"
            '<sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(
                r1=("worksheet", "worksheets/sheet1.xml"), r2=("sharedStrings", "strings.xml")
            ),
            "xl/strings.xml": f"<sst {SHEET}>{strings}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {SHEET}>{sheet}</worksheet>",
            "xl/worksheets/_rels/sheet1.xml.rels": relations(**related),
        }
    )


def row(*cells: str) -> str:
    return f"<row>{''.join(cells)}</row>"


def test_readings_beside_ideographs_are_no_part_of_a_cell() -> None:
    reading = "<rPh sb='0' eb='4'><t>ひなんくんれん</t></rPh>"
    strings = f"<si><r><t>避難</t></r><r><t>訓練</t></r>{reading}</si>"
    data = xlsx_of("<sheetData><row><c t='s'><v>0</v></c></row></sheetData>", strings=strings)
    assert xlsx.parse(data, "a.xlsx").text == "A\n\n避難訓練"


def test_values_of_every_kind_and_formulas_without_one() -> None:
    cells = (
        "<c t='b'><v>1</v></c>",
        "<c t='str'><f>A1</f><v>चार</v></c>",
        "<c t='inlineStr'><is><t>hier</t></is></c>",
        "<c t='e'><v>#N/A</v></c>",
        "<c><v>0.1</v></c>",
        "<c t='s'><v>99</v></c>",
        "<c><f>B2</f></c>",
    )
    parsed = xlsx.parse(xlsx_of(f"<sheetData>{row(*cells)}</sheetData>"), "a.xlsx")
    assert parsed.text == "A\n\nTRUE | चार | hier | #N/A | 0.1"
    assert parsed.problems == (
        "1 formulas have no stored result; open the file in a spreadsheet program and save it "
        "there",
    )


def test_strict_files_are_read_as_others() -> None:
    data = xlsx_of(f"<sheetData>{row('<c><v>7</v></c>')}</sheetData>")
    strict = change_zip(
        data,
        lambda name, part: part.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ).replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ),
    )
    assert strict != data
    assert xlsx.parse(strict, "a.xlsx").text == "A\n\n7"


def test_threads_of_comments_take_the_place_of_what_stands_for_them() -> None:
    data = xlsx_of(
        f"<sheetData>{row('<c><v>7</v></c>')}</sheetData>",
        a=("comments", "/xl/comments1.xml"),
        b=("threadedComment", "/xl/thread1.xml"),
    )
    comments = (
        f"<comments {SHEET}><authors><author>x</author></authors><commentList>"
        "<comment ref='A1' authorId='0'><text><t>[Threaded comment] Your version</t></text>"
        "</comment></commentList></comments>"
    )
    thread = "<a:T xmlns:a='x'><a:c personId='1'><a:text>Stimmt das?</a:text></a:c></a:T>"
    data = change_zip(
        data,
        lambda name, part: part,
        {"xl/comments1.xml": comments.encode(), "xl/thread1.xml": thread.encode()},
    )
    assert xlsx.parse(data, "a.xlsx").text == "A\n\n7\n\nStimmt das?"


def sheet_of(*rows: str) -> Sheet:
    sheet = Sheet("x")
    for number, texts in enumerate(rows):
        for column, text in enumerate(texts.split("|")):
            sheet.put(number, column, text)
    return sheet


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            ["Ort|Tag", "A|1", "B|2", "", "C|3"],
            ["Ort: A | Tag: 1", "Ort: B | Tag: 2", "", "Ort: C | Tag: 3"],
        ),
        (
            ["Ort|Tag", "A|1", "B|2", "", "x|y|z", "u|v|w"],
            ["Ort: A | Tag: 1", "Ort: B | Tag: 2", "", "x: u | y: v | z: w"],
        ),
        (
            ["Ort|Tag", "A|1", "B|2", "", "Quelle"],
            ["Ort: A | Tag: 1", "Ort: B | Tag: 2", "", "Quelle"],
        ),
        (["||Ort|Tag", "||A|1", "||B|2"], ["Ort: A | Tag: 1", "Ort: B | Tag: 2"]),
        (["nur ein Satz"], ["nur ein Satz"]),
        (["eins", "zwei"], ["eins", "zwei"]),
    ],
)
def test_blank_rows_part_tables_and_names_hold_over_them_where_columns_are_the_same(
    rows: list[str], expected: list[str]
) -> None:
    blocks = sheet_blocks(sheet_of(*rows))
    assert "\n\n".join(block.text for block in blocks).split("\n") == expected


def test_a_cell_merged_downwards_is_said_in_each_of_its_rows() -> None:
    sheet = sheet_of("Halle|Tag|Zeit", "Nord|Mo|8", "|Di|9")
    sheet.merged.append(Merged(1, 0, 3, 1))
    assert sheet_blocks(sheet)[0].text.split("\n") == [
        "Halle: Nord | Tag: Mo | Zeit: 8",
        "Halle: Nord | Tag: Di | Zeit: 9",
    ]


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (1234.5, "0", "1235"),
        (0.5, "0", "1"),
        (2.5, "0", "3"),
        (-2, "0.0", "-2.0"),
        (1234567, "#,##0", "1,234,567"),
        (1234567, '#,##0.0,,"M"', "1.2M"),
        (0.256, "0.00%", "25.60%"),
        (5, '"Nr. "0', "Nr. 5"),
        (5, "[Red]0;[Blue]-0", "5"),
        (0, '0;-0;"keine"', "keine"),
        (1234.5, "[$₹-4009]#,##0.00", "₹1,234.50"),
        (1234.5, "#,##0.00 [$zł-415]", "1\xa0234,50 zł"),
        (123456789, "000-00-0000", "123-45-6789"),
        (12345.678, "0.00E+00", "1.23E+04"),
        (0.5, "# ?/?", "1/2"),
        (0.75, "h:mm AM/PM", "6:00 PM"),
        (1.5, "[h]:mm", "36:00"),
        (0.5 + 5 / 1440, "mm:ss", "05:00"),
        (45725, "yyyy/mm/dd", "2025/03/09"),
        (45725, '[$-411]yyyy"年"m"月"d"日"', "2025年3月9日"),
        (45725, "[$-412]dddd", "일요일"),
        (45725, "[$-407]ddd, d. mmm yy", "So., 9. März 25"),
        (45725.7, "yyyy-mm-dd hh:mm:ss", "2025-03-09 16:48:00"),
        (45725, BUILT_IN[14], "2025-03-09"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (-1, "yyyy-mm-dd", "-1"),
        (1e300, "0.00", general(1e300)),
        (7, "", "7"),
    ],
)
def test_numbers_stand_as_they_are_shown(value: float, code: str, expected: str) -> None:
    assert shown(value, code) == expected


def test_old_macintosh_files_count_days_from_1904() -> None:
    assert shown(0, "yyyy-mm-dd", from_1904=True) == "1904-01-01"
    data = xlsx_of("<sheetData/>", book='<workbookPr date1904="1"/>')
    assert xlsx.parse(data, "a.xlsx").text == ""


def test_what_is_no_workbook_is_refused_with_its_reason(
    sandbox: Sandbox, load: Callable[..., object]
) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    old, new = office_file("calc.xls"), office_file("calc.xlsx")
    cases = [
        ("bad.xlsx", b"", "it is empty"),
        ("bad.xlsx", office_file("deck.pptx"), "its main part is no workbook"),
        ("bad.xlsx", old, "it is encrypted, or an old .xls"),
        ("bad.xlsx", ole + "EncryptedPackage".encode("utf-16-le"), "it is encrypted; store it"),
        ("bad.xlsx", new[:-500], "it is no XLSX"),
        ("bad.xls", b"", "it is empty"),
        ("bad.xls", new, "it is no XLS but an archive, as .xlsx files are"),
        ("bad.xls", b"text", "it is no XLS"),
        ("bad.xls", ole * 9, "it is no XLS, or damaged"),
        ("bad.xls", old[:3000], "it is damaged|it is no XLS, or damaged"),
    ]
    for name, data, reason in cases:
        loader = (XlsLoader if name.endswith(".xls") else XlsxLoader)(sandbox=sandbox)
        with pytest.raises(LoadError, match=rf"{name}: .*{reason}"):
            load(loader, name, data)
    entity = change_zip(
        xlsx_of("<sheetData/>"),
        lambda name, part: part.replace(b"<worksheet ", b"<!DOCTYPE a []><worksheet "),
    )
    with pytest.raises(LoadError, match=r"none of its sheets can be read: .*document type"):
        load(XlsxLoader(sandbox=sandbox), "bad.xlsx", entity)


def test_a_package_that_is_not_there_is_named_and_stops_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlrd", None)
    monkeypatch.setattr(XlsLoader, "needs_extra", ("documents", "nobody_has"))
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(LoadError, match=r"a\.xls: .*pip install 'rag-engine\[documents\]'"):
        list(XlsLoader().load(tmp_path / "a.xls", "a.xls"))


def test_characters_that_stand_by_their_numbers_are_put_in() -> None:
    strings = "<si><t>Zeile_x000D_\nzwei _x005F_x0041_</t></si>"
    cells = (
        '<c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>_x00E4_h</t></is></c>'
        '<c r="C1" t="str"><f>A1</f><v>a_x0009_b</v></c>'
    )
    data = xlsx_of(f'<sheetData><row r="1">{cells}</row></sheetData>', strings=strings)
    assert xlsx.parse(data, "a.xlsx").text == "A\n\nZeile zwei _x0041_ | äh | a b"


def test_a_formula_with_an_empty_value_has_no_result() -> None:
    cells = '<c r="A1"><f>1/2</f><v></v></c><c r="B1" t="str"><f>""</f><v></v></c>'
    cells += '<c r="C1" t="inlineStr"><is><t>da</t></is></c>'
    parsed = xlsx.parse(xlsx_of(f'<sheetData><row r="1">{cells}</row></sheetData>'), "a.xlsx")
    assert parsed.text == "A\n\nda"
    assert [problem.partition(" ")[0] for problem in parsed.problems] == ["1"]


def test_a_column_without_width_is_not_seen() -> None:
    cells = "".join(
        f'<c r="{column}1" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in {"A": "da", "B": "weg"}.items()
    )
    columns = '<cols><col min="2" max="2" width="0" customWidth="1"/></cols>'
    data = xlsx_of(f'{columns}<sheetData><row r="1">{cells}</row></sheetData>')
    assert xlsx.parse(data, "a.xlsx").text == "A\n\nda"


def sheet_text(*rows: tuple[str, ...], merged: Merged | None = None) -> list[str]:
    sheet = Sheet("Kasse", merged=[merged] if merged else [])
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.put(number, column, text)
    return [line for block in sheet_blocks(sheet) for line in block.text.split("\n")]


def test_tables_beside_one_another_are_apart_where_they_name_the_same() -> None:
    heads = ("Quelle", "EUR", "", "Posten", "EUR")
    values = [("Miete", "10", "", "Strom", "3"), ("Zins", "2", "", "Wasser", "4")]
    last = ("", "", "", "Gas", "5")
    assert sheet_text(("Ein", "", "", "Aus"), heads, *values, last) == [
        "Ein",
        *("Quelle: Miete | EUR: 10", "Quelle: Zins | EUR: 2"),
        "Aus",
        *("Posten: Strom | EUR: 3", "Posten: Wasser | EUR: 4", "Posten: Gas | EUR: 5"),
    ]


def test_a_blank_column_parts_no_row_that_belongs_together() -> None:
    address = [("Nr", "Name", "", "Straße", "Ort"), ("1", "Mira", "", "Am See", "Lindau")]
    assert sheet_text(*address)[-1] == "Nr: 1 | Name: Mira | Straße: Am See | Ort: Lindau"
    years = [("Posten", "2023", "%", "", "2024", "%"), ("Strom", "5", "1", "", "6", "2")]
    assert sheet_text(*years)[-1] == "Strom | 5 | 1 | 6 | 2"
    heads = ("Quelle", "EUR", "", "Posten", "EUR")
    titled = [("Kasse", "", "", "", ""), heads, ("Miete", "10", "", "Strom", "3")]
    assert sheet_text(*titled, merged=Merged(0, 0, 1, 5))[-1] == "Miete | 10 | Strom | 3"
