"""Where a knowledge base is kept: how it is made there, and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag_engine.errors import StoreNotFound
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.publishing import Publishing

__all__ = ["OpenPlace", "Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlace:
    """An open catalogue, the folder of the index files, and who writes those."""

    catalogue: Catalogue
    root: Path
    publishing: Publishing

    def close(self) -> None:
        """Close the catalogue, and let others write."""
        self.catalogue.close()
        self.publishing.release()


class Place(Protocol):
    """A folder, or a server's schema."""

    name: str
    """What it is called in messages."""
    keeps_pictures: bool
    """Whether pictures can be kept there."""

    def exists(self) -> bool:
        """Tell whether a knowledge base is there.

        Raises:
            StorageFailed: nobody can look.
        """
        ...

    def not_found(self) -> StoreNotFound:
        """Return the error that says that there is none, and how one is made."""
        ...

    def create(self, meta: Mapping[str, object]) -> None:
        """Make an empty one that keeps plain data; it is there whole, or not at all.

        Where another process was quicker, that one's is left.
        """
        ...

    def open(self, *, read_only: bool) -> OpenPlace:
        """Open it; what an older version wrote, a writer brings up to date.

        Raises:
            StoreNotFound: there is none.
            StoreLocked: another process writes, and only one may.
            StoreCorrupt: it is damaged, or a newer version's.
            StorageFailed: it can not be read, or not be written.
        """
        ...

    def open_reader(self) -> tuple[CatalogueReader, Path]:
        """Open the catalogue alone for reading; beside it the folder of the index files."""
        ...
