"""DOC: documents of Word 97 to 2003, read as DOCX is (extra ``documents``)."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["DocLoader"]


class DocLoader(ParsedFileLoader):
    """Reads DOC files; ``parsing/doc.py`` says what of them becomes text."""

    suffixes = frozenset({".doc"})
    format = "doc"
    needs_extra = ("documents", "doc2docx")
