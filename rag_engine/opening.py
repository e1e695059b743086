"""Opening the folder of a knowledge base, or making a new one in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rag_engine.components import Components, default_components
from rag_engine.errors import InvalidInput, StoreError, StoreNotFound
from rag_engine.index_contract import check_contract, index_contract
from rag_engine.ports import Embedder, Generator
from rag_engine.settings import Settings, read_stored
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.files import WriterLock, sync_folder

__all__ = ["OpenedStore", "open_store"]

_CATALOGUE = "catalogue.sqlite"
_LOCK = "writer.lock"
_UNFINISHED = f"{_CATALOGUE}.new"
_OURS = frozenset({_LOCK, _UNFINISHED, f"{_UNFINISHED}-journal"})
"""What a process that was killed while making a knowledge base may leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStore:
    """An open catalogue, the parts and settings it is used with, and the writer's lock."""

    root: Path
    catalogue: Catalogue
    components: Components
    settings: Settings
    lock: WriterLock | None

    @property
    def read_only(self) -> bool:
        """Tell whether it was opened for reading."""
        return self.lock is None

    def close(self) -> None:
        """Close the catalogue and let others write."""
        self.catalogue.close()
        if self.lock is not None:
            self.lock.release()


def open_store(
    root: Path,
    *,
    settings: Settings | None,
    components: Components | Callable[[Settings], Components] | None,
    read_only: bool,
    create: bool,
    embedder: Embedder | None = None,
    generator: Generator | None = None,
) -> OpenedStore:
    """Open the knowledge base in ``root``; the errors are those of ``KnowledgeBase.open``."""
    build = _builder(components, embedder, generator)
    parts: Components | None = None
    if not (root / _CATALOGUE).exists():
        if read_only or not create:
            raise StoreNotFound(
                f"no knowledge base at {root}; make one with `rag-engine index FOLDER --kb {root}` "
                f"or KnowledgeBase.open({str(root)!r})"
            )
        settings = settings or Settings()
        _create(root, settings, parts := build(settings))
    lock = None if read_only else WriterLock(root / _LOCK)
    catalogue: Catalogue | None = None
    try:
        catalogue = Catalogue(root / _CATALOGUE, read_only=read_only)
        if settings is None:
            settings = read_stored(catalogue.meta("settings"), origin=str(catalogue.path))
        parts = parts or build(settings)
        check_contract(catalogue.meta("contract"), index_contract(parts, settings))
        return OpenedStore(
            root=root, catalogue=catalogue, components=parts, settings=settings, lock=lock
        )
    except BaseException:
        if catalogue is not None:
            catalogue.close()
        if lock is not None:
            lock.release()
        raise


def _builder(
    components: Components | Callable[[Settings], Components] | None,
    embedder: Embedder | None,
    generator: Generator | None,
) -> Callable[[Settings], Components]:
    """Return what gives the parts for some settings: those given, the others by the wiring."""
    if components is not None and embedder is not None:
        raise InvalidInput("give components or an embedder: components hold an embedder already")

    def build(settings: Settings) -> Components:
        if isinstance(components, Components):
            built = components
        elif components is not None:
            built = components(settings)
        else:
            built = default_components(settings, embedder=embedder, generator=generator)
        return built if generator is None else replace(built, generator=generator)

    return build


def _create(root: Path, settings: Settings, components: Components) -> None:
    """Make an empty knowledge base; afterwards it is there whole, or not at all."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; name a folder for the knowledge base")
    root.mkdir(parents=True, exist_ok=True)
    names = sorted(each.name for each in root.iterdir())
    if foreign := [name for name in names if name not in _OURS | {_CATALOGUE}]:
        raise StoreError(
            f"{root} holds other files ({foreign[0]}, ...) and no knowledge base; name an empty "
            "folder or a new one"
        )
    lock = WriterLock(root / _LOCK)
    try:
        if (root / _CATALOGUE).exists():  # another process was quicker
            return
        unfinished = root / _UNFINISHED
        unfinished.unlink(missing_ok=True)
        meta = {
            "settings": settings.model_dump(mode="json"),
            "contract": index_contract(components, settings),
        }
        Catalogue.create(unfinished, meta).close()
        unfinished.rename(root / _CATALOGUE)
        sync_folder(root)
    finally:
        lock.release()
