"""The newer charts of Office (waterfall, treemap and their like) in slides, sheets and texts."""

from __future__ import annotations

from typing import Any

from docx.opc.packuri import PackURI
from docx.opc.part import Part
from lxml import etree

from rag_engine.connectors.loaders.parsing import docx, pptx, xlsx
from rag_engine.connectors.loaders.parsing.charts import chart_lines
from tests.connectors.loaders.packages import NAMES, OFFICE, pptx_of, relations, zip_of
from tests.connectors.loaders.samples import make_docx

CX = "http://schemas.microsoft.com/office/drawing/2014/chartex"
KIND = "http://schemas.microsoft.com/office/2014/relationships/chartEx"


def level(*values: str, code: str = "") -> str:
    points = "".join(f'<cx:pt idx="{place}">{v}</cx:pt>' for place, v in enumerate(values) if v)
    told = f' formatCode="{code}"' if code else ""
    return f'<cx:lvl ptCount="{len(values)}"{told}>{points}</cx:lvl>'


def chart(data: str, series: str, title: str = "") -> str:
    return (
        f'<cx:chartSpace xmlns:cx="{CX}" {NAMES}><cx:chartData>{data}</cx:chartData><cx:chart>'
        f"{title}<cx:plotArea><cx:plotAreaRegion>{series}</cx:plotAreaRegion></cx:plotArea>"
        "</cx:chart></cx:chartSpace>"
    )


def series(name: str, data: int, more: str = "") -> str:
    return (
        f'<cx:series layoutId="waterfall"{more}><cx:tx><cx:txData><cx:f>A1</cx:f>'
        f'<cx:v>{name}</cx:v></cx:txData></cx:tx><cx:dataId val="{data}"/></cx:series>'
    )


WATERFALL = chart(
    f'<cx:data id="0"><cx:strDim type="cat"><cx:f>A</cx:f>{level("Anfang", "Verkauf")}</cx:strDim>'
    f'<cx:numDim type="val"><cx:f>B</cx:f>{level("100", "-25.5", code="#,##0.00")}</cx:numDim>'
    "</cx:data>",
    series("Kasse", 0) + series("verborgen", 0, ' hidden="1"') + series("ohne Daten", 7),
    "<cx:title><cx:tx><cx:rich><a:p><a:r><a:t>Kassenstand</a:t></a:r></a:p></cx:rich></cx:tx>"
    "</cx:title>",
)
LINES = ["Kassenstand", "Anfang: Kasse: 100.00", "Verkauf: Kasse: -25.50"]


def test_a_chart_is_its_title_and_a_line_for_each_category() -> None:
    assert chart_lines(etree.fromstring(WATERFALL)) == LINES


def test_categories_of_a_treemap_have_their_branches() -> None:
    data = (
        f'<cx:data id="0"><cx:strDim type="cat">{level("水泵", "阀门", "灯")}'
        f'{level("机械", "", "电气")}</cx:strDim><cx:numDim type="size">{level("3", "4", "5")}'
        "</cx:numDim></cx:data>"
    )
    title = "<cx:title><cx:tx><cx:txData><cx:v>库存</cx:v></cx:txData></cx:tx></cx:title>"
    assert chart_lines(etree.fromstring(chart(data, series("", 0), title))) == [
        "库存",
        "机械 > 水泵: 3",
        "机械 > 阀门: 4",
        "电气 > 灯: 5",
    ]


def choice(reference: str, fallback: str) -> str:
    """Return a chart as a drawing holds it: for programs that know it, and for others."""
    return (
        f'<mc:AlternateContent><mc:Choice xmlns:cx="{CX}" Requires="cx">{reference}</mc:Choice>'
        f"<mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>"
    )


REFERENCE = (
    f'<a:graphic><a:graphicData uri="{CX}"><cx:chart r:id="r2"/></a:graphicData></a:graphic>'
)
UNSEEN = "<a:p><a:r><a:t>This chart is not available</a:t></a:r></a:p>"


def test_a_slide_has_it() -> None:
    frame = f"<p:graphicFrame>{REFERENCE}</p:graphicFrame>"
    shapes = choice(frame, f"<p:sp><p:txBody>{UNSEEN}</p:txBody></p:sp>")
    data = pptx_of(
        shapes,
        extra={"ppt/charts/chartEx1.xml": WATERFALL},
        r2=("chartEx", "../charts/chartEx1.xml"),
    )
    assert pptx.parse(data, "a.pptx").text.split("\n") == LINES


def test_a_sheet_has_it() -> None:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shapes = choice(
        f"<x:graphicFrame>{REFERENCE}</x:graphicFrame>",
        f"<x:sp><x:txBody>{UNSEEN}</x:txBody></x:sp>",
    )
    data = zip_of(
        {
            "_rels/.rels": relations(r1=("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="Kasse" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(r1=("worksheet", "sheet1.xml")),
            "xl/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData/></worksheet>',
            "xl/_rels/sheet1.xml.rels": relations(r1=("drawing", "drawing1.xml")),
            "xl/drawing1.xml": f'<x:wsDr xmlns:x="{drawing}" {NAMES}>{shapes}</x:wsDr>',
            "xl/_rels/drawing1.xml.rels": relations(r2=("chartEx", "charts/chartEx1.xml")),
            "xl/charts/chartEx1.xml": WATERFALL,
        }
    )
    assert xlsx.parse(data, "a.xlsx").text.split("\n") == ["Kasse", "", *LINES]


def test_a_text_has_it() -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("Der Text.")
        kind = "application/vnd.ms-office.chartex+xml"
        name = PackURI("/word/charts/chartEx1.xml")
        part = Part(name, kind, WATERFALL.encode(), document.part.package)
        document.part.relate_to(part, KIND)

    text = docx.parse(make_docx(fill), "a.docx").text
    assert text.split("\n") == ["Der Text.", "", *LINES]
