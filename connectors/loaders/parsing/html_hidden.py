"""Which elements of a page a browser does not show."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["is_hidden"]

_TAGS = frozenset(
    {
        *("annotation", "annotation-xml", "applet", "audio", "canvas", "datalist", "embed"),
        *("frame", "frameset", "head", "iframe", "meter", "noembed", "noframes", "noscript"),
        *("object", "progress", "rp", "script", "style", "svg", "template", "video"),
    }
)
_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:font-size|opacity)\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$))",
    re.IGNORECASE,
)


def is_hidden(tag: str, attributes: Mapping[str, str]) -> bool:
    """Tell it by the element itself; what it is in may be hidden, too.

    >>> is_hidden("p", {"style": "color: red; display: none"}), is_hidden("dialog", {"open": ""})
    (True, False)
    """
    return (
        tag in _TAGS
        or "hidden" in attributes
        or "popover" in attributes
        or (tag == "dialog" and "open" not in attributes)
        or _STYLE.search(attributes.get("style", "")) is not None
    )
