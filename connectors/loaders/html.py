"""HTML: the main text of a page, its title, its ``lang`` as a hint, its headings as sections."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["HtmlLoader"]


class HtmlLoader(ParsedFileLoader):
    """Reads HTML files; ``parsing/html.py`` says what of them becomes text."""

    suffixes = frozenset({".htm", ".html", ".xhtml"})
    format = "html"
