"""PPTX by lxml: each slide's title, text, tables, charts and diagrams, its notes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.archive import unpacked
from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.charts import CHARTS, chart_lines
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.drawing_text import (
    DIAGRAM,
    A,
    diagram_blocks,
    paragraphs,
    table_block,
)
from rag_engine.connectors.loaders.parsing.opc import Package, R
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_UNREAD = (
    *("ppt/media/", "ppt/embeddings/", "ppt/fonts/", "ppt/slidelayouts/", "ppt/slidemasters/"),
    *("ppt/theme/", "ppt/vbaproject", "docprops/thumbnail"),
)
_TITLES = frozenset({"title", "ctrTitle"})
_MARGINS = frozenset({"dt", "ftr", "hdr", "sldImg", "sldNum"})
_SHAPES = frozenset({f"{_P}sp", f"{_P}graphicFrame", f"{_P}pic", f"{_P}cxnSp"})
_EMPTY_TITLES = re.compile(
    r"powerpoint\b.*|.*\.(?:odp|pot|ppt)x?|untitled.*|slide 1", re.IGNORECASE
)


def parse(data: bytes, name: str) -> Parsed:
    """Read a presentation: a slide is a page, its title a section.

    Slides that are skipped in a show are read as any other: whoever opens the file sees them.
    What a slide takes from its layout (date, footer, number) is left out.

    Raises:
        Refused: it is no PPTX, is encrypted or damaged, or holds a DTD.
        RefusedByLimit: it unpacks to too much.
    """
    package = Package(unpacked(data, kind="PPTX", old=".ppt", unread=_UNREAD))
    main = package.main_part("PPTX")
    root = package.root(main)
    if root.tag != f"{_P}presentation":
        raise Refused("it is no PPTX: its main part is no presentation")
    relations = package.relations(main)
    authors = _authors(package, main)
    outline = Outline()
    first_title = ""
    count = 0
    for identifier in root.iterfind(f"{_P}sldIdLst/{_P}sldId"):
        relation = relations.get(identifier.get(f"{R}id", ""))
        count += 1
        outline.begin_page(count)
        part = "" if relation is None else relation.target
        slide = package.optional(part) if part else None
        if slide is None:
            continue
        blocks = _slide_blocks(package, part, slide, authors)
        titles = (one_line(block.text) for block in blocks if block.level)
        first_title = first_title or next(titles, "")
        write(blocks, outline)
    if package.problems and not outline.text:
        raise Refused(f"none of its slides can be read: {package.problems[0]}")
    title = package.title()
    return Parsed(
        text=outline.text,
        title=first_title if _EMPTY_TITLES.fullmatch(title) or not title else title,
        stretches=outline.stretches(),
        metadata={"slides": count},
        problems=tuple(dict.fromkeys(package.problems)),
    )


def _slide_blocks(package: Package, part: str, slide: Any, authors: dict[str, str]) -> list[Block]:
    """Return the blocks of a slide: its title, what else it shows, its notes, its comments."""
    relations = package.relations(part)
    titles: list[Block] = []
    others: list[Block] = []
    for shape in _shapes(slide.find(f"{_P}cSld/{_P}spTree")):
        if _is_hidden(shape):
            continue
        kind = _placeholder(shape)
        if kind in _TITLES and not titles:
            text = one_line(" ".join(block.text for block in _texts(shape)))
            titles += [Block(text, level=1)] if text else []
        elif kind not in _MARGINS:
            others += _shape_blocks(package, relations, shape)
    blocks = [*titles, *others]
    for relation in relations.values():
        if relation.kind == "notesSlide":
            blocks += _notes(package.optional(relation.target))
    for relation in relations.values():
        if relation.kind == "comments":
            blocks += _comments(package.optional(relation.target), authors)
    return blocks


def _shapes(tree: Any | None) -> Iterator[Any]:
    """Yield shapes in their order, out of groups too; of two forms of one, the first."""
    stack = [] if tree is None else [iter(tree)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag in _SHAPES:
            yield element
        elif element.tag == f"{_MC}AlternateContent":
            stack.append(iter(element[:1]))
        elif element.tag == f"{_P}grpSp" and _is_hidden(element):
            continue
        elif element.tag in {f"{_P}grpSp", f"{_MC}Choice", f"{_MC}Fallback"}:
            stack.append(iter(element))


def _properties(shape: Any) -> Any | None:
    return next(shape.iter(f"{_P}cNvPr"), None)


def _is_hidden(shape: Any) -> bool:
    properties = _properties(shape)
    return properties is not None and properties.get("hidden") in {"1", "true"}


def _placeholder(shape: Any) -> str:
    found = next(shape.iter(f"{_P}ph"), None)
    return "" if found is None else found.get("type", "obj")


def _texts(shape: Any) -> list[Block]:
    body = shape.find(f"{_P}txBody")
    return [] if body is None else paragraphs(body)


def _shape_blocks(package: Package, relations: dict[str, Any], shape: Any) -> list[Block]:
    if shape.tag == f"{_P}pic":
        return _alt_text(shape)
    if shape.tag != f"{_P}graphicFrame":
        return _texts(shape)
    blocks: list[Block] = []
    for table in shape.iter(f"{A}tbl"):
        blocks += table_block(table)
    for tag, attribute in (*((tag, f"{R}id") for tag in CHARTS), (DIAGRAM, f"{R}dm")):
        for reference in shape.iter(tag):
            relation = relations.get(reference.get(attribute, ""))
            root = None if relation is None else package.optional(relation.target)
            if root is not None and tag in CHARTS:
                blocks.append(Block("\n".join(chart_lines(root)), kind="table"))
            elif root is not None:
                blocks += diagram_blocks(root)
    return blocks or _alt_text(shape)


def _alt_text(shape: Any) -> list[Block]:
    """Return what is said of a picture, unless that is a mere file name."""
    properties = _properties(shape)
    text = "" if properties is None else " ".join(properties.get("descr", "").split())
    return [Block(text)] if text and not names_a_picture(text) else []


def _notes(root: Any | None) -> list[Block]:
    if root is None:
        return []
    return [
        block
        for shape in _shapes(root.find(f"{_P}cSld/{_P}spTree"))
        if _placeholder(shape) not in _MARGINS
        for block in _texts(shape)
    ]


def _authors(package: Package, main: str) -> dict[str, str]:
    """Return the names of those who comment, by their ids."""
    names = {}
    for relation in package.relations(main).values():
        if relation.kind in {"commentAuthors", "authors"}:
            root = package.optional(relation.target)
            for author in () if root is None else root:
                names[author.get("id", "")] = one_line(author.get("name", ""))
    return names


def _comments(root: Any | None, authors: dict[str, str]) -> Iterator[Block]:
    """Yield comments and their answers, old ones and those of threads."""
    for comment in () if root is None else root.iter():
        local = comment.tag.rpartition("}")[2]
        if local not in {"cm", "reply"}:
            continue
        body = comment.find(f"{_P}text")
        bodies = [element for element in comment if element.tag.endswith("}txBody")]
        text = (body.text or "") if body is not None else ""
        text = text or "\n".join(block.text for each in bodies for block in paragraphs(each))
        author = authors.get(comment.get("authorId", ""), "")
        if text.strip():
            yield Block(f"{author}: {text}" if author else text)
