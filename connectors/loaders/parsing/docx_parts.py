"""Other documents inside of a DOCX: the bodies that an altChunk puts into its place."""

from __future__ import annotations

import email
import email.policy
import re
from typing import Any

from rag_engine.connectors.loaders.parsing import rtf
from rag_engine.connectors.loaders.parsing.blocks import Block
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.html import shown_blocks

__all__ = ["blocks_of_text", "is_docx"]

_MARKUP = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|\?xml|html|body|head|[a-z][a-z0-9]*[\s>])", re.I
)
_HEADER_LINE = re.compile(rb"[\w-]+:[ \t]")
_MAIL_HEAD = re.compile(rb"^(?:mime-version|content-type)\s*:", re.I | re.M)


def is_docx(data: bytes) -> bool:
    """Tell whether bytes are an archive, as a DOCX is."""
    return data.startswith(b"PK")


def blocks_of_text(data: bytes, content_type: str) -> list[Block]:
    """Return the blocks of RTF, of a page, of a saved page (MHT), or of plain text.

    Raises:
        RefusedByLimit: RTF is nested too deeply.
    """
    if rtf.is_rtf(data):
        return rtf.shown_blocks(data)
    is_mail = _HEADER_LINE.match(data) and _MAIL_HEAD.search(data[:2048])
    if is_mail or content_type.startswith("message/"):
        return _blocks_of_mail(data)
    if "html" in content_type or _MARKUP.match(data[:1024]):
        return shown_blocks(data, "page.xhtml" if "xhtml" in content_type else "page.html")
    text = decode(data).text
    return [Block(paragraph) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def _blocks_of_mail(data: bytes) -> list[Block]:
    message: Any = email.message_from_bytes(data, policy=email.policy.default)
    for kind in ("text/html", "text/plain"):
        for part in message.walk():
            if part.get_content_type() == kind:
                body = part.get_payload(decode=True)
                if isinstance(body, bytes):
                    return blocks_of_text(body, kind)
    return []
