"""MBOX: the mails of a folder in one file, each a document as a mail in a file of its own is."""

from __future__ import annotations

from rag_engine.connectors.loaders.members import MembersLoader

__all__ = ["MboxLoader"]


class MboxLoader(MembersLoader):
    """Reads mailboxes; ``parsing/mbox.py`` says where a mail begins."""

    suffixes = frozenset({".mbox"})
    parser = "mbox"
    join = "#"
    ending = ".eml"
    expands = False
