"""The archive that a DOCX file is, unpacked within limits and without what is never read."""

from __future__ import annotations

import io
import zipfile

from rag_engine.connectors.loaders.parsing.archive import declares_type, unpacked
from rag_engine.connectors.loaders.parsing.docx_types import with_known_types
from rag_engine.connectors.loaders.parsing.parsed import Refused

__all__ = ["repacked", "sanitised"]

_UNREAD = (
    *("word/media/", "word/embeddings/", "word/fonts/", "word/vbaproject", "docprops/thumbnail"),
)


def sanitised(data: bytes) -> io.BytesIO:
    """Return the archive anew, unpacked, with pictures, macros and other unread parts emptied.

    Raises:
        Refused: it is no archive, is encrypted or damaged, or its XML declares a document type.
        RefusedByLimit: it holds too many parts, or grows too large.
    """
    return repacked(with_known_types(unpacked(data, kind="DOCX", old=".doc", unread=_UNREAD)))


def repacked(parts: dict[str, bytes]) -> io.BytesIO:
    """Return the parts of an office file as an archive that a library can open.

    Raises:
        Refused: one of XML declares a document type.
    """
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as clean:
        for name, part in parts.items():
            if name.lower().endswith((".xml", ".rels")) and declares_type(part):
                raise Refused(f"its part {name} declares a document type (DTD), which is refused")
            clean.writestr(zipfile.ZipInfo(name), part)
    result.seek(0)
    return result
