"""The archive that a DOCX file is, unpacked within limits and without what is never read."""

from __future__ import annotations

import io
import zipfile
import zlib

from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit

__all__ = ["sanitised"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UNREAD = ("word/media/", "word/embeddings/", "word/fonts/", "docprops/thumbnail")
_MAX_ENTRIES = 5_000
_MAX_INFLATED = 150_000_000
_MAX_RATIO = 250
_RATIO_MATTERS_FROM = 10_000_000
_PIECE = 1 << 16


def sanitised(data: bytes) -> io.BytesIO:
    """Return the archive anew, unpacked, with pictures and other unread parts emptied.

    Bytes are counted while they are unpacked; what an archive says of its own sizes is not
    believed.

    Raises:
        Refused: it is no archive, is encrypted or damaged, or its XML declares a document type.
        RefusedByLimit: it holds too many parts, or grows too large.
    """
    if data.startswith(_OLE):
        raise Refused("it is encrypted, or an old .doc; store it as a DOCX without a password")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused("it is empty" if not data else f"it is no DOCX ({error})") from error
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise RefusedByLimit(f"it has {len(entries):,} parts; at most {_MAX_ENTRIES:,} are read")
    most = _MAX_INFLATED
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as clean:
        for name, entry in {entry.filename: entry for entry in entries}.items():
            if name.endswith("/"):
                continue
            part = b"" if name.lower().startswith(_UNREAD) else _inflate(archive, entry, most)
            most -= len(part)
            if name.lower().endswith((".xml", ".rels")) and _declares_type(part):
                raise Refused(f"its part {name} declares a document type (DTD), which is refused")
            clean.writestr(zipfile.ZipInfo(name), part)
    result.seek(0)
    return result


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
                if size > max(_RATIO_MATTERS_FROM, entry.compress_size * _MAX_RATIO):
                    raise RefusedByLimit(
                        f"its part {entry.filename} unpacks to more than {_MAX_RATIO} times its "
                        "size, as no text does"
                    )
                pieces.append(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise Refused(f"it is damaged: its part {entry.filename} can not be unpacked") from error
    return b"".join(pieces)


def _declares_type(part: bytes) -> bool:
    """Find a DTD in UTF-8 and UTF-16 alike; text can not hold this, for there "<" is escaped."""
    return b"<!DOCTYPE" in part.replace(b"\0", b"") or b"<!ENTITY" in part.replace(b"\0", b"")
