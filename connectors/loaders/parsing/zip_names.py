"""The names of the files in a ZIP archive, which may be in any code page.

By the standard (APPNOTE.TXT 6.3.10, appendix D) a name is in UTF-8 where a flag says so, else in
code page 437. Programs write that of their system instead, and say nothing.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Sequence
from zipfile import ZipInfo

from rag_engine.connectors.loaders.parsing.cleaning import clean
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.file_names import one_form

__all__ = ["names_of"]

_IN_UTF_8 = 1 << 11
_STANDARD = "cp437"
_UNICODE_PATH = 0x7075
_DRIVE = re.compile(r"^[A-Za-z]:")
_UNNAMED = "unnamed"


def names_of(entries: Sequence[ZipInfo]) -> tuple[list[str], str]:
    """Return the names of some files as paths below the archive, and what is not sure of them.

    Names without a flag are in one encoding, which is told by all of them together; what the
    standard says counts where they do not speak against it.
    """
    raw = {
        index: entry.orig_filename.encode(_STANDARD, "replace")
        for index, entry in enumerate(entries)
        if not entry.flag_bits & _IN_UTF_8
    }
    told = {index: _told(entries[index].extra, name) for index, name in raw.items()}
    unsaid = {index: name for index, name in raw.items() if not (told[index] or name.isascii())}
    decoded = decode(b"\n".join(unsaid.values()), declared=_STANDARD)
    read = {index: name.decode(decoded.encoding, "replace") for index, name in unsaid.items()}
    names = [
        told.get(index) or read.get(index) or entry.orig_filename
        for index, entry in enumerate(entries)
    ]
    doubt = ""
    if decoded.second:
        known, other = decoded.encoding, decoded.second
        doubt = f"the names of its files were read as {known}, and may be {other}"
    return [_path(name) for name in names], doubt


def _told(extra: bytes, raw: bytes) -> str:
    """Return the name that an extra field holds in Unicode beside the other; "" without one."""
    while len(extra) >= 4:
        kind, size = (int.from_bytes(extra[at : at + 2], "little") for at in (0, 2))
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        is_of_name = field[1:5] == zlib.crc32(raw).to_bytes(4, "little")
        if kind == _UNICODE_PATH and field[:1] == b"\1" and is_of_name:
            return field[5:].decode("utf-8", "replace")
    return ""


def _path(name: str) -> str:
    r"""Return a name as a path that leads down, whoever wrote it, in NFC.

    >>> _path("..\\docs//./a.txt"), _path("C:/../a.txt"), _path("x/../../up.txt"), _path("..")
    ('docs/a.txt', 'a.txt', 'up.txt', 'unnamed')
    """
    plain = " ".join(clean(name.partition("\0")[0]).replace("\\", "/").split("\n"))
    path = posixpath.normpath(f"/{_DRIVE.sub('', plain)}").lstrip("/")
    return one_form(path) or _UNNAMED
