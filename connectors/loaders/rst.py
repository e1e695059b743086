"""reStructuredText, as docutils reads it: nothing is included, run or fetched."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["RstLoader"]


class RstLoader(ParsedFileLoader):
    """Reads reStructuredText; ``parsing/rst.py`` says what of it becomes text."""

    suffixes = frozenset({".rest", ".rst"})
    format = "rst"
