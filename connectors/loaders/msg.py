"""MSG: a mail of Outlook, read as EML is (extra ``documents``)."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["MsgLoader"]


class MsgLoader(ParsedFileLoader):
    """Reads MSG files; ``parsing/mail.py`` says what of them becomes text."""

    suffixes = frozenset({".msg"})
    format = "msg"
    needs_extra = ("documents", "olefile")
