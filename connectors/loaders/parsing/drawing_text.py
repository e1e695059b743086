"""Text in the drawings of Office: paragraphs, lists and tables of slides and diagrams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag_engine.connectors.loaders.parsing.blocks import Block, flattened
from rag_engine.connectors.loaders.parsing.counters import counted
from rag_engine.connectors.loaders.parsing.formulas import OMML, omml_text
from rag_engine.connectors.loaders.parsing.raised import could_be_raised, raised
from rag_engine.connectors.loaders.parsing.table_headers import header_rows
from rag_engine.connectors.loaders.parsing.tables import Cell, Grid, row_lines

__all__ = ["DIAGRAM", "FALLBACK", "A", "diagram_blocks", "paragraphs", "table_block"]

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
"""The namespace of DrawingML, as lxml writes it."""

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_FORMULA = f"{OMML}oMath"
DIAGRAM = f"{_DIAGRAM}relIds"
"""What refers to a diagram (SmartArt) in a drawing."""
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""The second form of what stands there twice."""
_LEVELS = 9
_GREATEST = 10**6
# The schemes of a:buAutoNum: what counts, then what stands around it.
_COUNTS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "arabicDb": "decimalFullWidth",
    "circleNumDb": "decimalEnclosedCircle",
    "ea1Chs": "chineseCounting",
    "ea1Cht": "taiwaneseCounting",
    "ea1JpnChs": "chineseCounting",
    "ea1JpnKor": "japaneseCounting",
    "hebrew2": "hebrew1",
    "arabic1": "arabicAlpha",
    "arabic2": "arabicAbjad",
    "thaiAlpha": "thaiLetters",
    "thaiNum": "thaiNumbers",
    "hindiNum": "hindiNumbers",
    "hindiAlpha": "hindiVowels",
    "hindiAlpha1": "hindiConsonants",
}
_AROUND = {
    "Period": "{}. ",
    "ParenR": "{}) ",
    "ParenBoth": "({}) ",
    "Minus": "{}- ",
    "Plain": "{} ",
}


def paragraphs(body: Any) -> list[Block]:
    """Return the paragraphs of a text body; a numbered one begins with its number."""
    blocks = []
    counts: list[tuple[str, int]] = [("", 0)] * _LEVELS
    for paragraph in body.iter(f"{A}p"):
        text = _text(paragraph)
        if not text.strip():
            continue
        properties = paragraph.find(f"{A}pPr")
        label = _label(properties, counts)
        blocks.append(Block(f"{label}{text.strip()}", item=_is_item(properties)))
    return blocks


def _text(paragraph: Any) -> str:
    pieces: list[str] = []
    for element in paragraph.iter(f"{A}t", f"{A}br", f"{A}tab", _FORMULA):
        if any(up.tag == FALLBACK for up in element.iterancestors(FALLBACK)):
            continue
        field = element.getparent()
        if field.tag == f"{A}fld" and field.get("type", "") == "slidenum":
            continue
        if element.tag == _FORMULA:
            pieces.append(omml_text(element))
            continue
        text = "\n" if element.tag == f"{A}br" else element.text or ""
        pieces.append(raised(text) if could_be_raised(text) and _is_raised(field) else text)
    return "".join(pieces)


def _is_raised(run: Any) -> bool:
    properties = run.find(f"{A}rPr")
    return properties is not None and properties.get("baseline", "0").rstrip("%") > "0"


def _is_item(properties: Any | None) -> bool:
    if properties is None or properties.find(f"{A}buNone") is not None:
        return False
    bullets = (f"{A}buChar", f"{A}buAutoNum", f"{A}buBlip")
    return properties.get("lvl", "0") != "0" or any(
        properties.find(tag) is not None for tag in bullets
    )


def _label(properties: Any | None, counts: list[tuple[str, int]]) -> str:
    """Return what is drawn before a paragraph, and count it among those of its level."""
    level = 0 if properties is None else min(_whole(properties.get("lvl"), 0), _LEVELS - 1)
    counts[level + 1 :] = [("", 0)] * (_LEVELS - level - 1)
    numbered = None if properties is None else properties.find(f"{A}buAutoNum")
    if numbered is None:
        counts[level] = ("", 0)
        return ""
    scheme = numbered.get("type", "arabicPeriod")
    start = _whole(numbered.get("startAt"), 1)
    known, number = counts[level]
    number = number + 1 if known == scheme else start
    counts[level] = (scheme, number)
    for ending, around in _AROUND.items():
        if scheme.endswith(ending):
            style = _COUNTS.get(scheme.removesuffix(ending), "decimal")
            return around.format(counted(number, style))
    return f"{counted(number, _COUNTS.get(scheme, 'decimal'))} "


def table_block(table: Any) -> list[Block]:
    """Return an ``a:tbl`` as one block of lines, whose columns its first row names."""
    grid = Grid()
    for row in table.iterfind(f"{A}tr"):
        cells = []
        for cell in row.iterfind(f"{A}tc"):
            if cell.get("hMerge") in {"1", "true"} or cell.get("vMerge") in {"1", "true"}:
                continue
            body = cell.find(f"{A}txBody")
            text = "" if body is None else flattened(paragraphs(body))
            spans = _whole(cell.get("gridSpan"), 1), _whole(cell.get("rowSpan"), 1)
            cells.append((Cell(text), *spans))
        grid.add_row(cells)
    properties = table.find(f"{A}tblPr")
    first = properties is not None and properties.get("firstRow") in {"1", "true"}
    lines = row_lines(grid.rows, header_rows(grid.rows, [first]))
    return [Block("\n".join(lines), kind="table")] if lines else []


def diagram_blocks(root: Any) -> Iterator[Block]:
    """Yield the texts of a diagram (SmartArt), in the order in which it keeps them."""
    for point in root.iter(f"{_DIAGRAM}pt"):
        body = point.find(f"{_DIAGRAM}t")
        if body is not None:
            yield from paragraphs(body)


def _whole(value: str | None, default: int) -> int:
    value = (value or "").strip()
    return min(int(value), _GREATEST) if value.isdecimal() and len(value) < 9 else default
