"""Sources in flat OpenDocument XML, which LibreOffice stores in any of its formats."""

from __future__ import annotations

_NAMES = {
    "fo": "xsl-fo-compatible:1.0",
    "draw": "drawing:1.0",
    "number": "datastyle:1.0",
    "office": "office:1.0",
    "style": "style:1.0",
    "table": "table:1.0",
    "text": "text:1.0",
    "svg": "svg-compatible:1.0",
    "meta": "meta:1.0",
}


def flat(kind: str, body: str, styles: str = "", title: str = "") -> bytes:
    """Return a document; ``kind`` is ``text`` or ``spreadsheet``."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{rest}"'
        for name, rest in _NAMES.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {names} '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">'
        f"<office:meta><dc:title>{title}</dc:title></office:meta>"
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>"
    ).encode()
