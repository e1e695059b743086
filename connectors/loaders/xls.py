"""XLS: workbooks of Excel 97 to 2003, read as XLSX is (extra ``documents``)."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["XlsLoader"]


class XlsLoader(ParsedFileLoader):
    """Reads XLS files; ``parsing/xls.py`` says what of them becomes text."""

    suffixes = frozenset({".xls"})
    format = "xls"
    needs_extra = ("documents", "xlrd")
