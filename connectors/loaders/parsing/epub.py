"""EPUB: an archive of pages of XHTML, which the parser of HTML reads in the order of the book."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from rag_engine.connectors.loaders.parsing.archive import read_xml, unpacked
from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.html import shown_blocks
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_NO_TEXT = re.compile(
    rb"""<a\b[^<>]*\b(?:epub:type|role)\s*=\s*["'][^"'<>]*\b(?:doc-)?noteref\b[^<>]*>"""
    rb"""(?:\s*<(?:sup|span|small)\b[^<>]*>)?[^<>]{0,20}(?:</(?:sup|span|small)>\s*)?</a>"""
    rb"""|<sup\b[^<>]*>\s*<a\b[^<>]*\bhref\b[^<>]*>\s*%(sign)b\s*</a>\s*</sup>"""
    rb"""|<a\b[^<>]*\bhref\b[^<>]*>\s*<sup\b[^<>]*>\s*%(sign)b\s*</sup>\s*</a>"""
    rb"""|<(span|a|div)\b[^<>]*\b(?:epub:type|role)\s*=\s*["'][^"'<>]*\b(?:doc-)?pagebreak\b"""
    rb"""[^<>]*>[^<>]{0,20}</\1>"""
    % {b"sign": rb"[\[(]?(?:[0-9]{1,3}|[*\xe2\x80\xa0\xa1]{1,9}|[a-z])[\])]?"},
    re.IGNORECASE,
)
"""What points to a note, and the numbers of printed pages: they would stand within the words."""


class _Item(NamedTuple):
    part: str
    kind: str
    properties: str


def parse(data: bytes, name: str) -> Parsed:
    """Read a book: its headings are sections.

    A chapter without any heading has its name from the table of contents, which itself is left
    out. Names, titles and languages are those of the package (EPUB 3.3, section 5).

    Raises:
        Refused: it is no EPUB, is damaged, or its pages are encrypted.
        RefusedByLimit: it unpacks to too much.
    """
    book = _Book(unpacked(data, kind="EPUB"))
    language = book.first("language") or None
    outline = Outline(language)
    read = 0
    for item in book.spine():
        part = book.part(item.part)
        if part is None:
            continue
        try:
            blocks = shown_blocks(_NO_TEXT.sub(b"", part), "page.xhtml")
        except Refused as error:
            book.problems.append(f"its page {item.part} can not be read: {error}")
            continue
        read += 1
        heading = book.names.get(item.part, "")
        if blocks and heading and not any(block.level for block in blocks):
            same = one_line(blocks[0].text) == heading
            blocks = [Block(heading, level=1, language=blocks[0].language), *blocks[same:]]
        write(blocks, outline)
    if not read:
        raise Refused(f"it is damaged: {(*book.problems, 'it has no pages')[0]}")
    return Parsed(
        text=outline.text,
        title=book.first("title"),
        language=language,
        stretches=outline.stretches(),
        problems=tuple(dict.fromkeys(book.problems)),
    )


class _Book:
    """The package of a book: what is in it, in which order, and what its chapters are called."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = {posixpath.normpath(name): part for name, part in parts.items()}
        self.problems: list[str] = []
        if _CONTAINER not in self._parts:
            raise Refused(f"it is no EPUB: it has no part {_CONTAINER}")
        container = self._xml(_CONTAINER)
        roots = [element.get("full-path", "") for element in _all(container, "rootfile")]
        main = next((posixpath.normpath(root) for root in roots if root), "")
        if main not in self._parts:
            raise Refused("it is damaged: its package document is missing")
        self._package = self._xml(main)
        folder = posixpath.dirname(main)
        self._items = {
            element.get("id", ""): _Item(
                _resolved(folder, element.get("href", "")),
                element.get("media-type", ""),
                element.get("properties", ""),
            )
            for element in _all(self._package, "item")
        }
        self._check_encryption()
        self.names = self._names()

    def _xml(self, name: str) -> Any:
        return read_xml(self._parts[name], name, doctype=True)

    def part(self, name: str) -> bytes | None:
        """Return a part; that it is missing is a problem."""
        if name not in self._parts:
            self.problems.append(f"its part {name} is missing")
        return self._parts.get(name)

    def first(self, name: str) -> str:
        """Return the first of the metadata of a name, such as ``title``."""
        texts = ("".join(element.itertext()) for element in _all(self._package, name))
        return next((line for line in map(one_line, texts) if line), "")

    def spine(self) -> Iterator[_Item]:
        """Yield the pages in the order in which they are read, without the table of contents."""
        seen: set[str] = set()
        for reference in _all(self._package, "itemref"):
            item = self._items.get(reference.get("idref", ""))
            if item is None or item.part in seen or "nav" in item.properties.split():
                continue
            seen.add(item.part)
            if item.kind in _PAGES:
                yield item

    def _check_encryption(self) -> None:
        """Refuse a book whose pages are encrypted; that of fonts hides no text."""
        if _ENCRYPTION not in self._parts:
            return
        pages = {item.part for item in self._items.values() if item.kind in _PAGES}
        for data in _all(self._xml(_ENCRYPTION), "EncryptedData"):
            for reference in _all(data, "CipherReference"):
                part = _resolved("", reference.get("URI", ""))
                if part in pages:
                    raise Refused(
                        "it is encrypted (DRM): only the seller's program opens it; index a copy "
                        "without"
                    )

    def _names(self) -> dict[str, str]:
        """Return what the table of contents calls each page."""
        names: dict[str, str] = {}
        for item in self._items.values():
            is_ncx = item.kind == "application/x-dtbncx+xml"
            if item.part not in self._parts or not (is_ncx or "nav" in item.properties.split()):
                continue
            try:
                root = self._xml(item.part)
            except Refused:
                continue  # the pages have headings of their own
            folder = posixpath.dirname(item.part)
            for target, text in _ncx_entries(root) if is_ncx else _nav_entries(root):
                names.setdefault(_resolved(folder, target), one_line(text))
        return names


def _ncx_entries(root: Any) -> Iterator[tuple[str, str]]:
    for point in _all(root, "navPoint"):
        label = next(_all(point, "text"), None)
        target = next(_all(point, "content"), None)
        if label is not None and target is not None:
            yield target.get("src", ""), label.text or ""


def _nav_entries(root: Any) -> Iterator[tuple[str, str]]:
    for nav in _all(root, "nav"):
        if "toc" in nav.get("{http://www.idpf.org/2007/ops}type", "toc").split():
            for link in _all(nav, "a"):
                yield link.get("href", ""), "".join(link.itertext())


def _all(element: Any, name: str) -> Iterator[Any]:
    """Yield the elements of a name, whatever vocabulary their version of EPUB takes it from."""
    return (each for each in element.iter("{*}" + name))


def _resolved(folder: str, reference: str) -> str:
    """Return the part that a reference names, without what it points to inside of it."""
    try:
        path = unquote(urlsplit(reference).path)
    except ValueError:
        return ""
    return posixpath.normpath(posixpath.join(folder, path)).lstrip("/") if path else ""
