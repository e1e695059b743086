"""DOCX: headings become sections; paragraphs and tables come in the document's order."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["DocxLoader"]


class DocxLoader(ParsedFileLoader):
    """Reads DOCX files; ``parsing/docx.py`` says what of them becomes text."""

    suffixes = frozenset({".docm", ".docx", ".dotm", ".dotx"})
    format = "docx"
