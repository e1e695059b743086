"""MHT: a page that a browser saved with its pictures as one file (RFC 2557)."""

from __future__ import annotations

import codecs
import email
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message

from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.eml import decoded_header
from rag_engine.connectors.loaders.parsing.html import parse as parse_page
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused

__all__ = ["parse"]

_KINDS = frozenset({"text/html", "application/xhtml+xml"})


def parse(data: bytes, name: str) -> Parsed:
    """Read the page; of one that only holds frames, the first frame with text.

    Raises:
        Refused: it is no saved page.
    """
    if not data.strip():
        raise Refused("it is empty")
    message = email.message_from_bytes(data)
    pages = list(_pages(message))
    if not pages:
        raise Refused("it is no saved page: it has no part of HTML")
    read: Parsed | None = None
    for page in pages:
        parsed = _read(page)
        if read is None or (parsed.text.strip() and not read.text.strip()):
            read = replace(parsed, title=parsed.title if read is None else read.title)
    assert read is not None
    subject = " ".join(decoded_header(str(message.get("Subject", ""))).split())
    return replace(read, title=read.title or subject)


def _pages(message: Message) -> Iterator[Message]:
    """Yield the parts of HTML, first the one that the file is about."""
    parts = [part for part in message.walk() if part.get_content_type() in _KINDS]
    start = str(message.get_param("start", ""))
    yield from sorted(parts, key=lambda part: not start or part.get("Content-ID") != start)


def _read(part: Message) -> Parsed:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset()
    name = "page.xhtml" if "xhtml" in part.get_content_type() else "page.html"
    if not charset:
        return parse_page(data, name)
    # What the part says goes before what the page says, which was true where it came from.
    decoded = decode(data, declared=charset)
    parsed = parse_page(codecs.BOM_UTF8 + decoded.text.encode("utf-8", "replace"), name)
    return replace(
        parsed,
        metadata={**parsed.metadata, **decoded.facts},
        problems=(*decoded.problems, *parsed.problems),
    )
