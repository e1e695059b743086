"""Opening the folder of a knowledge base, or making a new one in it.

What reads the index and the pictures is imported once the embedder is made, which reads its model
beside: the one takes as long as the other.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_engine.components import (
    Components,
    check_generator,
    default_components,
    default_loaders,
    wait_for_embedder,
)
from rag_engine.errors import InvalidInput, SettingsError, StoreClosed, StoreError, StoreReadOnly
from rag_engine.index_contract import (
    check_contract,
    components_to_open,
    contract_to_open,
    index_contract,
    settings_to_open,
)
from rag_engine.own_parts import OwnParts
from rag_engine.ports import Loader
from rag_engine.settings import Settings, read_stored
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.failures import storage
from rag_engine.store.files import (
    WriterLock,
    make_folders,
    put_in_place,
    renew_name,
    sync_folder,
)
from rag_engine.store.forks import Home
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.recognised import CATALOGUE as _CATALOGUE
from rag_engine.store.recognised import find_catalogue, no_knowledge_base

if TYPE_CHECKING:
    from rag_engine.images.pictures import Pictures

__all__ = ["OpenedStore", "open_store"]

_LOCK = "writer.lock"
_UNFINISHED = f"{_CATALOGUE}.new"
_OURS = frozenset({_LOCK, _UNFINISHED, f"{_UNFINISHED}-journal"})
"""What a process that was killed while making a knowledge base may leave."""


class OpenedStore:
    """An open catalogue, its index, the parts and settings they work with, the writer's lock.

    What writes does so inside ``writing``, one thread at a time.
    """

    def __init__(
        self,
        *,
        root: Path,
        catalogue: Catalogue,
        components: Components,
        settings: Settings,
        lock: WriterLock | None,
        own_loaders: tuple[Loader, ...] = (),
        pictures: Pictures | None = None,
    ) -> None:
        """Put the parts together; use ``open_store``."""
        from rag_engine.store.index import Index

        self.root = root
        self.catalogue = catalogue
        self.components = components
        self.settings = settings
        self.pictures = pictures
        self.closed = False
        self._home = Home(root)
        self._one_writes = threading.RLock()
        self._making_loaders = threading.Lock()  # of its own: nobody waits for a writer
        self._lock = lock
        self._own_loaders = own_loaders
        self._loaders = components.loaders
        self.index = Index(
            root,
            catalogue,
            dimension=components.embedder.dimension,
            dense=components.dense,
            lexical=components.lexical,
            prior=components.prior,
            token_space=components.token_space,
            fair=settings.fairness.enabled,
            read_only=lock is None,
        )

    @property
    def read_only(self) -> bool:
        """Tell whether it was opened for reading."""
        return self._lock is None

    @property
    def loaders(self) -> tuple[Loader, ...]:
        """What reads files: one's own, then those of the settings, made when first asked for."""
        self.check_open()
        with self._making_loaders:
            if self._loaders is None:
                self._loaders = default_loaders(self.settings)
            return self._own_loaders + self._loaders

    @property
    def readable(self) -> Catalogue:
        """The catalogue, if it was not closed."""
        self.check_open()
        return self.catalogue

    def check_open(self) -> None:
        """Refuse what is asked of it after ``close``, or in a forked child.

        Raises:
            StoreForked: this is a fork of the process that opened it.
            StoreClosed: it was closed.
        """
        self._home.check()
        if self.closed:
            raise StoreClosed(f"the knowledge base {self.root} was closed; open it again")

    def check_writable(self, *, files: bool = False) -> None:
        """Refuse to write; what is to be written are ``files``, or documents.

        Raises:
            StoreForked: this is a fork of the process that opened it.
            StoreClosed: it was closed.
            StoreReadOnly: it was opened for reading.
            ContractMismatch: files would lose their pictures, for want of the model.
        """
        self.check_open()
        if self.read_only:
            raise StoreReadOnly(
                f"the knowledge base {self.root} was opened with read_only=True; open it without"
            )
        if files and self.pictures is not None:
            self.pictures.check_taken()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let nobody else write meanwhile; raises what ``check_writable`` and ``confirm`` do."""
        self._home.check()  # in a fork, the lock may be held by a thread that is not there
        with self._one_writes:
            self.check_writable()
            self.catalogue.confirm()
            if self.pictures is None:
                yield
                return
            before = self.catalogue.revision()
            try:
                yield
            except BaseException:
                self.pictures.to_sweep = True  # they come before the documents, which did not
                raise
            if self.catalogue.revision() != before and (
                self.pictures.to_sweep or len(self.catalogue.tombstones(after=before))
            ):
                self.pictures.sweep()

    def publish(self, *, only_if_due: bool = False, on_stage: OnStage = silent) -> None:
        """Build the index files, if anything (or, ``only_if_due``, much) changed since."""
        with self.writing():
            wanted = self.index.is_due() if only_if_due else not self.index.is_published()
            if wanted:
                self.index.publish(on_stage)

    def close(self, *, publish: bool = True) -> None:
        """Publish if it is due, then close the catalogue and let others write.

        In a forked child it does nothing: all of it is the parent's.

        Raises:
            StorageFailed: the index can not be written; it is closed all the same.
        """
        if not self._home.is_here:
            return
        with self._one_writes:
            if self.closed:
                return
            try:
                if publish and not self.read_only:
                    self.publish(only_if_due=True)
            finally:
                self.closed = True
                self._own_loaders, self._loaders = (), ()  # a parser's process ends with its loader
                self.catalogue.close()
                if self.pictures is not None:
                    self.pictures.store.close()
                if self._lock is not None:
                    self._lock.release()


def open_store(
    root: Path,
    own: OwnParts,
    settings: Settings | None,
    components: Components | Callable[[Settings], Components] | None,
    *,
    read_only: bool,
    create: bool,
) -> OpenedStore:
    """Open the knowledge base in ``root``; the errors are those of ``KnowledgeBase.open``."""
    if settings is not None and not isinstance(settings, Settings):
        raise InvalidInput(
            f"settings must be Settings, got {type(settings).__name__} {settings!r:.80}; read a "
            "file with Settings.from_toml(Path(...))"
        )
    build = _builder(components, own)
    parts: Components | None = None
    if find_catalogue(root) is None:
        if read_only or not create:
            raise no_knowledge_base(root)
        settings = settings or Settings()
        parts = build(settings)
        wait_for_embedder(parts)  # of wrong weights nothing is made
        with storage("making a knowledge base", root):
            _create(root, settings, parts)
    lock = None if read_only else WriterLock(root / _LOCK)
    catalogue: Catalogue | None = None
    pictures: Pictures | None = None
    try:
        if not read_only:
            from rag_engine.store.upgrade import upgrade

            upgrade(root / _CATALOGUE)
        catalogue = Catalogue(root / _CATALOGUE, read_only=read_only)
        if settings is None:
            settings = read_stored(catalogue.meta("settings"), origin=str(catalogue.path))
        stored = catalogue.meta("contract")
        settings = settings_to_open(stored, settings)
        parts = components_to_open(stored, parts or build(settings))
        from rag_engine.images.pictures import open_pictures

        check_contract(stored, contract_to_open(stored, parts, settings))
        if settings.images.model and parts.images is None:
            raise SettingsError(
                f"images.model = {settings.images.model!r:.80} has no effect: the components that "
                "were given hold no images embedder"
            )
        pictures = open_pictures(root, catalogue, parts.images, read_only=read_only)
        opened = OpenedStore(
            root=root,
            catalogue=catalogue,
            components=parts,
            settings=settings,
            lock=lock,
            own_loaders=tuple(own.loaders),
            pictures=pictures,
        )
        wait_for_embedder(parts)
        return opened
    except BaseException:
        if pictures is not None:
            pictures.store.close()
        if catalogue is not None:
            catalogue.close()
        if lock is not None:
            lock.release()
        raise


def _builder(
    components: Components | Callable[[Settings], Components] | None, own: OwnParts
) -> Callable[[Settings], Components]:
    """Return what gives the parts for some settings: one's own, the others by the wiring."""
    if components is not None and own.embedder is not None:
        raise InvalidInput("give components or an embedder: components hold an embedder already")

    def build(settings: Settings) -> Components:
        if components is None:
            return default_components(
                settings,
                embedder=own.embedder,
                detector=own.detector,
                reranker=own.reranker,
                generator=own.generator,
            )
        built = components if isinstance(components, Components) else components(settings)
        parts = {"detector": own.detector, "reranker": own.reranker, "generator": own.generator}
        own_parts: dict[str, Any] = {name: part for name, part in parts.items() if part is not None}
        built = dataclasses.replace(built, **own_parts)
        check_generator(settings, built.generator)
        return built

    return build


def _create(root: Path, settings: Settings, components: Components) -> None:
    """Make an empty knowledge base; afterwards it is there whole, or not at all."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; name a folder for the knowledge base")
    make_folders(root)
    names = sorted(entry.name for entry in root.iterdir())
    if foreign := [name for name in names if name not in _OURS | {_CATALOGUE}]:
        raise StoreError(
            f"{root} holds other files ({foreign[0]}, ...) and no knowledge base; name an empty "
            "folder or a new one"
        )
    lock = WriterLock(root / _LOCK)
    try:
        if (root / _CATALOGUE).exists():  # another process was quicker
            return
        try:
            sync_folder(root.absolute().parent)  # also after one that was killed before it could
        except OSError:
            renew_name(root.absolute())
            raise
        unfinished = root / _UNFINISHED
        unfinished.unlink(missing_ok=True)
        meta = {
            "settings": settings.model_dump(mode="json"),
            "contract": index_contract(components, settings),
        }
        try:
            Catalogue.create(unfinished, meta).close()
            put_in_place(unfinished, root / _CATALOGUE)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    finally:
        lock.release()
