"""How Vietnamese was written before Unicode: VISCII, and the fonts of TCVN3 (ABC) and VNI.

VISCII is a charset (RFC 1456). TCVN3 and VNI are fonts that show letters in the places of Western
ones, so text in them is bytes, too: TCVN3 has a byte a small letter (those of TCVN 5712:1993, which
capitals share, in a font of their own), VNI writes a vowel and then its marks. Punctuation is that
of Windows' code page 1252.
"""

from __future__ import annotations

import codecs
import functools
import unicodedata
from collections.abc import Mapping

__all__ = ["VIETNAMESE_ENCODINGS", "know_vietnamese_encodings"]

_SMALL = 0xE0
"""From here on stand the small letters of code page 1252."""
_UNDEFINED = "\ufffe"
"""What a table of Python's codecs has where there is no character."""

_VISCII_CONTROLS = {0x02: "Ẳ", 0x05: "Ẵ", 0x06: "Ẫ", 0x14: "Ỷ", 0x19: "Ỹ", 0x1E: "Ỵ"}
_VISCII_HIGH = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)
"""From byte 0x80 on."""
_TCVN3_HIGH = (
    "ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹề"
    "ểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
"""From byte 0xA1 on."""
_VNI_LETTERS = {"ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_LETTERS["ñ"] = "đ"
_VNI_MARKS = {
    "ù": "\u0301",
    "ø": "\u0300",
    "û": "\u0309",
    "õ": "\u0303",
    "ï": "\u0323",
    "â": "\u0302",
    "á": "\u0302\u0301",
    "à": "\u0302\u0300",
    "å": "\u0302\u0309",
    "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
    "ê": "\u0306",
    "é": "\u0306\u0301",
    "è": "\u0306\u0300",
    "ú": "\u0306\u0309",
    "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
}
"""What the letters of code page 1252 stand for, in either case; a mark follows its vowel."""


def _of_windows() -> dict[int, str]:
    """Return code page 1252 without its letters."""
    table = {byte: chr(byte) for byte in range(128)}
    for byte in range(128, 256):
        sign = bytes([byte]).decode("cp1252", errors="replace")
        table[byte] = _UNDEFINED if sign.isalpha() or sign == "\ufffd" else sign
    return table


def _viscii() -> dict[int, str]:
    high = dict(enumerate(_VISCII_HIGH, start=0x80))
    return {**{byte: chr(byte) for byte in range(128)}, **_VISCII_CONTROLS, **high}


def _tcvn3() -> dict[int, str]:
    return _of_windows() | dict(enumerate(_TCVN3_HIGH, start=0xA1))


def _vni() -> dict[int, str]:
    table = _of_windows()
    for shown, meant in _VNI_LETTERS.items():
        table[ord(shown)], table[ord(shown.upper())] = meant, meant.upper()
    for shown, marks in _VNI_MARKS.items():
        table[ord(shown)] = table[ord(shown.upper())] = marks
    return table


_TABLES = {"viscii": _viscii, "tcvn3": _tcvn3, "vni": _vni}
VIETNAMESE_ENCODINGS = tuple(_TABLES)
"""The names that Python's codecs know once ``know_vietnamese_encodings`` was called."""


@functools.cache
def know_vietnamese_encodings() -> None:
    r"""Let Python's codecs read these encodings, in this process, by their names.

    >>> know_vietnamese_encodings()
    >>> import unicodedata
    >>> b"Ti\xaang Vi\xaet".decode("viscii"), b"Ti\xd5ng Vi\xd6t".decode("tcvn3")
    ('Tiếng Việt', 'Tiếng Việt')
    >>> unicodedata.normalize("NFC", b"Tie\xe1ng Vie\xe4t".decode("vni"))
    'Tiếng Việt'
    """
    codecs.register(_codec)


@functools.cache
def _codec(name: str) -> codecs.CodecInfo | None:
    if name not in _TABLES:
        return None
    table: Mapping[int, str] = _TABLES[name]()

    def decode(data: bytes, errors: str = "strict") -> tuple[str, int]:
        return codecs.charmap_decode(bytes(data), errors, table)

    class Decoder(codecs.IncrementalDecoder):
        def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
            return decode(data, self.errors)[0]

    def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
        written = unicodedata.normalize("NFC", text)
        pieces = (_bytes_of(name).get(sign) for sign in written)
        pairs = list(zip(written, pieces, strict=True))
        lost = next((place for place, (_, piece) in enumerate(pairs) if piece is None), None)
        if lost is not None and errors == "strict":
            raise UnicodeEncodeError(name, written, lost, lost + 1, "it has no such character")
        return b"".join(b"?" if piece is None else piece for _, piece in pairs), len(text)

    return codecs.CodecInfo(
        encode,
        decode,  # type: ignore[arg-type]
        incrementaldecoder=Decoder,
        name=name,
    )


@functools.cache
def _bytes_of(name: str) -> dict[str, bytes]:
    """Return the bytes of each character, in NFC; a vowel with its marks has two."""
    table = _TABLES[name]()
    known: dict[str, bytes] = {}
    for byte, sign in table.items():
        if sign != _UNDEFINED and not unicodedata.combining(sign[0]):
            known.setdefault(sign, bytes([byte]))
    marks = {byte: sign for byte, sign in table.items() if unicodedata.combining(sign[0])}
    for vowel in "aeouyơưAEOUYƠƯ":
        for byte, sign in marks.items():
            if (byte >= _SMALL) != vowel.islower():
                continue
            whole = unicodedata.normalize("NFC", vowel + sign)
            if vowel in known and len(whole) == 1:
                known.setdefault(whole, known[vowel] + bytes([byte]))
    return known
