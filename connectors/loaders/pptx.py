"""PPTX: a slide is a page, its title a section; speaker's notes and comments come after it."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["PptxLoader"]


class PptxLoader(ParsedFileLoader):
    """Reads PPTX files; ``parsing/pptx.py`` says what of them becomes text."""

    suffixes = frozenset({".potm", ".potx", ".ppsm", ".ppsx", ".pptm", ".pptx"})
    format = "pptx"
