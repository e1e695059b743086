"""XLSX: a sheet is a section; rows name their columns, numbers stand as they are shown."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["XlsxLoader"]


class XlsxLoader(ParsedFileLoader):
    """Reads XLSX files; ``parsing/xlsx.py`` says what of them becomes text."""

    suffixes = frozenset({".xlsm", ".xlsx", ".xltm", ".xltx"})
    format = "xlsx"
