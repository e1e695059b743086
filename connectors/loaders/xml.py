"""XML of any kind, and feeds (RSS, Atom): text in its order, an entry of a feed a section."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["XmlLoader"]


class XmlLoader(EncodedFileLoader):
    """Reads XML and feeds; ``parsing/xml.py`` says what of them becomes text."""

    suffixes = frozenset({".atom", ".rss", ".xml"})
    format = "xml"
