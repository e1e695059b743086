"""What an RTF file is made of: groups, control words and text; and its code pages and signs.

Rich Text Format Specification, version 1.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["CODE_PAGES", "SIGNS", "SYMBOLS", "Token", "tokens"]

Token = tuple[str, str, int | None]
"""A kind (``{``, ``}``, ``word``, ``byte``, ``text``), its text, and a control word's number."""

_TOKEN = re.compile(
    r"(?P<brace>[{}])|\\(?P<word>[A-Za-z]{1,32})(?P<number>-?[0-9]{1,10})? ?"
    r"|\\'(?P<byte>[0-9A-Fa-f]{2})|\\(?P<sign>[^A-Za-z])|(?P<end>[\r\n\0]+)|(?P<text>[^\\{}\r\n\0]+)",
    re.DOTALL,
)

SIGNS: dict[str, str] = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "softline": "\n",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": "\u2003",
    "enspace": "\u2002",
    "qmspace": "\u2005",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "zwbo": "\u200b",
    "zwnbo": "\u2060",
    "~": "\u00a0",
    "_": "-",
    "nestcell": "\t",
}
"""What control words and control symbols stand for."""

SYMBOLS = "symbols"
"""Stands for the code page of fonts that have signs for letters."""

CODE_PAGES: dict[int, str] = {
    2: SYMBOLS,
    77: "mac_roman",
    78: "cp932",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    179: "cp1256",
    180: "cp1256",
    181: "cp1255",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
"""The code page of a font, by its number of a character set."""


def tokens(data: bytes) -> Iterator[Token]:
    r"""Yield the tokens of a file; binary data is left out, and line ends mean nothing.

    >>> list(tokens(b"{\\b1 x\\'e4}"))
    [('{', '', None), ('word', 'b', 1), ('text', 'x', None), ('byte', 'ä', None), ('}', '', None)]
    """
    text = data.decode("latin-1")
    position = 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "text":
            yield "text", match["text"], None
        elif kind in {"word", "number"}:
            number = None if match["number"] is None else int(match["number"])
            if match["word"] == "bin":
                position += max(number or 0, 0)
            else:
                yield "word", match["word"], number
        elif kind == "brace":
            yield match["brace"], "", None
        elif kind == "byte":
            yield "byte", chr(int(match["byte"], 16)), None
        elif kind == "sign":
            yield "word", match["sign"], None
