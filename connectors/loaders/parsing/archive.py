"""The archives that office files and books are, unpacked within limits, and their XML."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from lxml import etree

from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit

__all__ = [
    "DAMAGED",
    "MAX_RATIO",
    "OLE",
    "check_declarations",
    "declares_type",
    "most_by_ratio",
    "read_xml",
    "unpacked",
]

try:
    from lzma import LZMAError
except ImportError:  # Python was built without it: zipfile does not know the method then
    LZMAError = EOFError  # type: ignore[misc, assignment]

DAMAGED = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, RuntimeError)
"""What reading a damaged or foreign archive raises; a foreign method is a ``RuntimeError``."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How the old binary files of Office begin, and the new ones that have a password."""

_ENCRYPTED_OOXML = "EncryptedPackage".encode("utf-16-le")
_MAX_ENTRIES = 5_000
_MAX_INFLATED = 150_000_000
MAX_RATIO = 250
_RATIO_MATTERS_FROM = 10_000_000
_PIECE = 1 << 16


def most_by_ratio(entry: zipfile.ZipInfo) -> int:
    """Return how many bytes a part may unpack to: no text is packed to less.

    >>> entry = zipfile.ZipInfo("a.txt")
    >>> entry.compress_size = 1_000_000
    >>> most_by_ratio(entry)
    250000000
    """
    return max(_RATIO_MATTERS_FROM, entry.compress_size * MAX_RATIO)


def unpacked(
    data: bytes, *, kind: str, old: str = "", unread: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """Return an archive's parts by name; those that begin with ``unread`` (lower case) are empty.

    Bytes are counted while they are unpacked; what an archive says of its own sizes is not
    believed. ``kind`` and ``old`` are what messages call the file and its binary forerunner.

    Raises:
        Refused: it is no archive, or is encrypted or damaged.
        RefusedByLimit: it holds too many parts, or grows too large.
    """
    if data.startswith(OLE):
        raise Refused(_of_old_kind(data, kind, old))
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED as error:
        raise Refused("it is empty" if not data else f"it is no {kind} ({error})") from error
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise RefusedByLimit(f"it has {len(entries):,} parts; at most {_MAX_ENTRIES:,} are read")
    most = _MAX_INFLATED
    parts: dict[str, bytes] = {}
    for name, entry in {entry.filename: entry for entry in entries}.items():
        if name.endswith("/"):
            continue
        parts[name] = b"" if name.lower().startswith(unread) else _inflate(archive, entry, most)
        most -= len(parts[name])
    return parts


def _of_old_kind(data: bytes, kind: str, old: str) -> str:
    if _ENCRYPTED_OOXML in data:
        return f"it is encrypted; store it as a {kind} without a password"
    alike = f", or an old {old}" if old else ""
    return f"it is encrypted{alike}; store it as a {kind} without a password"


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.flag_bits & 1:
        raise Refused("it is encrypted; store it without a password")
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(entry) as part:
            while piece := part.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise RefusedByLimit(
                        f"it unpacks to more than {_MAX_INFLATED // 1_000_000} MB; split it"
                    )
                if size > most_by_ratio(entry):
                    raise RefusedByLimit(
                        f"its part {entry.filename} unpacks to more than {MAX_RATIO} times its "
                        "size, as no text does"
                    )
                pieces.append(piece)
    except DAMAGED as error:
        raise Refused(f"it is damaged: its part {entry.filename} can not be unpacked") from error
    return b"".join(pieces)


def declares_type(part: bytes) -> bool:
    """Find a DTD in UTF-8 and UTF-16 alike; text can not hold this, for there "<" is escaped."""
    return b"<!DOCTYPE" in part.replace(b"\0", b"") or b"<!ENTITY" in part.replace(b"\0", b"")


def check_declarations(part: bytes, name: str, *, doctype: bool = False) -> None:
    """Refuse a part that declares an entity or, unless ``doctype`` allows it, a document type.

    Raises:
        Refused: it does.
    """
    plain = part.replace(b"\0", b"")
    if b"<!ENTITY" in plain or (b"<!DOCTYPE" in plain and not doctype):
        raise Refused(f"its part {name} declares a document type (DTD), which is refused")


def read_xml(part: bytes, name: str, *, doctype: bool = False) -> Any:
    """Return the root element of a part of XML. Nothing outside of it is ever fetched.

    ``doctype`` allows a document type that names itself and declares nothing, as books have.

    Raises:
        Refused: it is damaged or too deep, or declares a document type or an entity.

    >>> read_xml(b"<a><b>c</b></a>", "a.xml").findtext("b")
    'c'
    """
    check_declarations(part, name, doctype=doctype)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(part, parser)
    except etree.XMLSyntaxError as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise Refused(f"it is damaged: its part {name} is no sound XML ({error!s:.150})") from error
