"""Bytes to text: byte order marks, UTF-8, UTF-16 without a mark, then the likeliest code page.

Decoding never fails. What can not be decoded becomes U+FFFD, and is counted; where two code pages
are nearly as likely, that is told too.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.code_pages import Verdict, judge
from rag_engine.vietnamese_encodings import know_vietnamese_encodings

__all__ = [
    "Decoded",
    "decode",
    "detect_encoding",
    "detect_stream_encoding",
    "is_utf8",
    "problems_of_encoding",
]

SAMPLE_BYTES = 1 << 18

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF_7_RUN = re.compile(rb"\+[A-Za-z0-9/+]{3,}-?")
_FALLBACK = "cp1252"
_TELLING_BYTES = 3_000
_LONG_LINE = 400
_MOST_SAMPLED = 1 << 22
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_ESCAPES = (
    (re.compile(rb"\x1b\$[@B]"), "iso2022_jp_2"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}"), "hz"),
)
"""Encodings of seven bits say themselves where another character set begins."""
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
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNSPACED = {name: name for name in ("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")} | dict.fromkeys(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "FULLWIDTH"), "EAST"
)
_CONTROL = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f]")
_TEXT_CODEC = re.compile(
    r"ascii|cp|iso8859|koi8|mac|shift|euc|gb|big5|tis|johab|hp|ptcp|kz|viscii|tcvn|vni"
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read in, and how many characters were beyond repair.

    ``second`` is another encoding that it may as well be in, where that is open.
    """

    text: str
    encoding: str
    replaced: int
    second: str = ""

    @property
    def facts(self) -> dict[str, str | int]:
        """What a document's metadata says of this."""
        lost = {"undecodable_characters": self.replaced} if self.replaced else {}
        return {"encoding": self.encoding, **lost}

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person should be told."""
        return problems_of_encoding(self.encoding, self.second, self.replaced)


def problems_of_encoding(encoding: str, second: str, replaced: int) -> tuple[str, ...]:
    """Tell what is not sure, or not there, of a text in ``encoding``.

    >>> problems_of_encoding("cp1252", "", 2)[0].partition(";")[0]
    '2 characters could not be decoded as cp1252'
    """
    problems = []
    if second:
        problems.append(
            f"its encoding is not sure: it was read as {encoding}, and may be {second}; name it "
            "with encoding (--encoding)"
        )
    if replaced:
        problems.append(
            f"{replaced:,} characters could not be decoded as {encoding}; they are \ufffd in the "
            "text: mend the file, or name its encoding (--encoding)"
        )
    return tuple(problems)


def decode(data: bytes, *, declared: str | None = None, telling: bytes = b"") -> Decoded:
    """Decode a whole file.

    ``declared`` is the encoding that the file itself claims; ``telling``, if given, is what of
    the file the encoding shall be told by (a page without its tags).

    >>> decode("Ключ на месте".encode("utf-16-le"))
    Decoded(text='Ключ на месте', encoding='utf-16-le', replaced=0, second='')
    >>> decode("Œuvré".encode()[:-1]).text
    'Œuvr\ufffd'
    """
    verdict = detect_encoding(telling or data, declared=declared)
    encoding = verdict.encoding
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    if lost:
        lost -= data.decode(encoding, errors="ignore").count("\ufffd")
    return Decoded(text, "utf-8" if encoding == "utf-8-sig" else encoding, lost, verdict.doubt)


def detect_encoding(data: bytes, *, declared: str | None = None) -> Verdict:
    """Name the encoding of a whole file, or of a piece of one.

    What the bytes prove goes before what the file declares: pages that say one code page and are
    written in UTF-8 are common, and text of another kind that is valid UTF-8 is not.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if marked is not None:
        return Verdict(marked)
    wide = _wide_encoding(data[:SAMPLE_BYTES])
    if wide is not None:
        return Verdict(wide)
    if data.isascii():
        escapes = (name for escape, name in _ESCAPES if escape.search(data))
        name = next((name for name in escapes if _decodes(data, name)), "utf-8")
        return Verdict(name, "utf_7", doubtful=name == "utf-8" and _may_be_utf7(data))
    if _ESCAPES[0][0].search(data):
        return Verdict(_ESCAPES[0][1])
    if _is_mostly_utf8(data):
        return Verdict("utf-8")
    claimed = _as_browsers_read(declared)
    if claimed is not None and not _decodes(data, claimed):
        claimed = None
    return judge(telling_lines(data), declared=claimed or "") or Verdict(claimed or _FALLBACK)


def detect_stream_encoding(chunks: Iterable[bytes]) -> Verdict:
    """Name the encoding of a file that is too long to hold, given its bytes piece by piece.

    The file is read to the first byte that is not UTF-8, or to its end; a guess is made from what
    stands around that byte.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    first, previous = True, b""
    for chunk in chunks:
        if first:
            marked = chunk.startswith(tuple(mark for mark, _ in _MARKS))
            if marked or _wide_encoding(chunk[:SAMPLE_BYTES]) is not None:
                return detect_encoding(chunk)
            first = False
        escaped = next((name for escape, name in _ESCAPES if escape.search(chunk)), None)
        if escaped is not None and detect_encoding(chunk).encoding == escaped:
            return Verdict(escaped)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return detect_encoding(previous[-SAMPLE_BYTES:] + chunk)
        previous = chunk
    return Verdict("utf-8")


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
        return _unspaced_wide_encoding(data)
    # The high byte of most alphabets' letters is a control: 04 for Cyrillic, 09 for Devanagari.
    if len(_CONTROL.findall(data)) < len(data) * 0.2 and _is_mostly_utf8(data.replace(b"\0", b"")):
        return None  # text with stray NULs
    names = ["utf-32-le", "utf-32-be"] if zeros > len(data) * 0.4 else []
    names += ["utf-16-le", "utf-16-be"]
    readable = {name: _readable_share(data, name) for name in names}
    best = max(names, key=lambda name: readable[name])
    return best if readable[best] > 0.9 else _unspaced_wide_encoding(data)


def _unspaced_wide_encoding(data: bytes) -> str | None:
    """Recognise UTF-16 of a script that sets no blanks by its characters, which are neighbours."""
    if len(data) % 2 or not _NO_TEXT.search(data):
        return None
    share = {name: _unspaced_share(data, name) for name in ("utf-16-le", "utf-16-be")}
    best, other = sorted(share, key=lambda name: -share[name])
    return best if share[best] > 0.8 and share[other] < 0.5 else None


def _unspaced_share(data: bytes, encoding: str) -> float:
    text = "".join(data.decode(encoding, errors="replace").split())
    scripts = Counter(_UNSPACED.get(unicodedata.name(sign, "?").split()[0], "") for sign in text)
    del scripts[""]
    return max(scripts.values(), default=0) / max(1, len(text))


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
    # Hardly any four bytes are a character of UTF-32 that were meant otherwise.
    return readable / len(text) if blanks > swapped or width == 4 else 0.0


def _may_be_utf7(data: bytes) -> bool:
    """Tell whether letters of one alphabet stand written in UTF-7; nobody reads it unasked.

    >>> _may_be_utf7("Schön, größer".encode("utf-7")), _may_be_utf7(b"a+bcde- c+ghij-")
    (True, False)
    """
    runs = _UTF_7_RUN.findall(data[:SAMPLE_BYTES])
    letters = "".join(b" ".join(runs).decode("utf-7", errors="replace").split())
    names = {unicodedata.name(sign, "?").split()[0] for sign in letters}
    return len(runs) > 1 and len(names) == 1 and names.isdisjoint({"?", "CJK", "HANGUL"})


def _as_browsers_read(declared: str | None) -> str | None:
    """Return the code page that browsers take for a declared one (WHATWG Encoding Standard).

    Many pages declare a small old standard and use the larger code page that grew from it.
    """
    know_vietnamese_encodings()
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


def telling_lines(data: bytes, most: int = _TELLING_BYTES) -> bytes:
    r"""Return the lines that tell the most: first those with bytes that no line before them has.

    Without line ends, a line is what stands between two blanks, or some hundred bytes.

    >>> telling_lines(b"plain\ncaf\xe9\nth\xe9\nni\xf1o", 9)
    b'caf\xe9\nni\xf1o'
    """
    lines = [line for line in _lines(data) if _HIGH.search(line)]
    seen: set[int] = set()
    first: list[bytes] = []
    rest: list[bytes] = []
    for line in lines:
        high = {byte for byte in line if byte >= 0x80}
        (rest if high <= seen else first).append(line)
        seen |= high
    chosen: list[bytes] = []
    size = 0
    for line in (*first, *rest):
        size += len(line)
        if chosen and size > most:
            break
        chosen.append(line)
    return b"\n".join(chosen)


def _lines(data: bytes) -> Iterator[bytes]:
    for line in data[:_MOST_SAMPLED].splitlines():
        start = 0
        while len(line) - start > _LONG_LINE:
            cut = line.rfind(b" ", start + 1, start + _LONG_LINE)
            end = cut if cut > 0 else start + _LONG_LINE
            yield line[start:end]
            start = end
        yield line[start:]
