"""DOCX by python-docx: paragraphs and tables in the order of the document, headings as sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from docx import Document
from docx.oxml.ns import qn

from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.docx_zip import sanitised
from rag_engine.connectors.loaders.parsing.outline import Outline, table_lines
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_P, _TBL, _TR, _TC = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT, _TAB, _RUN = qn("w:t"), qn("w:tab"), qn("w:r")
_BREAKS = frozenset({qn("w:br"), qn("w:cr")})
_HYPHEN = qn("w:noBreakHyphen")
_TEXT_BOX = qn("w:txbxContent")
# Deleted or moved text, the second form of a drawing that stands there twice, and properties.
_SKIPPED = frozenset(
    {
        *(qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr"), qn("w:tblPr"), qn("w:tcPr")),
        *(qn("w:instrText"), qn("w:delText"), _TEXT_BOX),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    }
)
_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)
_NOTES = re.compile(r"/word/(?:foot|end)notes\d*\.xml")
_LONGEST_HEADER_CELL = 60
_MAX_STYLE_DEPTH = 20


def parse(data: bytes, name: str) -> Parsed:
    """Read a DOCX file.

    Raises:
        Refused: it is no DOCX, is encrypted or damaged, or holds a DTD.
        RefusedByLimit: it unpacks to too much.
    """
    archive = sanitised(data)
    try:
        document = Document(archive)
        body = document.element.body
    except Exception as error:
        # python-docx raises whatever its parts raise: KeyError, ValueError, XMLSyntaxError ...
        raise Refused(f"it is no sound DOCX ({type(error).__name__}: {error!s:.200})") from error
    walk = _Walk(_Styles(document))
    walk.blocks(body)
    for part in document.part.package.iter_parts():
        if _NOTES.fullmatch(str(part.partname)):
            walk.notes(part)
    return Parsed(
        text=walk.outline.text,
        title=one_line(document.core_properties.title or "") or walk.title or walk.first_heading,
        stretches=walk.outline.stretches(),
    )


class _Styles:
    """Tells which paragraph styles are headings, in whatever language Word was used."""

    def __init__(self, document: Any) -> None:
        self._by_id = {style.style_id: style.element for style in document.styles}
        self._known: dict[str, int | None] = {}

    def level(self, paragraph: Any) -> int | None:
        """Return 0 for a title, 1 to 9 for a heading, None for other text."""
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return None
        direct = _outline_level(properties)
        if direct is not None:
            return direct
        style = properties.find(qn("w:pStyle"))
        return None if style is None else self._of_style(style.get(qn("w:val"), ""))

    def _of_style(self, style_id: str) -> int | None:
        if style_id not in self._known:
            self._known[style_id] = self._look_up(style_id)
        return self._known[style_id]

    def _look_up(self, style_id: str) -> int | None:
        for _ in range(_MAX_STYLE_DEPTH):
            style = self._by_id.get(style_id)
            if style is None:
                return None
            name = style.find(qn("w:name"))
            shown = "" if name is None else name.get(qn("w:val"), "")
            if shown.lower() == "title":
                return 0
            heading = _HEADING_STYLE.fullmatch(shown)
            if heading:
                return int(heading.group(1)) or 1
            properties = style.find(qn("w:pPr"))
            level = None if properties is None else _outline_level(properties)
            based_on = style.find(qn("w:basedOn"))
            if level is not None or based_on is None:
                return level
            style_id = based_on.get(qn("w:val"), "")
        return None


def _outline_level(properties: Any) -> int | None:
    element = properties.find(qn("w:outlineLvl"))
    value = "" if element is None else element.get(qn("w:val"), "")
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else None


class _Walk:
    """Goes over a document once and writes its outline."""

    def __init__(self, styles: _Styles) -> None:
        self.outline = Outline()
        self.title = ""
        self.first_heading = ""
        self._styles = styles
        self._list = False

    def blocks(self, container: Any) -> None:
        for element in _blocks(container):
            if element.tag == _TBL:
                self.outline.add("\n".join(_table(element)))
            else:
                self._paragraph(element)

    def _paragraph(self, paragraph: Any) -> None:
        text = _text(paragraph)
        level = self._styles.level(paragraph)
        if level is not None and text.strip():
            self.title = self.title or (one_line(text) if level == 0 else "")
            self.first_heading = self.first_heading or one_line(text)
            # A title stands above all headings of the first level.
            self.outline.heading(level, text)
            self._list = False
        else:
            item = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
            self.outline.add(text, separator="\n" if item and self._list else "\n\n")
            self._list = item
        for box in paragraph.iter(_TEXT_BOX):
            if not _inside_fallback(box, paragraph):
                self.blocks(box)

    def notes(self, part: Any) -> None:
        """Append footnotes or endnotes."""
        from docx.oxml.parser import parse_xml

        for note in parse_xml(part.blob):
            text = "\n".join(filter(None, (_text(p).strip() for p in note.iter(_P))))
            self.outline.add(text)


def _inside_fallback(element: Any, top: Any) -> bool:
    for ancestor in element.iterancestors():
        if ancestor is top:
            return False
        if ancestor.tag in _SKIPPED:
            return True
    return False


def _blocks(container: Any) -> Iterator[Any]:
    """Yield paragraphs and tables in order, out of content controls and the like, too."""
    stack = [iter(container)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag in {_P, _TBL}:
            yield element
        elif isinstance(element.tag, str) and element.tag not in _SKIPPED:
            stack.append(iter(element))


def _text(paragraph: Any) -> str:
    """Return what a reader sees of a paragraph, its text boxes left out."""
    pieces: list[str] = []
    stack = [iter(paragraph)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag == _TEXT:
            pieces.append(element.text or "")
        elif element.tag == _TAB:
            pieces.append("\t")
        elif element.tag in _BREAKS:
            pieces.append("\n")
        elif element.tag == _HYPHEN:
            pieces.append("-")
        elif isinstance(element.tag, str) and element.tag not in _SKIPPED and not _hidden(element):
            stack.append(iter(element))
    return "".join(pieces)


def _hidden(element: Any) -> bool:
    if element.tag != _RUN:
        return False
    vanish = element.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return vanish is not None and vanish.get(qn("w:val"), "1") not in {"0", "false", "off"}


def _table(table: Any) -> list[str]:
    rows: list[list[str]] = []
    for row in table.iter(_TR):
        if _nearest_table(row) is table:
            rows.append(_cells(row, rows[-1] if rows else []))
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    if _has_header(table, rows):
        return table_lines(rows[1:], rows[0])
    return table_lines(rows, None)


def _nearest_table(row: Any) -> Any:
    return next((ancestor for ancestor in row.iterancestors() if ancestor.tag == _TBL), None)


def _cells(row: Any, above: Sequence[str]) -> list[str]:
    """Return a row's cells by column; a cell merged downwards is read in each of its rows."""
    cells: list[str] = []
    for cell in row.iter(_TC):
        if next(ancestor for ancestor in cell.iterancestors() if ancestor.tag == _TR) is not row:
            continue
        properties = cell.find(qn("w:tcPr"))
        merge = None if properties is None else properties.find(qn("w:vMerge"))
        if merge is not None and merge.get(qn("w:val"), "continue") == "continue":
            text = above[len(cells)] if len(cells) < len(above) else ""
        else:
            text = " ".join(_text(paragraph) for paragraph in cell.iter(_P)).strip()
        cells.append(text)
        span = None if properties is None else properties.find(qn("w:gridSpan"))
        width = "1" if span is None else span.get(qn("w:val"), "1")
        cells += [""] * (min(int(width), 100) - 1 if width.isdecimal() else 0)
    return cells


def _has_header(table: Any, rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns: it says so, stands out, or reads like it.

    A table of two columns may as well pair each name with a value, so there the rows below must
    hold numbers where the first holds none.
    """
    first = next(table.iter(_TR))
    if first.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None:
        return True
    head = [cell for cell in rows[0] if cell]
    alike = len(rows) > 1 and len(head) >= max(len(rows[0]) - 1, 2) and len(set(head)) == len(head)
    if not alike or any(len(cell) > _LONGEST_HEADER_CELL for cell in head):
        return False
    if _bold(first) and not _bold(list(table.iter(_TR))[1]):
        return True
    if any(map(_has_digit, head)):
        return False
    if len(rows[0]) > 2:
        return True
    below = [row[-1] for row in rows[1:]]
    return len(below) > 1 and all(map(_has_digit, below))


def _bold(row: Any) -> bool:
    runs = [run for run in row.iter(_RUN) if any(text.text for text in run.iter(_TEXT))]
    return bool(runs) and all(run.find(f"{qn('w:rPr')}/{qn('w:b')}") is not None for run in runs)


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))
