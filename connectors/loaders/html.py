"""HTML: the main text of a page, its title, its ``lang`` as a hint, its headings as sections."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["HtmlLoader"]


class HtmlLoader(EncodedFileLoader):
    """Reads HTML files; ``parsing/html.py`` says what of them becomes text."""

    suffixes = frozenset({".htm", ".html", ".xhtml"})
    format = "html"
