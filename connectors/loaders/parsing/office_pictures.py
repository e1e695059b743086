"""The pictures of DOCX, PPTX, ODF and EPUB files, with their alternative texts, in their order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from rag_engine.connectors.loaders.parsing.alt_texts import names_a_picture
from rag_engine.connectors.loaders.parsing.archive import read_xml, unpacked
from rag_engine.connectors.loaders.parsing.opc import Package, R
from rag_engine.connectors.loaders.parsing.parsed import Refused
from rag_engine.connectors.loaders.parsing.pictures import Found, of_images
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture

__all__ = ["pictures"]

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_NAMES = ("docPr", "cNvPr")
"""What holds the alternative text of a picture in DOCX and PPTX (``descr``)."""
_FRAMES = {"pic", "sp", "inline", "anchor"}


def pictures(file: BinaryIO, options: PicturesOptions) -> Iterator[ShownPicture | str]:
    """Yield the pictures of a file.

    Raises:
        Refused: it is no archive, or is encrypted or damaged.
        RefusedByLimit: it holds too many parts, or grows too large.
    """
    parts = unpacked(file.read(), kind="office file or book")
    yield from of_images(_found(parts), options)


def _found(parts: dict[str, bytes]) -> Iterator[Found]:
    if "content.xml" in parts:
        return _of_odf(parts)
    if any(name.lower().startswith("[content_types]") for name in parts):
        return _of_ooxml(parts)
    return _of_book(parts)


def _of_ooxml(parts: dict[str, bytes]) -> Iterator[Found]:
    package = Package(parts)
    main = package.main_part("office file")
    related = package.relations(main)
    slides = [
        related[number].target
        for element in package.root(main).iter(f"{_P}sldId")
        if (number := element.get(f"{R}id")) in related
    ]
    media = {name.lower().lstrip("/"): data for name, data in parts.items()}
    of_parts: list[tuple[int | None, str]] = [*enumerate(slides, 1)] or [(None, main)]
    for page, part in of_parts:
        root = package.optional(part)
        if root is None:
            continue
        targets = package.relations(part)
        title = _slide_title(root)
        for blip in root.iter(f"{_A}blip"):
            relation = targets.get(blip.get(f"{R}embed", ""))
            data = media.get(relation.target.lower()) if relation else None
            if relation and data and not relation.target.lower().endswith((".emf", ".wmf")):
                caption = _said_around(blip) or title
                yield Found(posixpath.basename(relation.target), caption, page, data)


def _said_around(blip: Any) -> str:
    """Return what the picture, or else the frame around it, says of itself."""
    for ancestor in blip.iterancestors():
        if _local(ancestor) in _FRAMES:
            named = next((one for one in ancestor.iter() if _local(one) in _NAMES), None)
            if named is not None and (said := _said(named.attrib)):
                return said
    return ""


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _said(properties: Mapping[str, str]) -> str:
    text = " ".join((properties.get("descr") or properties.get("title") or "").split())
    return "" if names_a_picture(text) else text


def _slide_title(root: Any) -> str:
    for shape in root.iter(f"{_P}sp"):
        kind = next(shape.iter(f"{_P}ph"), None)
        if kind is not None and kind.get("type") in {"title", "ctrTitle"}:
            return " ".join(text.text or "" for text in shape.iter(f"{_A}t")).strip()
    return ""


def _of_odf(parts: dict[str, bytes]) -> Iterator[Found]:
    root = read_xml(parts["content.xml"], "content.xml")
    pages = {page: number for number, page in enumerate(root.iter(f"{_DRAW}page"), 1)}
    for image in root.iter(f"{_DRAW}image"):
        target = posixpath.normpath(image.get(f"{_XLINK}href", ""))
        data, frame = parts.get(target), image.getparent()
        if data:
            said = next((one.text for one in frame.iter(f"{_SVG}desc", f"{_SVG}title")), None)
            page = next((pages[one] for one in image.iterancestors(f"{_DRAW}page")), None)
            yield Found(posixpath.basename(target), _said({"descr": said or ""}), page, data)


def _of_book(parts: dict[str, bytes]) -> Iterator[Found]:
    for name in sorted(parts):
        if not name.lower().endswith((".xhtml", ".html", ".htm")):
            continue
        try:
            root = read_xml(parts[name], name, doctype=True)
        except Refused:
            continue  # the loader of its text tells of it
        for image in root.iter(f"{_XHTML}img", "{http://www.w3.org/2000/svg}image"):
            address = image.get("src") or image.get(f"{_XLINK}href") or ""
            target = posixpath.normpath(
                posixpath.join(posixpath.dirname(name), unquote(urlsplit(address).path))
            )
            if data := parts.get(target):
                said = {"descr": image.get("alt", ""), "title": image.get("title", "")}
                yield Found(posixpath.basename(target), _said(said), None, data)
