"""A text in many scripts, as a source for LibreOffice: headings, notes, lists, tables, ruby."""

from __future__ import annotations

from tests.connectors.loaders.office.flat import flat

ARABIC = "يفتح المتحف أبوابه في الساعة التاسعة صباحًا."
HINDI = "पुस्तकालय रविवार को बंद रहता है।"
THAI = "น้ำดื่มต้องต้มก่อนใช้เสมอ"
JAPANESE = "避難訓練は毎月第一月曜日に行われます。"
NOTE = "Außer bei Sturm."
COMMENT = "Stimmt das?"

_STYLES = """
<text:list-style style:name="L"><text:list-level-style-number text:level="1"
 style:num-format="1" style:num-suffix="."/><text:list-level-style-number text:level="2"
 style:num-format="a" style:num-suffix=")"/></text:list-style>
<style:style style:name="gone" style:family="text"><style:text-properties text:display="none"/>
</style:style>
"""


def text_source(sentence: str, title: str = "Haus am See") -> bytes:
    """Return a flat ODT."""

    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"

    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    covered = "<table:covered-table-cell/>"
    head = row(
        cell("Halle", 'table:number-rows-spanned="2"'),
        cell("2025", 'table:number-columns-spanned="2"') + covered,
    ) + row(covered, cell("Mai"), cell("Juni"))
    body = f"""
<text:h text:outline-level="1">Bergbahn</text:h>
<text:p>{sentence}<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1
</text:note-citation><text:note-body><text:p>{NOTE}</text:p></text:note-body></text:note></text:p>
<text:h text:outline-level="2">متحف</text:h>
<text:p>{ARABIC}</text:p>
<text:p>{HINDI}<office:annotation><dc:creator>Mira</dc:creator><text:p>{COMMENT}</text:p>
</office:annotation></text:p>
<text:h text:outline-level="2">防災</text:h>
<text:p><text:ruby><text:ruby-base>避難訓練</text:ruby-base><text:ruby-text>ひなんくんれん</text:ruby-text>
</text:ruby>は毎月第一月曜日に行われます。</text:p>
<text:p>{THAI}<text:span text:style-name="gone">unsichtbar</text:span></text:p>
<text:list text:style-name="L"><text:list-item><text:p>Erstens</text:p></text:list-item>
<text:list-item><text:p>Zweitens</text:p><text:list><text:list-item><text:p>innen</text:p>
</text:list-item></text:list></text:list-item></text:list>
<table:table table:name="T"><table:table-column table:number-columns-repeated="3"/>
<table:table-header-rows>{head}</table:table-header-rows>
{row(cell("Nord"), cell("10"), cell("12"))}</table:table>
<text:p>Ende</text:p>
"""
    return flat("text", body, _STYLES, title)
