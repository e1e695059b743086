"""EML: a mail with what it quotes and what is attached to it."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["EmlLoader"]


class EmlLoader(ParsedFileLoader):
    """Reads mails; ``parsing/mail.py`` says what of them becomes text."""

    suffixes = frozenset({".eml"})
    format = "eml"
