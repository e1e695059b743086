"""DOCX by python-docx: all that a reader sees, in the order of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from docx import Document
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.charts import chart_lines
from rag_engine.connectors.loaders.parsing.cleaning import join_lines, one_line
from rag_engine.connectors.loaders.parsing.docx_languages import Languages
from rag_engine.connectors.loaders.parsing.docx_numbering import Numbering
from rag_engine.connectors.loaders.parsing.docx_parts import blocks_of_text, is_docx
from rag_engine.connectors.loaders.parsing.docx_styles import Styles
from rag_engine.connectors.loaders.parsing.docx_tables import read_table
from rag_engine.connectors.loaders.parsing.docx_text import ParagraphText, elements_of, is_off
from rag_engine.connectors.loaders.parsing.docx_zip import sanitised
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.page_numbers import texts_of_margins
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.readings import Readings

__all__ = ["parse"]

_P, _TBL, _ALT_CHUNK = qn("w:p"), qn("w:tbl"), qn("w:altChunk")
_BLOCKS = frozenset({_P, _TBL, _ALT_CHUNK})
_PROPERTIES = qn("w:pPr")
_DIAGRAM_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_NOTES = re.compile(r"/word/(?:foot|end)notes\d*\.xml")
_COMMENTS = re.compile(r"/word/comments\d*\.xml")
_DIAGRAMS = re.compile(r"/word/diagrams/data\d*\.xml")
_CHARTS = re.compile(r"/word/charts/chart(?:Ex)?\d*\.xml")
_SECTION, _FIRST_PAGE = qn("w:sectPr"), qn("w:titlePg")
_MARGINS = frozenset({qn("w:headerReference"), qn("w:footerReference")})
_DELETED = ("del", "moveFrom")
_DEEPEST_CHUNK = 3
_MOST_CHUNKS = 200


def parse(data: bytes, name: str) -> Parsed:
    """Read a DOCX file: its body, then notes, comments, and the heads and feet of its pages.

    Raises:
        Refused: it is no DOCX, is encrypted or damaged, or holds a DTD.
        RefusedByLimit: it unpacks to too much.
    """
    document = _opened(data)
    walk = _Walk(document)
    outline = Outline()
    write(walk.blocks(document.element.body), outline)
    outline.leave_sections()
    write(walk.beside(), outline)
    return Parsed(
        text=outline.text,
        title=one_line(document.core_properties.title or "") or walk.title or walk.first_heading,
        stretches=outline.stretches(),
        metadata=walk.readings.facts,
        problems=tuple(dict.fromkeys(walk.problems)),
    )


def _opened(data: bytes) -> Any:
    archive = sanitised(data)
    try:
        document = Document(archive)
        document.element.body  # noqa: B018  a part of another kind has none
    except Exception as error:
        # python-docx raises whatever its parts raise: KeyError, ValueError, XMLSyntaxError ...
        raise Refused(f"it is no sound DOCX ({type(error).__name__}: {error!s:.200})") from error
    return document


class _Walk:
    """Goes over a document once and gathers its blocks."""

    def __init__(self, document: Any, depth: int = 0) -> None:
        self.title = ""
        self.first_heading = ""
        self.problems: list[str] = []
        self.readings = Readings()
        self._document = document
        self._depth = depth
        self._chunks = 0
        self._goes_on = False
        """Whether the end of the paragraph before was deleted."""
        self._styles = Styles(document)
        self._languages = Languages(self._styles)
        numbering = next(self._parts(re.compile(r"/word/numbering\d*\.xml")), None)
        self._numbering = Numbering(numbering, self._styles)
        self._styles.empty_hidden(document.element.body)

    def blocks(self, container: Any, *, pages: bool = True) -> list[Block]:
        """Return the paragraphs and tables in a part, a cell or a text box."""
        blocks: list[Block] = []
        for element in elements_of(container, _BLOCKS):
            if element.tag == _P:
                self._paragraph(element, blocks, pages=pages)
            elif element.tag == _TBL:
                blocks += read_table(element, lambda cell: self.blocks(cell, pages=pages))
            else:
                blocks += self._chunk(element)
        return blocks

    def beside(self) -> Iterator[Block]:
        """Yield what stands beside the body, each text once."""
        for root in self._parts(_DIAGRAMS):
            for paragraph in root.iter(f"{_DIAGRAM_TEXT}p"):
                text = "".join(t.text or "" for t in paragraph.iter(f"{_DIAGRAM_TEXT}t"))
                yield Block(text)
        for root in self._parts(_CHARTS):
            yield Block("\n".join(chart_lines(root)), kind="table")
        for pattern in (_NOTES, _COMMENTS):
            for root in self._parts(pattern):
                for note in root:
                    author = note.get(qn("w:author"), "") if pattern is _COMMENTS else ""
                    text = "\n".join(block.text for block in self.blocks(note)).strip()
                    yield Block(f"{author}: {text}" if author and text else text)
        margins = (block for root in self._margins() for block in self.blocks(root, pages=False))
        yield from texts_of_margins(margins)

    def _margins(self) -> Iterator[Any]:
        """Yield the heads and feet that are on any page: Word keeps those that are not, too."""
        sections = list(self._document.element.body.iter(_SECTION))
        shown = {"default"}
        if not all(is_off(section.find(_FIRST_PAGE)) for section in sections):
            shown.add("first")
        if self._document.settings.odd_and_even_pages_header_footer:
            shown.add("even")
        parts = {}
        for section in sections:
            for element in section:
                if element.tag in _MARGINS and element.get(qn("w:type"), "default") in shown:
                    related = self._document.part.rels.get(element.get(qn("r:id")))
                    if related is not None and not related.is_external:
                        parts[str(related.target_part.partname)] = related.target_part
        for part in parts.values():
            yield from self._root(part)

    def _parts(self, pattern: re.Pattern[str]) -> Iterator[Any]:
        for part in self._document.part.package.iter_parts():
            if pattern.fullmatch(str(part.partname)):
                yield from self._root(part)

    def _root(self, part: Any) -> Iterator[Any]:
        """Yield the element of a part, if it can be read."""
        try:
            element = getattr(part, "element", None)
            root = parse_xml(part.blob) if element is None else element
            self._styles.empty_hidden(root)
        except Exception as error:
            reason = f"its part {part.partname} can not be read ({type(error).__name__})"
            self.problems.append(reason)
            return
        yield root

    def _paragraph(self, paragraph: Any, blocks: list[Block], *, pages: bool) -> None:
        properties = paragraph.find(_PROPERTIES)
        if self._styles.is_contents(properties):
            return
        read = ParagraphText(paragraph, pages=pages)
        label = self._numbering.label(properties)
        level = self._styles.level(properties)
        if read.text.strip():
            if level is not None:
                plain = one_line(read.text)
                self.title = self.title or (plain if level == 0 else "")
                self.first_heading = self.first_heading or plain
            # A title stands above all headings of the first level.
            text = f"{label or ''}{read.text.strip()}"
            if self._goes_on and level is None and blocks and blocks[-1].kind == "text":
                blocks[-1] = replace(blocks[-1], text=join_lines(blocks[-1].text, text))
            else:
                language = self._languages.of(paragraph, properties)
                blocks.append(Block(text, level=level, item=label is not None, language=language))
            self._goes_on = _ends_nowhere(properties)
        for word, reading in read.readings:
            self.readings.add(word, reading)
        for box in read.boxes:
            blocks += self.blocks(box, pages=pages)

    def _chunk(self, element: Any) -> list[Block]:
        """Return the body of another document that stands here."""
        self._chunks += 1
        try:
            part = self._document.part.rels[element.get(qn("r:id"))].target_part
            data: bytes = part.blob
            if self._chunks > _MOST_CHUNKS or self._depth >= _DEEPEST_CHUNK:
                raise RefusedByLimit("it holds too many documents inside of one another")
            if not is_docx(data):
                return blocks_of_text(data, str(part.content_type))
            inner = _Walk(_opened(data), self._depth + 1)
            inner.readings = self.readings
            blocks = inner.blocks(inner._document.element.body)
            blocks += inner.beside()
            self.problems += inner.problems
        except Refused as error:
            self.problems.append(f"a document inside of it is left out: {error}")
            return []
        except (KeyError, ValueError, AttributeError):
            self.problems.append("a document inside of it is left out: it is not in the file")
            return []
        return blocks


def _ends_nowhere(properties: Any | None) -> bool:
    """Tell whether the mark that ends a paragraph is deleted: what follows belongs to it."""
    marks = () if properties is None else (f"{qn('w:rPr')}/{qn(f'w:{n}')}" for n in _DELETED)
    return properties is not None and any(properties.find(mark) is not None for mark in marks)
