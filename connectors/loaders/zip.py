"""ZIP: the files in an archive, each read as if it lay in a folder of the archive's name."""

from __future__ import annotations

from rag_engine.connectors.loaders.members import MembersLoader

__all__ = ["ZipLoader"]


class ZipLoader(MembersLoader):
    """Reads archives; ``parsing/zip_members.py`` says within which limits."""

    suffixes = frozenset({".zip"})
    parser = "zip_members"
