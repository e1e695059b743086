"""Charts in slides, sheets and texts: titles, categories and values as the axes show them."""

from __future__ import annotations

from typing import Any

import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from lxml import etree

from rag_engine.connectors.loaders.parsing import docx, odf, pptx
from rag_engine.connectors.loaders.parsing.charts import chart_lines
from tests.connectors.loaders.packages import NAMES, pptx_of, zip_of
from tests.connectors.loaders.samples import make_docx


def points(*values: str) -> str:
    return "".join(
        f'<c:pt idx="{index}"><c:v>{value}</c:v></c:pt>' for index, value in enumerate(values)
    )


def numbers(*values: str, code: str = "General") -> str:
    cached = f"<c:formatCode>{code}</c:formatCode>{points(*values)}"
    return f"<c:numRef><c:numCache>{cached}</c:numCache></c:numRef>"


def strings(*values: str) -> str:
    return f"<c:strRef><c:strCache>{points(*values)}</c:strCache></c:strRef>"


def title(text: str) -> str:
    return (
        f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{text}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    )


def series(name: str, **parts: str) -> str:
    inside = "".join(f"<c:{part}>{content}</c:{part}>" for part, content in parts.items())
    return f"<c:ser><c:tx>{strings(name)}</c:tx>{inside}</c:ser>"


def chart(inside: str, *, before: str = "", title: str = "") -> str:
    return (
        f"<c:chartSpace {NAMES}>{before}<c:chart>{title}<c:plotArea>{inside}</c:plotArea>"
        "</c:chart></c:chartSpace>"
    )


DATES = numbers("45658", "45689", code="dd/mm/yyyy")
SHARES = numbers("0.25", "0.5", code="0%")
NESTED = (
    f"<c:multiLvlStrRef><c:multiLvlStrCache><c:lvl>{points('Halle A', 'Halle B', 'Halle C')}"
    '</c:lvl><c:lvl><c:pt idx="0"><c:v>Nord</c:v></c:pt><c:pt idx="2"><c:v>Süd</c:v></c:pt>'
    "</c:lvl></c:multiLvlStrCache></c:multiLvlStrRef>"
)


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        (
            chart(
                series("Anteil", cat=DATES, val=SHARES) + f"<c:valAx>{title('Prozent')}</c:valAx>",
                title=f"<c:title><c:tx>{strings('Besuche')}</c:tx></c:title>",
            ),
            ["Besuche", "Prozent", "01/01/2025: Anteil: 25%", "01/02/2025: Anteil: 50%"],
        ),
        (
            chart(series("Gäste", cat=NESTED, val=numbers("1", "2", "3"))),
            ["Nord > Halle A: Gäste: 1", "Nord > Halle B: Gäste: 2", "Süd > Halle C: Gäste: 3"],
        ),
        (
            chart(series("Druck", xVal=numbers("1.50"), yVal=numbers("20.0", code="0.0"))),
            ["1.5: Druck: 20.0"],
        ),
        (
            chart(
                series("A", cat=numbers("0", code="yyyy"), val=numbers("n/a")),
                before='<c:date1904 val="1"/>',
            ),
            ["1904: A: n/a"],
        ),
    ],
)
def test_a_chart_is_its_titles_and_a_line_for_each_category(markup: str, lines: list[str]) -> None:
    assert chart_lines(etree.fromstring(markup)) == lines


def test_a_chart_in_a_text_is_read() -> None:
    markup = chart(series("Anteil", cat=DATES, val=SHARES), title=title("Besuche"))

    def fill(document: Any) -> None:
        document.add_paragraph("Der Text.")
        name = PackURI("/word/charts/chart1.xml")
        kind = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
        part = Part(name, kind, markup.encode(), document.part.package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.CHART)

    text = docx.parse(make_docx(fill), "a.docx").text
    assert text == "Der Text.\n\nBesuche\n01/01/2025: Anteil: 25%\n01/02/2025: Anteil: 50%"


def test_a_group_of_shapes_that_is_hidden_is_not_read() -> None:
    group = (
        "<p:grpSp><p:nvGrpSpPr><p:cNvPr id='2' name='g'{}/></p:nvGrpSpPr><p:sp><p:txBody><a:p><a:r>"
        "<a:t>{}</a:t></a:r></a:p></p:txBody></p:sp></p:grpSp>"
    )
    shapes = group.format("", "zu sehen") + group.format(" hidden='1'", "nicht zu sehen")
    assert pptx.parse(pptx_of(shapes), "a.pptx").text == "zu sehen"


OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
ODF = " ".join(
    [
        *(
            f'xmlns:{name}="{OASIS}{place}:1.0"'
            for name, place in {
                **dict.fromkeys(("chart", "office", "table", "text"), ""),
                "draw": "drawing",
            }.items()
            for place in [place or name]
        ),
        'xmlns:xlink="http://www.w3.org/1999/xlink"',
    ]
)


def sheet_of(rows: str, **parts: str) -> bytes:
    content = (
        f"<office:document-content {ODF}><office:body><office:spreadsheet>"
        f'<table:table table:name="A">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    return zip_of({"content.xml": content, **{f"{n}/content.xml": p for n, p in parts.items()}})


def row(*cells: str) -> str:
    inside = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
    return f"<table:table-row>{inside}</table:table-row>"


def p(text: str) -> str:
    return f"<text:p>{text}</text:p>"


def test_a_chart_that_hangs_on_a_cell_of_opendocument_is_no_part_of_its_row() -> None:
    inner = (
        f"<office:document-content {ODF}><office:body><office:chart><chart:chart><chart:title>"
        f"{p('Besuche')}</chart:title><chart:axis><chart:title>{p('Jahr')}</chart:title>"
        f"</chart:axis><table:table>{row(p('2024'), p('7'))}{row(p('2025'), p('8'))}"
        "</table:table></chart:chart></office:chart></office:body></office:document-content>"
    )
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    box = f"<draw:frame><draw:text-box>{p('Nur ein Entwurf')}</draw:text-box></draw:frame>"
    rows = row(p("Halle"), p("Gäste")) + row(p("Nord"), p("7"), frame) + row(p("Süd") + box, p("8"))
    text = odf.parse(sheet_of(rows, **{"Object 1": inner}), "a.ods").text
    assert [line for line in text.split("\n") if line] == [
        "A",
        "Halle: Nord | Gäste: 7",
        "Halle: Süd | Gäste: 8",
        *("Besuche", "Jahr", "2024 | 7", "2025 | 8"),
        "Nur ein Entwurf",
    ]


def test_values_without_the_text_that_is_shown_are_read() -> None:
    def value(kind: str, **attributes: str) -> str:
        told = "".join(f' office:{k.replace("_", "-")}="{v}"' for k, v in attributes.items())
        return f'<table:table-cell office:value-type="{kind}"{told}/>'

    cells = (
        value("string", string_value="Nord")
        + value("float", value="12.50")
        + value("percentage", value="0.25")
        + value("currency", value="3", currency="EUR")
        + value("date", date_value="2025-03-09")
    )
    text = odf.parse(sheet_of(f"<table:table-row>{cells}</table:table-row>"), "a.ods").text
    assert text == "A\n\nNord | 12.5 | 25% | 3 EUR | 2025-03-09"
