"""The signs that Word keeps as places in a symbol font, as characters."""

from __future__ import annotations

import re

__all__ = ["PRIVATE", "symbol"]

PRIVATE = re.compile("[\uf020-\uf0ff]")
"""Where text in a symbol font has its characters."""

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘ"
    "ΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
_SYMBOL_HIGH = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑"
_WINGDINGS = {
    0x22: "✂",
    0x28: "☎",
    0x29: "✆",
    0x2A: "✉",
    0x36: "⌛",
    0x37: "⌨",
    0x3F: "✍",
    0x41: "✌",
    0x45: "☜",
    0x46: "☞",
    0x47: "☝",
    0x48: "☟",
    0x4A: "☺",
    0x4B: "😐",
    0x4C: "☹",
    0x4D: "💣",
    0x4E: "☠",
    0x51: "✈",
    0x52: "☼",
    0x53: "💧",
    0x54: "❄",
    0x6C: "●",
    0x6D: "❍",
    0x6E: "■",
    0x6F: "□",
    0x70: "🞐",
    0x71: "❑",
    0x72: "❒",
    0x73: "⬧",
    0x74: "⧫",
    0x75: "◆",
    0x76: "❖",
    0x77: "⬥",
    0x78: "⌧",
    0xA1: "○",
    0xA7: "▪",
    0xA8: "☐",
    0xAB: "★",
    0xD8: "➢",
    0xDF: "←",
    0xE0: "→",
    0xE1: "↑",
    0xE2: "↓",
    0xE7: "←",
    0xE8: "➔",
    0xEF: "⇦",
    0xF0: "⇨",
    0xF1: "⇧",
    0xF2: "⇩",
    0xF3: "⬄",
    0xFB: "✗",
    0xFC: "✓",
    0xFD: "☒",
    0xFE: "☑",
    **{0x80 + number: sign for number, sign in enumerate("⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿")},
}
_WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "☐"}
_SYMBOLS = {
    **{0x20 + number: sign for number, sign in enumerate(_SYMBOL)},
    **{0xA0 + number: sign for number, sign in enumerate(_SYMBOL_HIGH)},
}
_FONTS = {"symbol": _SYMBOLS, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


def symbol(code: int, font: str) -> str:
    """Return the character at a place of a font, or nothing if that is not known.

    >>> symbol(0xF061, "Symbol"), symbol(0x2611, "MS Gothic"), symbol(0xF0FE, "Wingdings")
    ('α', '☑', '☑')
    """
    signs = _FONTS.get(font.strip().lower())
    if signs is not None:
        return signs.get(code & 0xFF if code >= 0xF000 else code, "")
    if 0x20 <= code <= 0x10FFFF and not (0xD800 <= code <= 0xDFFF or 0xE000 <= code <= 0xF8FF):
        return chr(code)
    return ""
