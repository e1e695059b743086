"""The parts of a workbook beside its sheets: shared strings, styles, comments, drawings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rag_engine.connectors.loaders.parsing.blocks import Block
from rag_engine.connectors.loaders.parsing.charts import CHARTS, chart_lines
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.drawing_text import (
    DIAGRAM,
    FALLBACK,
    diagram_blocks,
    paragraphs,
)
from rag_engine.connectors.loaders.parsing.number_formats import BUILT_IN
from rag_engine.connectors.loaders.parsing.opc import Package, R, Relation

__all__ = ["S", "Styles", "beside", "shared_strings", "unescaped"]

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
"""The namespace of SpreadsheetML, as lxml writes it."""

_SHEET_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_STANDS_FOR_A_THREAD = "[Threaded comment]"


def shared_strings(root: Any | None) -> list[str]:
    """Return the texts that cells refer to; readings beside ideographs are no part of them."""
    if root is None:
        return []
    return [_string(item) for item in root.iter(f"{S}si", f"{S}is")]


def _string(item: Any) -> str:
    runs = [item, *item.iterfind(f"{S}r")]  # not the readings (rPh)
    return unescaped("".join(text.text or "" for run in runs for text in run.iterfind(f"{S}t")))


def unescaped(text: str) -> str:
    r"""Put in the characters that a workbook writes by their numbers (ECMA-376 part 1, 22.9.2.19).

    >>> unescaped("one_x000D_two _x005F_x0041_ _xD83D__xDE00_")
    'one\rtwo _x0041_ 😀'
    """
    if "_x" not in text:
        return text
    signs = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return signs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Styles:
    """Knows for each style of cells whether it is bold, and how it shows numbers."""

    def __init__(self, root: Any | None) -> None:
        self._known: list[tuple[bool, str]] = []
        self._found: dict[str, tuple[bool, str]] = {}
        if root is None:
            return
        codes = dict(BUILT_IN)
        for element in root.iterfind(f"{S}numFmts/{S}numFmt"):
            codes[_id(element.get("numFmtId"))] = element.get("formatCode", "General")
        bold = []
        for font in root.iterfind(f"{S}fonts/{S}font"):
            found = font.find(f"{S}b")
            bold.append(found is not None and found.get("val", "1") in {"1", "true"})
        for style in root.iterfind(f"{S}cellXfs/{S}xf"):
            font_id = _id(style.get("fontId"))
            code = codes.get(_id(style.get("numFmtId")), "General")
            is_bold = 0 <= font_id < len(bold) and bold[font_id]
            self._known.append((is_bold, "General" if code.lower() == "general" else code))

    def of(self, number: str) -> tuple[bool, str]:
        """Return whether a style is bold, and its format code."""
        found = self._found.get(number)
        if found is None:
            index = _id(number)
            known = 0 <= index < len(self._known)
            found = self._found[number] = self._known[index] if known else (False, "General")
        return found


def _id(value: str | None) -> int:
    value = value or ""
    return int(value) if value.isdecimal() and len(value) < 9 else -1


def beside(
    package: Package, relations: Mapping[str, Relation], people: Any | None
) -> Iterator[Block]:
    """Yield what stands on a sheet but in no cell: text boxes and charts, then comments."""
    kinds = {relation.kind for relation in relations.values()}
    for relation in relations.values():
        if relation.kind == "drawing":
            yield from _drawing(package, relation.target)
    for relation in relations.values():
        root = package.optional(relation.target) if "omment" in relation.kind else None
        if root is not None and relation.kind == "comments":
            yield from _comments(root, threads="threadedComment" in kinds)
        elif root is not None and relation.kind == "threadedComment":
            yield from _threads(root, people)


def _drawing(package: Package, name: str) -> Iterator[Block]:
    root = package.optional(name)
    if root is None:
        return
    for body in root.iter(f"{_SHEET_DRAWING}txBody"):
        if next(body.iterancestors(FALLBACK), None) is None:
            yield from paragraphs(body)
    relations = package.relations(name)
    for reference in root.iter(*CHARTS, DIAGRAM):
        kind = f"{R}id" if reference.tag in CHARTS else f"{R}dm"
        relation = relations.get(reference.get(kind, ""))
        part = None if relation is None else package.optional(relation.target)
        if part is not None and reference.tag in CHARTS:
            yield Block("\n".join(chart_lines(part)), kind="table")
        elif part is not None:
            yield from diagram_blocks(part)


def _comments(root: Any, *, threads: bool) -> Iterator[Block]:
    authors = [one_line(author.text or "") for author in root.iterfind(f"{S}authors/{S}author")]
    for comment in root.iterfind(f"{S}commentList/{S}comment"):
        body = comment.find(f"{S}text")
        text = "" if body is None else _string(body).strip()
        if not text or (threads and text.startswith(_STANDS_FOR_A_THREAD)):
            continue
        index = _id(comment.get("authorId"))
        author = authors[index] if 0 <= index < len(authors) else ""
        if author and not text.startswith(f"{author}:"):  # many programs write the name before it
            text = f"{author}: {text}"
        yield Block(text)


def _threads(root: Any, people: Any | None) -> Iterator[Block]:
    names = {
        person.get("id", ""): one_line(person.get("displayName", ""))
        for person in ([] if people is None else people)
    }
    for comment in root:
        text = "".join(each.text or "" for each in comment if each.tag.endswith("}text"))
        author = names.get(comment.get("personId", ""), "")
        yield Block(f"{author}: {text}" if author and text.strip() else text)
