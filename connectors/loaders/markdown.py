"""Markdown: headings become sections, and the text is what a reader of the rendered page sees."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["MarkdownLoader"]


class MarkdownLoader(EncodedFileLoader):
    """Reads Markdown files; ``parsing/markdown.py`` says what of them becomes text."""

    suffixes = frozenset({".markdown", ".md"})
    format = "markdown"
