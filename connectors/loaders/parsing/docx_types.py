"""The types that the parts of a DOCX have, as python-docx knows them."""

from __future__ import annotations

from lxml import etree

from rag_engine.connectors.loaders.parsing.archive import read_xml

__all__ = ["with_known_types"]

_TYPES = "[Content_Types].xml"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_ALSO_MAIN = frozenset(
    {
        "application/vnd.ms-word.document.macroenabled.main+xml",
        "application/vnd.ms-word.template.macroenabledtemplate.main+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    }
)
"""Of documents with macros, and of templates, in lower case: they hold the same text."""


def with_known_types(parts: dict[str, bytes]) -> dict[str, bytes]:
    """Return the parts of a DOCX with types that python-docx opens.

    It takes only a plain document for one. And where another DOCX was inserted, programs give that
    the type of a main part, which is XML; python-docx believes it and fails on the whole document:
    here it is a plain file.

    Raises:
        Refused: the part that holds the types is damaged.
    """
    inner = {name for name, part in parts.items() if part.startswith(b"PK")}
    known = parts.get(_TYPES, b"")
    if not (inner or any(name.encode() in known.lower() for name in _ALSO_MAIN)):
        return parts
    types = read_xml(known, _TYPES)
    endings = {name.rpartition(".")[2].lower() for name in inner}
    for element in types:
        of_part = element.get("PartName", "").lstrip("/") in inner
        if of_part or element.get("Extension", "").lower() in endings:
            element.set("ContentType", "application/octet-stream")
        elif element.get("ContentType", "").lower() in _ALSO_MAIN:
            element.set("ContentType", _MAIN)
    return {**parts, _TYPES: etree.tostring(types, encoding="utf-8", xml_declaration=True)}
