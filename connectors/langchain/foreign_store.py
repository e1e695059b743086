"""Anybody's LangChain vector store, as a place for vectors under row numbers.

Of LangChain's interface only what every store keeps is used: ``add_texts`` with ids, ``delete`` by
ids, and a search, by a vector where the store has that, else by a text whose vector is handed over.
The text of a row is its name (``a1b2:17``), which every store gives back with what it finds.
Neither scores, which are distances in one store and similarities in another, nor filters, which
every store has of its own, are asked for.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore

from rag_engine.connectors.langchain.failures import as_service_error, service_errors
from rag_engine.connectors.langchain.handed_vectors import HandedVectors
from rag_engine.connectors.plugins import made
from rag_engine.errors import ServiceError, SettingsError
from rag_engine.ports import Float32Array, VectorRows

__all__ = ["ForeignStore", "MakeStore", "open_store"]

MakeStore = Callable[..., VectorStore]
"""Takes ``Embeddings``, a collection's name, and the options of the settings."""

_BATCH = 256
"""Rows added or deleted at a time."""
_LOOKED_AT = 10
"""What is found nearest is looked at, to see whether rows of a set are left."""


def open_store(
    make: MakeStore, name: str, dimension: int, *, source: str, options: Mapping[str, object]
) -> ForeignStore:
    """Return the store that ``make`` makes for the collection ``name``; ``source`` names it.

    Raises:
        SettingsError: it can not be made, is no vector store, or can not delete.
        ServiceError: its server can not be reached, or refuses.
    """
    vectors = HandedVectors(dimension)
    where = f"dense: store = {source!r}"
    try:
        store = made(make, dict(options), where, vectors, name)
    except SettingsError as error:
        if isinstance(error.__cause__, Exception):
            told = as_service_error(error.__cause__, source)
            if type(told) is not ServiceError:  # that says no more than the settings' error
                raise told from error.__cause__
        raise
    if not isinstance(store, VectorStore):
        raise SettingsError(
            f"{where} made a {type(store).__name__}; it takes LangChain's embeddings and a name, "
            "and returns a VectorStore of langchain_core.vectorstores"
        )
    if type(store).delete is VectorStore.delete:
        raise SettingsError(
            f"{where}: {type(store).__name__} has no delete(ids), so nothing could ever be removed "
            "from it; choose a store that has"
        )
    return ForeignStore(store, vectors, source)


class ForeignStore:
    """Sets of rows in one collection of a LangChain vector store.

    A set is named by a ``token``; its rows are counted from 0. Rows of others are passed over.

    Raises:
        ServiceError: (of every method) the store raised something.
    """

    def __init__(self, store: VectorStore, vectors: HandedVectors, source: str) -> None:
        self.store = store
        self._vectors = vectors
        self._source = source
        kind = type(store)
        self._takes_vectors = (
            kind.similarity_search_by_vector is not VectorStore.similarity_search_by_vector
        )

    def __str__(self) -> str:
        return f"{self._source} ({type(self.store).__name__})"

    def add(self, token: str, vectors: VectorRows) -> None:
        """Add all rows of ``vectors`` ``(n, dimension)``.

        Raises:
            SettingsError: the store gives rows other ids than it was told.
        """
        for start in range(0, vectors.shape[0], _BATCH):
            block = np.asarray(vectors[start : start + _BATCH], dtype=np.float32)
            rows = range(start, start + len(block))
            texts, ids = [f"{token}:{row}" for row in rows], [_id(token, row) for row in rows]
            with self._errors(), self._vectors.handing(texts, block):
                given = self.store.add_texts(texts, [{"rows": token} for _ in texts], ids=ids)
            if [str(each) for each in given] != ids:
                raise SettingsError(
                    f"dense: store = {self._source!r}: {type(self.store).__name__} names rows as "
                    f"it likes ({given[:1]!r:.80} for {ids[0]!r}), so they could not be deleted; "
                    "choose a store that takes ids"
                )

    def near(self, token: str, query: Float32Array, k: int) -> npt.NDArray[np.intp]:
        """Return which rows of a set are among the ``k`` nearest to a query, ascending."""
        if self._takes_vectors:
            with self._errors():
                found = self.store.similarity_search_by_vector(query.tolist(), k=k)
        else:
            text = f"query {secrets.token_hex(8)}"
            with self._errors(), self._vectors.handing([text], query[np.newaxis]):
                found = self.store.similarity_search(text, k=k)
        return np.unique(np.fromiter(_rows_of(token, found), dtype=np.intp))

    def clear(self, token: str, count: int) -> None:
        """Delete a set of up to ``count`` rows; those that are not there are no error."""
        try:
            for start in range(0, count, _BATCH):
                ids = [_id(token, row) for row in range(start, min(count, start + _BATCH))]
                with self._errors():
                    self.store.delete(ids)
        except ServiceError:
            # Some stores refuse to delete what they do not have.
            nothing = np.asarray(self._vectors.embed_query(""), dtype=np.float32)
            if len(self.near(token, nothing, _LOOKED_AT)):
                raise

    def _errors(self) -> AbstractContextManager[None]:
        return service_errors(self.store, str(self))


def _id(token: str, row: int) -> str:
    """Return a row's id: a UUID, as some stores take nothing else.

    >>> _id("a1b2", 17)
    '89d284bd-6500-57ed-ad82-ddd92aa0ad46'
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{token}:{row}"))


def _rows_of(token: str, found: list[Document]) -> Iterator[int]:
    for document in found:
        name, _, row = document.page_content.partition(":")
        if name == token and row.isascii() and row.isdigit():
            yield int(row)
