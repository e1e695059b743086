"""A knowledge base in a folder of its own: SQLite's file, and the index files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rag_engine.errors import StoreError, StoreNotFound
from rag_engine.store.catalogue_reader import CatalogueReader
from rag_engine.store.failures import storage
from rag_engine.store.files import (
    WriterLock,
    make_folders,
    put_in_place,
    renew_name,
    sync_folder,
)
from rag_engine.store.place import OpenPlace
from rag_engine.store.publishing import OwnedFiles
from rag_engine.store.recognised import CATALOGUE, find_catalogue, no_knowledge_base
from rag_engine.store.sqlite_database import create_catalogue, open_catalogue, open_reader

__all__ = ["Folder"]

_LOCK = "writer.lock"
_UNFINISHED = f"{CATALOGUE}.new"
_OURS = frozenset({_LOCK, _UNFINISHED, f"{_UNFINISHED}-journal"})
"""What a process that was killed while making a knowledge base may leave."""


class Folder:
    """The folder of a knowledge base, see ``Place``."""

    keeps_pictures = True

    def __init__(self, root: Path) -> None:
        self._root = root
        self.name = str(root)

    def exists(self) -> bool:
        """Tell whether a knowledge base is there."""
        return find_catalogue(self._root) is not None

    def not_found(self) -> StoreNotFound:
        """Return the error that says that there is none."""
        return no_knowledge_base(self._root)

    def create(self, meta: Mapping[str, object]) -> None:
        """Make an empty one; afterwards it is there whole, or not at all."""
        with storage("making a knowledge base", self._root):
            _create(self._root, meta)

    def open(self, *, read_only: bool) -> OpenPlace:
        """Open it; a writer keeps others from writing until it is closed."""
        lock = None if read_only else WriterLock(self._root / _LOCK)
        try:
            if not read_only:
                from rag_engine.store.upgrade import upgrade

                upgrade(self._root / CATALOGUE)
            catalogue = open_catalogue(self._root / CATALOGUE, read_only=read_only)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return OpenPlace(catalogue=catalogue, root=self._root, publishing=OwnedFiles(lock))

    def open_reader(self) -> tuple[CatalogueReader, Path]:
        """Open the catalogue alone for reading."""
        path = find_catalogue(self._root)
        if path is None:
            raise self.not_found()
        return open_reader(path), self._root


def _create(root: Path, meta: Mapping[str, object]) -> None:
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; name a folder for the knowledge base")
    make_folders(root)
    names = sorted(entry.name for entry in root.iterdir())
    if foreign := [name for name in names if name not in _OURS | {CATALOGUE}]:
        raise StoreError(
            f"{root} holds other files ({foreign[0]}, ...) and no knowledge base; name an empty "
            "folder or a new one"
        )
    lock = WriterLock(root / _LOCK)
    try:
        if (root / CATALOGUE).exists():  # another process was quicker
            return
        try:
            sync_folder(root.absolute().parent)  # also after one that was killed before it could
        except OSError:
            renew_name(root.absolute())
            raise
        unfinished = root / _UNFINISHED
        unfinished.unlink(missing_ok=True)
        try:
            create_catalogue(unfinished, meta).close()
            put_in_place(unfinished, root / CATALOGUE)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    finally:
        lock.release()
