"""A presentation in many scripts, made with python-pptx."""

from __future__ import annotations

import io

ARABIC = "يفتح المتحف أبوابه في الساعة التاسعة صباحًا."
THAI = "น้ำดื่มต้องต้มก่อนใช้เสมอ"
JAPANESE = "避難訓練は毎月第一月曜日に行われます。"


def deck(sentence: str, *, title: str = "") -> bytes:
    """Return a PPTX of three slides, the last of them skipped in a show."""
    from pptx import Presentation
    from pptx.oxml.ns import qn
    from pptx.util import Inches

    show = Presentation()
    show.core_properties.title = title
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Haus am See"
    slide.placeholders[1].text = sentence
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "संग्रहालय"
    slide.notes_slide.notes_text_frame.text = ARABIC
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    cells = {(0, 0): "Halle", (0, 1): "2025", (1, 1): "Mai", (1, 2): "Juni"}
    cells |= {(2, 0): "Nord", (2, 1): "10", (2, 2): "12"}
    for (row, column), text in cells.items():
        table.cell(row, column).text = text
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "ห้องพัก"
    group = slide.shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(2), Inches(5), Inches(2)).text_frame
    box.text = f"{THAI}\n{JAPANESE}"
    for text in ("erstens", "zweitens"):
        paragraph = box.add_paragraph()
        paragraph.text = text
        number = paragraph._p.get_or_add_pPr().makeelement(
            qn("a:buAutoNum"), {"type": "alphaLcParenR"}
        )
        paragraph._p.pPr.append(number)
    slide._element.set("show", "0")
    out = io.BytesIO()
    show.save(out)
    return out.getvalue()
