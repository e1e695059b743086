"""Feeds (RSS 0.9 to 2.0, Atom): each entry is a section with its title, date and address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.html import shown_blocks
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.xml_tree import LANGUAGE, Tree, local_name

__all__ = ["is_feed", "read_feed"]

_ATOM = "http://www.w3.org/2005/Atom"
_ENTRIES = frozenset({"entry", "item"})
_DATES = ("published", "pubDate", "date", "issued", "updated", "modified")
_CONTENTS = ("encoded", "content", "description", "summary")
"""Elements with what an entry says: the first that an entry has is the longest."""


def is_feed(root: Any) -> bool:
    """Tell whether a root is that of RSS, of RSS 1.0 (RDF with items) or of Atom."""
    name = local_name(root)
    return (
        (name == "rss" and _child(root, "channel") is not None)
        or (name == "RDF" and _child(root, "item") is not None)
        or (name == "feed" and (_child(root, "entry") is not None or _ATOM in root.tag))
    )


def read_feed(tree: Tree) -> Parsed:
    """Write a feed's entries down.

    Raises:
        Refused: it is damaged, and no entry can be read.
    """
    root = tree.root
    channel = _child(root, "channel")
    channel = root if channel is None else channel
    outline = Outline()
    entries = [e for e in root.iter() if local_name(e) in _ENTRIES and e.getparent() is not None]
    for entry in entries:
        _write_entry(entry, outline)
    if not outline.text and tree.problems:
        raise Refused(tree.problems[0])
    return Parsed(
        text=outline.text,
        title=one_line(_words(_child(channel, "title"))),
        language=root.get(LANGUAGE) or channel.get(LANGUAGE) or _language(channel),
        stretches=outline.stretches(),
        metadata={**tree.decoded.facts, "entries": len(entries)},
        problems=(*tree.problems, *tree.decoded.problems),
    )


def _write_entry(entry: Any, outline: Outline) -> None:
    title = one_line(_words(_child(entry, "title")))
    if title:
        outline.heading(1, title)
    else:
        outline.leave_sections()
    about = [_date(entry), _link(entry)]
    outline.add("\n".join(filter(None, about)))
    write(_content(entry), outline)


def _content(entry: Any) -> Iterator[Block]:
    """Yield what an entry says; its headings are text, since its title is its section."""
    held = next(filter(None, (_markup(_child(entry, name)) for name in _CONTENTS)), "")
    if not held:  # a film or a talk says it of what it plays, one level below
        inner = (element for element in entry.iter() if local_name(element) in _CONTENTS)
        held = next(filter(None, map(_markup, inner)), "")
    for block in shown_blocks(held.encode("utf-8", errors="replace"), "entry.html") if held else ():
        yield Block(block.text, kind=block.kind, item=block.item)


def _markup(element: Any) -> str:
    """Return an element's content as HTML, whether it is escaped, plain or a tree of XHTML."""
    if element is None:
        return ""
    if len(element):
        inner: str = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
        return inner
    text: str = element.text or ""
    if not text.strip():
        return ""
    if element.get("type") == "text":
        return text.replace("&", "&amp;").replace("<", "&lt;")
    return text


def _words(element: Any) -> str:
    """Return a title as it is shown: markup may be escaped in it."""
    blocks = shown_blocks(_markup(element).encode("utf-8", errors="replace"), "title.html")
    return " ".join(block.text for block in blocks)


def _date(entry: Any) -> str:
    for name in _DATES:
        element = _child(entry, name)
        if element is not None and (element.text or "").strip():
            return one_line(element.text)
    return ""


def _link(entry: Any) -> str:
    """Return the address of what an entry is about."""
    links = [element for element in entry if local_name(element) == "link"]
    for link in links:
        if link.get("href") and link.get("rel", "alternate") == "alternate":
            return one_line(link.get("href"))
    return next((one_line(link.text) for link in links if (link.text or "").strip()), "")


def _language(channel: Any) -> str | None:
    element = _child(channel, "language")
    text = "" if element is None else (element.text or "").strip()
    return text or None


def _child(element: Any, name: str) -> Any:
    """Return a child of a name; one of the feed's own vocabulary before those of others (media)."""
    found = [child for child in element if local_name(child) == name]
    own = etree.QName(element).namespace
    return next(
        (child for child in found if etree.QName(child).namespace == own), next(iter(found), None)
    )
