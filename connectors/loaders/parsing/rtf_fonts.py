"""The fonts of an RTF file, which tell in what code page text is written."""

from __future__ import annotations

import codecs

from rag_engine.connectors.loaders.parsing.docx_symbols import PRIVATE, symbol
from rag_engine.connectors.loaders.parsing.rtf_tokens import CODE_PAGES, SYMBOLS

__all__ = ["DEFAULT_FONT", "Fonts"]

DEFAULT_FONT = -1
"""The font of text for which none is named."""

_OTHER_NAMES = {"cp10000": "mac_roman", "cp10001": "cp932", "cp65001": "utf-8"}


class Fonts:
    """Decodes text by the font that it stands in; a character may come in two pieces."""

    def __init__(self) -> None:
        self.usual = DEFAULT_FONT
        """The font of text for which none is named."""
        self._fonts: dict[int, tuple[str, str]] = {}  # the code page and the name
        self._page = self._decoder_page = "cp1252"
        self._decoder = codecs.getincrementaldecoder("cp1252")("replace")
        self._high = 0

    def set_default(self, page: str) -> None:
        """Take the code page of fonts that name none."""
        self._page = _known(page, self._page)

    def describe(self, font: int, *, charset: int | None = None, page: int | None = None) -> None:
        """Take a font's number of a character set, or of a code page."""
        known, name = self._fonts.get(font, ("", ""))
        if charset is not None:
            known = CODE_PAGES.get(charset, "")
        if page is not None:
            known = _known(f"cp{page}", known)
        self._fonts[font] = (known, name)

    def name(self, font: int, text: str) -> None:
        """Take a piece of a font's name, which a semicolon ends."""
        page, name = self._fonts.get(font, ("", ""))
        self._fonts[font] = (page, (name + text).partition(";")[0])

    def decode(self, text: str, font: int) -> str:
        """Return what bytes, given as characters of Latin-1, mean in a font."""
        named = font != DEFAULT_FONT
        page, name = self._fonts.get(font if named else self.usual, ("", ""))
        if page == SYMBOLS and not named:
            page = ""
        if page == SYMBOLS:
            return "".join(symbol(ord(sign), name) for sign in text)
        page = page or self._page
        if page != self._decoder_page:
            self._decoder = codecs.getincrementaldecoder(page)("replace")
            self._decoder_page = page
        return self._decoder.decode(text.encode("latin-1", "replace"))

    def sign(self, code: int, font: int) -> str:
        """Return what a unit of UTF-16 means in a font; nothing for the first half of a pair."""
        if 0xD800 <= code < 0xDC00:
            self._high = code
            return ""
        if 0xDC00 <= code < 0xE000 and self._high:
            code = 0x10000 + ((self._high - 0xD800) << 10) + code - 0xDC00
        self._high = 0
        sign = chr(code)
        return symbol(code, self._fonts.get(font, ("", ""))[1]) if PRIVATE.match(sign) else sign


def _known(page: str, otherwise: str) -> str:
    try:
        return codecs.lookup(_OTHER_NAMES.get(page, page)).name
    except LookupError:
        return otherwise
