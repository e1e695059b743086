"""PPT: presentations of PowerPoint 97 to 2003, read as PPTX is (extra ``documents``)."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["PptLoader"]


class PptLoader(ParsedFileLoader):
    """Reads PPT files; ``parsing/ppt.py`` says what of them becomes text."""

    suffixes = frozenset({".ppt"})
    format = "ppt"
    needs_extra = ("documents", "ppt2pptx")
