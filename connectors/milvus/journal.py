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

from rag_engine.errors import StoreCorrupt
from rag_engine.store.files import read_json, write_json

__all__ = ["CollectionJournal", "Entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One collection; ``contents`` is a digest of what it is to hold, ``filled`` that it does."""

    name: str
    contents: str
    filled: bool


@dataclass(frozen=True, slots=True)
class CollectionJournal:
    """A journal of the knowledge base in the folder ``root``; one process at a time writes it."""

    root: Path
    file: str

    def begin(self, prefix: str, contents: str) -> tuple[str, bool]:
        """Return the name of a collection to fill, and whether one was begun already.

        A new name is written down before anyone makes the collection.
        """
        entries = self.entries()
        for entry in entries:
            if entry.contents == contents and not entry.filled:
                return entry.name, True
        name = f"{prefix}_{secrets.token_hex(8)}"
        self._write([*entries, Entry(name=name, contents=contents, filled=False)])
        return name, False

    def filled(self, name: str) -> None:
        """Note that a collection holds all that it is to hold."""
        self._write(
            [replace(each, filled=each.filled or each.name == name) for each in self.entries()]
        )

    def entries(self) -> list[Entry]:
        """Return the collections that may be there, the oldest first.

        Raises:
            StoreCorrupt: the journal is damaged.
        """
        path = self.root / self.file
        if not path.exists():
            return []
        data = read_json(path)
        try:
            entries = [Entry(**each) for each in data["collections"]]
        except (KeyError, TypeError) as error:
            raise StoreCorrupt(f"{path} is damaged: {error!r}") from error
        return entries if data.get("home") == self._home() else []

    def outdated(self, current: str) -> list[str]:
        """Return all names but ``current`` and the filled one before it, which may be searched."""
        names = [each.name for each in self.entries() if each.filled]
        place = names.index(current) if current in names else 0
        kept = {current, *names[max(0, place - 1) : place]}
        return [each.name for each in self.entries() if each.name not in kept]

    def forget(self, name: str) -> None:
        """Strike off a collection that was dropped."""
        self._write([each for each in self.entries() if each.name != name])

    def _write(self, entries: list[Entry]) -> None:
        listed = [asdict(each) for each in entries]
        write_json(self.root / self.file, {"home": self._home(), "collections": listed})

    def _home(self) -> str:
        return str(self.root.resolve())
