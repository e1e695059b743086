"""AsciiDoc: its headings as sections, its text without markup."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["AsciiDocLoader"]


class AsciiDocLoader(EncodedFileLoader):
    """Reads AsciiDoc files; ``parsing/asciidoc.py`` says what of them becomes text."""

    suffixes = frozenset({".adoc", ".asciidoc"})
    format = "asciidoc"
