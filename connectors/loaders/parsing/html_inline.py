"""What an element of a page says of the text in it: a level, bold type, raised numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.raised import raised

__all__ = [
    "BLOCK_TAGS",
    "WHOLE_PAGE",
    "AltText",
    "OpenElement",
    "Raised",
    "language_of",
    "opened",
    "running_text",
]

BLOCK_TAGS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd"),
        *("details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure"),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html"),
        *("legend", "li", "main", "menu", "nav", "ol", "optgroup", "p", "pre", "search"),
        *("section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    }
)
_WITHOUT_MEANING = frozenset({"div", "p", "section", "span"})
_TAGS_OF_ROLES = {
    **dict.fromkeys(("grid", "table", "treegrid"), "table"),
    "rowgroup": "tbody",
    "row": "tr",
    **dict.fromkeys(("cell", "gridcell"), "td"),
    **dict.fromkeys(("columnheader", "rowheader"), "th"),
}
"""Tables that are made of other elements (WAI-ARIA 1.2)."""
WHOLE_PAGE = frozenset({"body", "html"})
_BOLD_TAGS = frozenset({"b", "strong"})
_HEADING = re.compile(r"h([1-6])")
_WEIGHT = re.compile(
    r"(?:^|;)\s*font(?:-weight)?\s*:[^;]*?\b(bold|bolder|[6-9]00|normal|400)\b", re.I
)


class AltText(str):
    """What stands for a picture, or in a field of a form: no running text."""

    __slots__ = ()


class Raised(str):
    """A raised number, of which running text has the digits alone."""

    digits: str

    def __new__(cls, digits: str) -> Raised:
        """Write it raised."""
        made = super().__new__(cls, raised(digits))
        made.digits = digits
        return made


class OpenElement(NamedTuple):
    """What an open element says of the text in it: whether it is bold, and raised.

    ``level`` is that of the heading which the element itself is; ``tag`` that of HTML's own for
    what it is, be it by its role. ``language`` is what it or one around it says, below the page.
    """

    bold: bool = False
    raised: bool = False
    level: int | None = None
    tag: str = ""
    language: str | None = None


def opened(tag: str, attributes: Mapping[str, str], around: OpenElement) -> OpenElement:
    """Return what an element says that is opened within another."""
    role = attributes.get("role", "").strip().lower()
    tag = _TAGS_OF_ROLES.get(role, tag) if tag in _WITHOUT_MEANING else tag
    level = None
    heading = _HEADING.fullmatch(tag)
    if heading:
        level = int(heading.group(1))
    elif tag in BLOCK_TAGS and role == "heading":
        told = attributes.get("aria-level", "").strip()
        level = min(max(int(told), 1), 6) if told.isdecimal() and len(told) < 3 else 2
    weight = _WEIGHT.search(attributes.get("style", "")) if "style" in attributes else None
    bold = around.bold or tag in _BOLD_TAGS
    if weight:
        bold = weight[1].lower() not in {"normal", "400"}
    language = around.language
    if tag not in WHOLE_PAGE and (says := language_of(attributes)) is not None:
        language = says or None
    return OpenElement(bold, around.raised or tag == "sup", level, tag, language)


def language_of(attributes: Mapping[str, str]) -> str | None:
    """Return the language that an element says; an empty one takes back what others said."""
    return attributes.get("lang", attributes.get("xml:lang"))


def running_text(piece: str | None) -> str:
    """Return what of a piece a page holds as running text."""
    if isinstance(piece, Raised):
        return piece.digits
    return "" if piece is None or isinstance(piece, AltText) else piece
