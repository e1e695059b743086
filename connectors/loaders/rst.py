"""reStructuredText, as docutils reads it: nothing is included, run or fetched."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["RstLoader"]


class RstLoader(EncodedFileLoader):
    """Reads reStructuredText; ``parsing/rst.py`` says what of it becomes text."""

    suffixes = frozenset({".rest", ".rst"})
    format = "rst"
