"""OpenDocument by lxml: texts, presentations and spreadsheets, packed or as one file of XML."""

from __future__ import annotations

import re
from typing import Any

from rag_engine.connectors.loaders.parsing.archive import read_xml, unpacked
from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.odf_names import DC, OFFICE, Styles
from rag_engine.connectors.loaders.parsing.odf_sheets import read_sheets
from rag_engine.connectors.loaders.parsing.odf_slides import read_slides
from rag_engine.connectors.loaders.parsing.odf_text import TextReader
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.page_numbers import PAGE_NUMBER, texts_of_margins
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_UNREAD = (
    "pictures/",
    "thumbnails/",
    "configurations2/",
    "fonts/",
    "media/",
    "objectreplacements/",
)
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_MARGINS = ("header", "header-left", "header-first", "footer", "footer-left", "footer-first")
_FORMATS = {"text": "odt", "presentation": "odp", "spreadsheet": "ods"}
_XML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<")


def parse(data: bytes, name: str) -> Parsed:
    """Read a document: headings are sections, or sheets, or the titles of slides.

    Notes, comments, and the heads and feet of pages come after the text.

    Raises:
        Refused: it is no OpenDocument file, is encrypted or damaged, or holds a DTD.
        RefusedByLimit: it unpacks to too much.
    """
    document = _Opened(data)
    body = document.content.find(f"{OFFICE}body")
    kinds = {
        element.tag.removeprefix(OFFICE): element for element in ([] if body is None else body)
    }
    reader = TextReader(Styles(document.styles, document.content), document.object)
    outline = Outline()
    metadata: dict[str, str | int] = {"format": _FORMATS.get(next(iter(kinds), ""), "")}
    if "text" in kinds:
        write(reader.blocks(kinds["text"]), outline)
    elif "presentation" in kinds:
        metadata["slides"] = read_slides(kinds["presentation"], reader, outline)
    elif "spreadsheet" in kinds:
        metadata |= read_sheets(kinds["spreadsheet"], reader, outline)
    else:
        raise Refused("it is no text, presentation or spreadsheet of OpenDocument")
    outline.leave_sections()
    for text in (*reader.notes, *reader.comments):
        outline.add(text)
    if "text" in kinds:
        write(_margins(document.styles, reader), outline)
    return Parsed(
        text=outline.text,
        title=document.title or one_line(reader.title) or one_line(reader.first_heading),
        stretches=outline.stretches(),
        metadata=metadata,
        problems=tuple(dict.fromkeys(document.problems)),
    )


class _Opened:
    """The parts of a file that are read."""

    def __init__(self, data: bytes) -> None:
        self.problems: list[str] = []
        self._parts: dict[str, bytes] = {}
        if _XML.match(data[:100]):
            self.content = self.styles = meta = read_xml(data, "of XML")
        else:
            kind = "OpenDocument file"
            self._parts = unpacked(data, kind=kind, unread=_UNREAD)
            if b"encryption-data" in self._parts.get("META-INF/manifest.xml", b""):
                raise Refused("it is encrypted; store it without a password")
            if "content.xml" not in self._parts:
                raise Refused(f"it is no {kind}: it has no part content.xml")
            self.content = read_xml(self._parts["content.xml"], "content.xml")
            self.styles = self._optional("styles.xml")
            meta = self._optional("meta.xml")
        found = None if meta is None else next(meta.iter(f"{DC}title"), None)
        self.title = "" if found is None else one_line(found.text or "")

    def _optional(self, name: str) -> Any | None:
        try:
            return read_xml(self._parts[name], name) if name in self._parts else None
        except Refused as error:
            self.problems.append(str(error).removeprefix("it is damaged: "))
            return None

    def object(self, reference: str) -> Any | None:
        """Return the content of an object inside of the file, which a frame names."""
        return self._optional(f"{reference.removeprefix('./').rstrip('/')}/content.xml")


def _margins(styles: Any | None, reader: TextReader) -> list[Block]:
    """Return the heads and feet of pages, each text once, without what counts the pages."""
    if styles is None:
        return []
    reader.page_number = PAGE_NUMBER
    margins = styles.iter(*(f"{_STYLE}{name}" for name in _MARGINS))
    return texts_of_margins(block for margin in margins for block in reader.blocks(margin))
