"""Jupyter notebooks: text, code and short outputs, by the numbers of their cells."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["NotebookLoader"]


class NotebookLoader(EncodedFileLoader):
    """Reads notebooks; ``parsing/notebook.py`` says what of them becomes text."""

    suffixes = frozenset({".ipynb"})
    format = "notebook"
