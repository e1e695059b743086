"""ZIP: the files in an archive, each read as if it lay in a folder of the archive's name."""

from __future__ import annotations

import copy
from typing import Self

from rag_engine.connectors.loaders.members import MembersLoader
from rag_engine.file_encoding import EncodedLoader

__all__ = ["ZipLoader"]


class ZipLoader(MembersLoader):
    """Reads archives; ``parsing/zip_members.py`` says within which limits."""

    suffixes = frozenset({".zip"})
    parser = "zip_members"

    def in_encoding(self, name: str) -> Self:
        """Return a loader for archives whose files of text are in this encoding."""
        told = copy.copy(self)
        told._loaders = tuple(
            loader.in_encoding(name) if isinstance(loader, EncodedLoader) else loader
            for loader in self._loaders
        )
        return told
