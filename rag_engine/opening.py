"""Opening a knowledge base where it is, or making a new one there.

What reads the index and the pictures is imported once the embedder is made, which reads its model
beside: the one takes as long as the other.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag_engine.components import (
    Components,
    check_generator,
    default_components,
    default_loaders,
    default_server,
    wait_for_embedder,
)
from rag_engine.errors import InvalidInput, SettingsError, StoreClosed, StoreReadOnly
from rag_engine.index_contract import (
    check_contract,
    components_to_open,
    contract_to_open,
    index_contract,
    settings_to_open,
)
from rag_engine.location import Location, ServerAddress
from rag_engine.own_parts import OwnParts
from rag_engine.ports import Loader
from rag_engine.settings import Settings, read_stored
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.folder import Folder
from rag_engine.store.forks import Home
from rag_engine.store.place import OpenPlace, Place
from rag_engine.store.progress import OnStage, silent

if TYPE_CHECKING:
    from rag_engine.images.pictures import Pictures

__all__ = ["OpenedStore", "open_store", "place_of"]


def place_of(location: Location) -> Place:
    """Return what opens the knowledge base that is there.

    Raises:
        MissingExtra: it is on a server, and the client is not installed.
    """
    return default_server(location) if isinstance(location, ServerAddress) else Folder(location)


class OpenedStore:
    """An open catalogue, its index, and the parts and settings that they work with.

    ``root`` is the folder of the index files, ``name`` what the knowledge base is called.

    What writes does so inside ``writing``, one thread at a time.
    """

    def __init__(
        self,
        *,
        location: Location,
        name: str,
        place: OpenPlace,
        components: Components,
        settings: Settings,
        own_loaders: tuple[Loader, ...] = (),
        pictures: Pictures | None = None,
    ) -> None:
        """Put the parts together; use ``open_store``."""
        from rag_engine.store.index import Index

        self.location = location
        self.name = name
        self.root = place.root
        self.catalogue = place.catalogue
        self.components = components
        self.settings = settings
        self.pictures = pictures
        self.closed = False
        self._home = Home(name)
        self._one_writes = threading.RLock()
        self._making_loaders = threading.Lock()  # of its own: nobody waits for a writer
        self._place = place
        self._own_loaders = own_loaders
        self._loaders = components.loaders
        self.index = Index(
            place.root,
            place.catalogue,
            dimension=components.embedder.dimension,
            dense=components.dense,
            lexical=components.lexical,
            prior=components.prior,
            token_space=components.token_space,
            fair=settings.fairness.enabled,
            publishing=place.publishing,
        )

    @property
    def read_only(self) -> bool:
        """Tell whether it was opened for reading."""
        return self.catalogue.read_only

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
            raise StoreClosed(f"the knowledge base {self.name} was closed; open it again")

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
                f"the knowledge base {self.name} was opened with read_only=True; open it without"
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
                self._place.close()
                if self.pictures is not None:
                    self.pictures.store.close()


def open_store(
    location: Location,
    own: OwnParts,
    settings: Settings | None,
    components: Components | Callable[[Settings], Components] | None,
    *,
    read_only: bool,
    create: bool,
) -> OpenedStore:
    """Open the knowledge base that is there; the errors are those of ``KnowledgeBase.open``."""
    if settings is not None and not isinstance(settings, Settings):
        raise InvalidInput(
            f"settings must be Settings, got {type(settings).__name__} {settings!r:.80}; read a "
            "file with Settings.from_toml(Path(...))"
        )
    build = _builder(components, own)
    place = place_of(location)
    parts: Components | None = None
    if not place.exists():
        if read_only or not create:
            raise place.not_found()
        settings = settings or Settings()
        _check_pictures(place, settings)
        parts = build(settings)
        wait_for_embedder(parts)  # of wrong weights nothing is made
        place.create(
            {
                "settings": settings.model_dump(mode="json"),
                "contract": index_contract(parts, settings),
            }
        )
    open_place = place.open(read_only=read_only)
    catalogue = open_place.catalogue
    pictures: Pictures | None = None
    try:
        if settings is None:
            settings = read_stored(catalogue.meta("settings"), origin=catalogue.name)
        _check_pictures(place, settings)
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
        if place.keeps_pictures:
            pictures = open_pictures(open_place.root, catalogue, parts.images, read_only=read_only)
        opened = OpenedStore(
            location=location,
            name=place.name,
            place=open_place,
            components=parts,
            settings=settings,
            own_loaders=tuple(own.loaders),
            pictures=pictures,
        )
        wait_for_embedder(parts)
        return opened
    except BaseException:
        if pictures is not None:
            pictures.store.close()
        open_place.close()
        raise


def _check_pictures(place: Place, settings: Settings) -> None:
    """Refuse to look at pictures where none can be kept.

    Raises:
        SettingsError: the settings say so.
    """
    if settings.images.model and not place.keeps_pictures:
        raise SettingsError(
            f"images.model = {settings.images.model!r:.80}: pictures are not kept on a server; "
            f"leave it empty for {place.name}, or use a knowledge base in a folder"
        )


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
