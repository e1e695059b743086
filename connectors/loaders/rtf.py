"""RTF: headings become sections; lists, tables, notes and comments as in DOCX."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["RtfLoader"]


class RtfLoader(ParsedFileLoader):
    """Reads RTF files; ``parsing/rtf.py`` says what of them becomes text."""

    suffixes = frozenset({".rtf"})
    format = "rtf"
