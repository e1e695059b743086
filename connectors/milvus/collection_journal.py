"""Which collections a knowledge base made: the only ones that it ever drops.

A name is written down, durably, before the collection is made, and struck off after it was
dropped. So whatever a kill leaves behind on the server is found again, and nothing else is
touched; a collection that was being filled is filled to its end by whoever wants the same in it.
The journal knows the folder that it was written in: a copy of a knowledge base begins one of its
own, and leaves the collections of the other alone.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rag_engine.connectors.milvus.service import MilvusService
from rag_engine.errors import StoreCorrupt
from rag_engine.store.files import read_json, write_json

__all__ = ["TERMS", "VECTORS", "CollectionJournal", "Entry"]

VECTORS, TERMS = "milvus-vectors.json", "milvus-terms.json"
"""The files that a knowledge base's journals are kept in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One collection and its server's address.

    ``contents`` is a digest of what it is to hold, ``filled`` says that it does.
    """

    name: str
    server: str
    contents: str
    filled: bool


@dataclass(frozen=True, slots=True)
class CollectionJournal:
    """A journal of the knowledge base in the folder ``root``; one process at a time writes it.

    It may know collections on several servers; here those of one are looked at.
    """

    root: Path
    file: str
    service: MilvusService

    def begin(self, contents: str) -> tuple[str, bool]:
        """Return the name of a collection to fill, and whether one was begun already.

        A new name is written down before anyone makes the collection.
        """
        for entry in self.entries():
            if entry.contents == contents and not entry.filled:
                return entry.name, True
        name = f"{self.service.prefix}_{secrets.token_hex(8)}"
        entry = Entry(name=name, server=self.service.uri, contents=contents, filled=False)
        self._write([*self._all(), entry])
        return name, False

    def filled(self, name: str) -> None:
        """Note that a collection holds all that it is to hold."""
        self._write(
            [replace(entry, filled=entry.filled or entry.name == name) for entry in self._all()]
        )

    def entries(self) -> list[Entry]:
        """Return the collections that may be on the server, the oldest first.

        Raises:
            StoreCorrupt: the journal is damaged.
        """
        return [entry for entry in self._all() if entry.server == self.service.uri]

    def sweep(self, current: str) -> None:
        """Drop all but ``current`` and the filled one before it, which may still be searched."""
        names = [entry.name for entry in self.entries() if entry.filled]
        place = names.index(current) if current in names else 0
        current_and_previous = {current, *names[max(0, place - 1) : place]}
        for entry in self.entries():
            if entry.name not in current_and_previous:
                self.drop(entry.name)

    def clear(self) -> None:
        """Drop all of them."""
        for entry in self.entries():
            self.drop(entry.name)

    def drop(self, name: str) -> None:
        """Drop one, if it is there, and strike it off."""
        self.service.drop(name)
        self._write([entry for entry in self._all() if entry.name != name])

    def _all(self) -> list[Entry]:
        path = self.root / self.file
        if not path.exists():
            return []
        data = read_json(path)
        try:
            entries = [Entry(**listed) for listed in data["collections"]]
        except (KeyError, TypeError) as error:
            raise StoreCorrupt(f"{path} is damaged: {error!r}") from error
        return entries if data.get("home") == self._home() else []

    def _write(self, entries: list[Entry]) -> None:
        listed = [asdict(entry) for entry in entries]
        write_json(self.root / self.file, {"home": self._home(), "collections": listed})

    def _home(self) -> str:
        return str(self.root.resolve())
