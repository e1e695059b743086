"""PDF: text with page numbers; a scan without text is an error, not an empty document."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["PdfLoader"]


class PdfLoader(ParsedFileLoader):
    """Reads PDF files; ``parsing/pdf.py`` says what of them becomes text."""

    suffixes = frozenset({".pdf"})
    format = "pdf"
