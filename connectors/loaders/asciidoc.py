"""AsciiDoc: its headings as sections, its text without markup."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["AsciiDocLoader"]


class AsciiDocLoader(ParsedFileLoader):
    """Reads AsciiDoc files; ``parsing/asciidoc.py`` says what of them becomes text."""

    suffixes = frozenset({".adoc", ".asciidoc"})
    format = "asciidoc"
