"""Bytes to text: byte order marks, UTF-8, UTF-16 without a mark, then a guess by a library.

Decoding never fails. What can not be decoded becomes U+FFFD, and is counted.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.code_pages import (
    CYRILLIC,
    cyrillic_code_page,
    japanese_code_page,
    latin_code_page,
)

__all__ = ["Decoded", "decode", "detect_encoding", "detect_stream_encoding", "is_utf8"]

SAMPLE_BYTES = 1 << 18

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALLBACK = "cp1252"
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
_NARROW_KANA = re.compile("[\uff61-\uff9f]")
_GREW_INTO = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
_CONTROL = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f]")
_TEXT_CODEC = re.compile(r"ascii|cp|iso8859|koi8|mac|shift|euc|gb|big5|tis|johab|hp|ptcp|kz")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read in, and how many characters were beyond repair."""

    text: str
    encoding: str
    replaced: int

    @property
    def facts(self) -> dict[str, str | int]:
        """What a document's metadata says of this."""
        lost = {"undecodable_characters": self.replaced} if self.replaced else {}
        return {"encoding": self.encoding, **lost}


def decode(data: bytes, *, declared: str | None = None, telling: bytes = b"") -> Decoded:
    """Decode a whole file.

    ``declared`` is the encoding that the file itself claims; ``telling``, if given, is what of
    the file the encoding shall be told by (a page without its tags).

    >>> decode("Ключ на месте".encode("utf-16-le"))
    Decoded(text='Ключ на месте', encoding='utf-16-le', replaced=0)
    >>> decode("Œuvré".encode()[:-1]).text
    'Œuvr\ufffd'
    """
    encoding = detect_encoding(telling or data, declared=declared)
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    if lost:
        lost -= data.decode(encoding, errors="ignore").count("\ufffd")
    return Decoded(text, "utf-8" if encoding == "utf-8-sig" else encoding, lost)


def detect_encoding(data: bytes, *, declared: str | None = None) -> str:
    """Name the encoding of a whole file, or of a piece of one.

    What the bytes prove goes before what the file declares: pages that say one code page and are
    written in UTF-8 are common, and text of another kind that is valid UTF-8 is not.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if marked is not None:
        return marked
    wide = _wide_encoding(data[:SAMPLE_BYTES])
    if wide is not None:
        return wide
    if _ISO_2022_JP.search(data):
        return "iso2022_jp_2"
    if _is_mostly_utf8(data):
        return "utf-8"
    sample = _telling_sample(data)
    latin = latin_code_page(sample)
    claimed = _as_browsers_read(declared)
    if claimed is not None and _decodes(data, claimed) and (latin or claimed != _FALLBACK):
        return claimed
    return latin or japanese_code_page(sample) or _guess(sample) or claimed or _FALLBACK


def detect_stream_encoding(chunks: Iterable[bytes]) -> str:
    """Name the encoding of a file that is too long to hold, given its bytes piece by piece.

    The file is read to the first byte that is not UTF-8, or to its end; a guess is made from what
    stands around that byte.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    first, previous = True, b""
    for chunk in chunks:
        if first:
            head = detect_encoding(chunk) if chunk.startswith(tuple(m for m, _ in _MARKS)) else None
            head = head or _wide_encoding(chunk[:SAMPLE_BYTES])
            if head is not None:
                return head
            first = False
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return detect_encoding(previous[-SAMPLE_BYTES:] + chunk)
        previous = chunk
    return "utf-8"


def _is_mostly_utf8(data: bytes) -> bool:
    """Tell whether this is UTF-8, allowing a cut character at either end and a few damaged ones."""
    fault = _first_fault(data)
    if fault is None:
        return True
    cut = _strays_at_ends(data)
    data = data[max(0, fault - SAMPLE_BYTES) : fault + SAMPLE_BYTES]
    sound = _MULTIBYTE.findall(data)
    stray = len(_HIGH.findall(data)) - sum(map(len, sound))
    return (cut and bool(sound)) or stray * 20 < len(sound)


def is_utf8(data: bytes) -> bool:
    """Tell whether this is UTF-8 without a fault."""
    return _first_fault(data) is None


def _first_fault(data: bytes) -> int | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _strays_at_ends(data: bytes) -> bool:
    start = next((i for i in range(min(4, len(data))) if not 0x80 <= data[i] < 0xC0), 0)
    for end in range(len(data), max(len(data) - 4, start), -1):
        try:
            data[start:end].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False


def _wide_encoding(data: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a byte order mark by where their zero bytes stand."""
    zeros = data.count(0)
    if not zeros:
        return None
    # The high byte of most alphabets' letters is a control: 04 for Cyrillic, 09 for Devanagari.
    if len(_CONTROL.findall(data)) < len(data) * 0.2 and _is_mostly_utf8(data.replace(b"\0", b"")):
        return None  # text with stray NULs
    names = ["utf-32-le", "utf-32-be"] if zeros > len(data) * 0.4 else []
    names += ["utf-16-le", "utf-16-be"]
    readable = {name: _readable_share(data, name) for name in names}
    best = max(names, key=lambda name: readable[name])
    return best if readable[best] > 0.9 else None


def _readable_share(data: bytes, encoding: str) -> float:
    width = 4 if encoding.startswith("utf-32") else 2
    try:
        text = data[: len(data) - len(data) % width].decode(encoding)
    except UnicodeDecodeError as error:
        # A piece of a longer file may end between the two halves of a character.
        if error.start < len(data) - 2 * width:
            return 0.0
        text = data[: error.start].decode(encoding)
    if not text:
        return 0.0
    # In the wrong byte order a blank or a line end turns into a sign that no text is full of.
    blanks = sum(text.count(character) for character in " \n\r\t.,、。")
    swapped = sum(text.count(character) for character in "\u2000\u0a00\u0d00\u0900\u2e00\u2c00")
    readable = sum(
        unicodedata.category(character)[0] in "LMNPSZ" or character in "\n\r\t"
        for character in text
    )
    return readable / len(text) if blanks > swapped else 0.0


def _as_browsers_read(declared: str | None) -> str | None:
    """Return the code page that browsers take for a declared one (WHATWG Encoding Standard).

    Many pages declare a small old standard and use the larger code page that grew from it.
    """
    try:
        name = codecs.lookup((declared or "").strip()).name
    except (LookupError, ValueError):
        return None
    if not _TEXT_CODEC.match(name):
        return None
    return _GREW_INTO.get(name, name)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _telling_sample(data: bytes) -> bytes:
    """Cut a piece that holds the first byte outside ASCII, at line ends where there are any."""
    if len(data) <= SAMPLE_BYTES:
        return data
    high_byte = _HIGH.search(data)
    start = data.rfind(b"\n", 0, high_byte.start() if high_byte else 0) + 1
    end = data.rfind(b"\n", start, start + SAMPLE_BYTES)
    return data[start : end if end > start else start + SAMPLE_BYTES]


def _guess(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None:
        return None
    # A short Cyrillic text is often taken for the wrong page, or for narrow Japanese kana.
    cyrillic = best.encoding in {*CYRILLIC, "mac_cyrillic"}
    if cyrillic or len(_NARROW_KANA.findall(str(best))) * 3 > len(str(best)):
        return cyrillic_code_page(sample) or best.encoding
    return best.encoding
