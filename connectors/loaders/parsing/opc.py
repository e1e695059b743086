"""Packages of Office Open XML: parts, and the relations by which one part names another."""

from __future__ import annotations

import posixpath
from typing import Any, NamedTuple

from rag_engine.connectors.loaders.parsing.archive import read_xml
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["Package", "R", "Relation"]

R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
"""The namespace of attributes that hold the id of a relation, as lxml writes it."""

_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
# "Strict" files name the same vocabularies otherwise (ISO/IEC 29500-1, against 29500-4).
_STRICT = b"http://purl.oclc.org/ooxml/"
_TRANSITIONAL = {
    _STRICT + strict: b"http://schemas.openxmlformats.org/" + other
    for strict, other in {
        b"presentationml/main": b"presentationml/2006/main",
        b"spreadsheetml/main": b"spreadsheetml/2006/main",
        b"drawingml/main": b"drawingml/2006/main",
        b"drawingml/chart": b"drawingml/2006/chart",
        b"drawingml/diagram": b"drawingml/2006/diagram",
        b"drawingml/spreadsheetDrawing": b"drawingml/2006/spreadsheetDrawing",
        b"officeDocument/relationships": b"officeDocument/2006/relationships",
    }.items()
}
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class Relation(NamedTuple):
    """What a part names another by: ``kind`` is the last word of its type, ``target`` a part."""

    kind: str
    target: str


class Package:
    """The parts of an office file, and what of them could not be read (``problems``)."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = {
            name.lstrip("/").lower(): _transitional(part) for name, part in parts.items()
        }
        self.problems: list[str] = []

    def root(self, name: str) -> Any:
        """Return a part's root element.

        Raises:
            Refused: there is no such part, or it is damaged.
        """
        part = self._parts.get(name.lower())
        if part is None:
            raise Refused(f"it is damaged: its part {name} is missing")
        return read_xml(part, name)

    def taken(self, name: str) -> bytes | None:
        """Return a part's bytes, and keep them no longer; that it is missing is a problem."""
        found = self._parts.pop(name.lower(), None)
        if found is None:
            self.problems.append(f"its part {name} is missing")
        return found

    def optional(self, name: str) -> Any | None:
        """Return a part's root element; one that can not be read is a problem, not an error."""
        try:
            return self.root(name)
        except Refused as error:
            self.problems.append(str(error).removeprefix("it is damaged: "))
            return None

    def relations(self, name: str) -> dict[str, Relation]:
        """Return what a part names, by the ids of its relations; ``""`` is the package itself.

        Links to what lies outside of the package are left out.
        """
        folder, base = posixpath.split(name)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        if rels.lower() not in self._parts:
            return {}
        root = self.optional(rels)
        found = {}
        for element in () if root is None else root.iterfind(_RELATION):
            if element.get("TargetMode") == "External":
                continue
            target = element.get("Target", "")
            joined = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            found[element.get("Id", "")] = Relation(
                element.get("Type", "").rpartition("/")[2], posixpath.normpath(joined).lstrip("/")
            )
        return found

    def main_part(self, kind: str) -> str:
        """Return the name of the part that all others hang on.

        Raises:
            Refused: none is named, or it is not there.
        """
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and relation.target.lower() in self._parts:
                return relation.target
        raise Refused(f"it is no {kind}: it names no main part")

    def title(self) -> str:
        """Return the title that the file's properties hold."""
        for relation in self.relations("").values():
            if relation.kind == "core-properties" and relation.target.lower() in self._parts:
                root = self.optional(relation.target)
                return "" if root is None else one_line(root.findtext(_DC_TITLE) or "")
        return ""


def _transitional(part: bytes) -> bytes:
    if _STRICT in part:
        for strict, other in _TRANSITIONAL.items():
            part = part.replace(strict, other)
    return part
