"""OpenDocument: texts, presentations and spreadsheets, packed or as plain XML, and templates."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["OdfLoader"]


class OdfLoader(ParsedFileLoader):
    """Reads OpenDocument files; ``parsing/odf.py`` says what of them becomes text."""

    suffixes = frozenset(
        {".fodp", ".fods", ".fodt", ".odp", ".ods", ".odt", ".otp", ".ots", ".ott"}
    )
    format = "odf"
