"""Workbooks in many scripts: a source for LibreOffice, and one made with XlsxWriter."""

from __future__ import annotations

import io
from datetime import date

from tests.connectors.loaders.office.flat import flat

_STYLES = """
<number:date-style style:name="nd"><number:day number:style="long"/><number:text>.</number:text>
<number:month number:style="long"/><number:text>.</number:text><number:year number:style="long"/>
</number:date-style>
<number:currency-style style:name="nc"><number:number number:decimal-places="2"
 number:min-decimal-places="2" number:min-integer-digits="1" number:grouping="true"/>
<number:text> </number:text><number:currency-symbol number:language="de" number:country="DE"
>€</number:currency-symbol></number:currency-style>
<number:percentage-style style:name="np"><number:number number:decimal-places="1"
 number:min-decimal-places="1" number:min-integer-digits="1"/><number:text>%</number:text>
</number:percentage-style>
<style:style style:name="d" style:family="table-cell" style:data-style-name="nd"/>
<style:style style:name="c" style:family="table-cell" style:data-style-name="nc"/>
<style:style style:name="p" style:family="table-cell" style:data-style-name="np"/>
<style:style style:name="hidden" style:family="table">
<style:table-properties table:display="false"/></style:style>
"""
_COMMENT = (
    "<office:annotation><dc:creator>Mira</dc:creator><text:p>bitte prüfen</text:p>"
    "</office:annotation>"
)


def _text(text: str, attributes: str = "", before: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="string" {attributes}>{before}<text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def _value(kind: str, value: str, style: str) -> str:
    name = "date-value" if kind == "date" else "value"
    money = ' office:currency="EUR"' if kind == "currency" else ""
    return (
        f'<table:table-cell office:value-type="{kind}" office:{name}="{value}" '
        f'table:style-name="{style}"{money}/>'
    )


def workbook_source(sentence: str) -> bytes:
    """Return a flat ODS: a titled table, a table with a header of two levels, a hidden sheet."""
    covered = "<table:covered-table-cell/>"
    rows = [
        _text("Gebühren 2025"),
        _text("施設") + _text("開館日") + _text("料金") + _text("Anteil"),
        _text("图书馆")
        + _value("date", "2025-03-09", "d")
        + _value("currency", "1234.5", "c")
        + _value("percentage", "0.125", "p"),
        _text("متحف", before=_COMMENT)
        + _value("date", "2025-11-30", "d")
        + _value("currency", "12", "c")
        + _value("percentage", "1", "p"),
    ]
    halls = [
        _text("อาคาร", 'table:number-rows-spanned="2"')
        + _text("Besuche", 'table:number-columns-spanned="2"')
        + covered,
        covered + _text("Mai") + _text("Juni"),
        _text("Nord") + _value("float", "10", "") + _value("float", "12.5", ""),
        "",
        _text(sentence),
    ]

    def sheet(name: str, rows: list[str], style: str = "") -> str:
        inner = "".join(f"<table:table-row>{row or _text('')}</table:table-row>" for row in rows)
        return (
            f'<table:table table:name="{name}" table:style-name="{style}">'
            f'<table:table-column table:number-columns-repeated="4"/>{inner}</table:table>'
        )

    body = sheet("Gebühren", rows) + sheet("ห้อง", halls) + sheet("隠し", [_text("x")], "hidden")
    return flat("spreadsheet", body, _STYLES)


def written_book(sentence: str) -> bytes:
    """Return an XLSX with what LibreOffice does not write: tables, filters, Thai years, names."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": "कार्यक्रम"})
    sheet = book.add_worksheet("Plan")
    bold = book.add_format({"bold": True})
    thai = book.add_format({"num_format": "[$-107041E]d mmmm yyyy"})
    for column, text in enumerate(["Ort", 2024, 2025, "วันที่"]):
        sheet.write(0, column, text, bold)
    sheet.write_row(1, 0, ["Halle Süd", 7, 8.25])
    sheet.write_datetime(1, 3, date(2025, 3, 9), thai)
    sheet.write_row(2, 0, ["versteckt", 1, 1])
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.write(3, 0, sentence)
    sheet.write(4, 0, "Summe", bold)
    sheet.write_formula(4, 1, "=SUM(B2:B3)", None, 8)
    sheet.write_column(0, 5, ["geheim", "x", "x"])
    sheet.set_column(5, 5, None, None, {"hidden": True})
    sheet.write_comment("B2", "Nur bis Mai", {"author": "Kofi"})
    sheet.insert_textbox("H2", "Bitte anmelden.")
    chart = book.add_chart({"type": "column"})
    chart.add_series(
        {"name": "Besuche", "categories": ["Plan", 1, 0, 1, 0], "values": ["Plan", 1, 1, 1, 1]}
    )
    sheet.insert_chart("H9", chart)
    empty = book.add_worksheet("leer")
    empty.activate()
    book.close()
    return out.getvalue()
