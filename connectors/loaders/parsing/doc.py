"""DOC by msdoc2docx, which makes a DOCX of it; that is read as any other."""

from __future__ import annotations

from doc2docx import convert
from doc2docx.errors import Doc2DocxError, EncryptedDocumentError

from rag_engine.connectors.loaders.parsing import docx, rtf
from rag_engine.connectors.loaders.parsing.html import parse as parse_html
from rag_engine.connectors.loaders.parsing.ole import check_ole
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.scratch import scratch_folder

__all__ = ["parse"]


def parse(data: bytes, name: str) -> Parsed:
    """Read a document of Word 97 to 2003; many a .doc is RTF or a page, and read as such.

    Raises:
        Refused: it is no DOC, or is encrypted or damaged.
        RefusedByLimit: what is made of it is too large.
    """
    if rtf.is_rtf(data):
        return rtf.parse(data, name)
    start = data[:200].lstrip().lower()
    if start.startswith((b"<html", b"<!doctype html")):
        return parse_html(data, "page.html")
    check_ole(data, kind="DOC", streams=("WordDocument",), new=".docx")
    with scratch_folder() as folder:
        source, target = folder / "a.doc", folder / "a.docx"
        source.write_bytes(data)
        try:
            convert(source, target)
        except (MemoryError, RecursionError):
            raise
        except EncryptedDocumentError as error:
            raise Refused("it is encrypted; store it without a password") from error
        except Doc2DocxError as error:
            raise Refused(f"it can not be read: {error!s:.200}") from error
        except Exception as error:
            # What a damaged table of the format makes the library raise.
            raise Refused(f"it is damaged ({type(error).__name__}: {error!s:.150})") from error
        made = target.read_bytes()
    return docx.parse(made, name)
