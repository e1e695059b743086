"""Which collections of a LangChain store hold a knowledge base's vectors, and which are free.

LangChain's interface can not drop a collection, so one that is searched no more is emptied, and
filled again by a later generation: there are three of them at most, as long as the store deletes
what it is told to. A collection is written down, durably, before anything is put into it. The
journal knows the folder that it was written in: a copy of a knowledge base begins one of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rag_engine.errors import StoreCorrupt
from rag_engine.store.files import read_json, write_json

__all__ = ["Clear", "LangChainJournal", "RowSet"]

_FILE = "langchain-vectors.json"
_PREFIX = "rag_engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """The rows of one generation: in which collection of which store, and under which token.

    ``filled`` says that all ``rows`` are there. A free collection has no ``token``.
    """

    collection: str
    store: str
    token: str = ""
    rows: int = 0
    filled: bool = False


Clear = Callable[[RowSet], None]
"""Deletes the rows of a set; raises where some may be left."""


@dataclass(frozen=True, slots=True)
class LangChainJournal:
    """The journal of the knowledge base in the folder ``root``; one process at a time writes it.

    ``store`` names the store that is looked at, of those that the journal may know.
    """

    root: Path
    store: str

    def begin(self, rows: int) -> RowSet:
        """Write down a set that is about to be put into a collection, and return it."""
        free = [entry.collection for entry in self.entries() if not entry.token]
        collection = free[0] if free else f"{_PREFIX}_{secrets.token_hex(8)}"
        token = secrets.token_hex(8)
        begun = RowSet(collection=collection, store=self.store, token=token, rows=rows)
        self._write([*self._but(collection), begun])
        return begun

    def filled(self, rows: RowSet) -> None:
        """Note that all rows of a set are there."""
        self._put(rows, token=rows.token, count=rows.rows, filled=True)

    def sweep(self, token: str, clear: Clear) -> None:
        """Empty all collections but that of ``token`` and the filled one before it.

        Raises:
            ServiceError: the store does not delete; what was cleared before stays noted.
        """
        tokens = [entry.token for entry in self.entries() if entry.filled]
        place = tokens.index(token) if token in tokens else 0
        kept = {"", token, *tokens[max(0, place - 1) : place]}
        for entry in self.entries():
            if entry.token not in kept:
                clear(entry)
                self._put(entry, token="", count=0, filled=False)

    def entries(self) -> list[RowSet]:
        """Return the sets and free collections of the store, in the order of their beginnings.

        Raises:
            StoreCorrupt: the journal is damaged.
        """
        return [entry for entry in self._all() if entry.store == self.store]

    def _put(self, rows: RowSet, *, token: str, count: int, filled: bool) -> None:
        changed = RowSet(
            collection=rows.collection, store=rows.store, token=token, rows=count, filled=filled
        )
        self._write(
            [changed if entry.collection == rows.collection else entry for entry in self._all()]
        )

    def _but(self, collection: str) -> list[RowSet]:
        return [entry for entry in self._all() if entry.collection != collection]

    def _all(self) -> list[RowSet]:
        path = self.root / _FILE
        if not path.exists():
            return []
        data = read_json(path)
        try:
            entries = [RowSet(**listed) for listed in data["collections"]]
        except (KeyError, TypeError) as error:
            raise StoreCorrupt(f"{path} is damaged: {error!r}") from error
        return entries if data.get("home") == self._home() else []

    def _write(self, entries: list[RowSet]) -> None:
        listed = [asdict(entry) for entry in entries]
        write_json(self.root / _FILE, {"home": self._home(), "collections": listed})

    def _home(self) -> str:
        return str(self.root.resolve())
