"""Approximate search by any vector store of LangChain: Qdrant, Chroma, pgvector and the like.

What the store finds near is scored exactly, from the vectors that the knowledge base keeps, as with
every other approximate index here: what a store's own scores mean does not matter. A restriction is
met by looking more widely, and where that gives too few, by comparing all that is allowed here: it
costs time, not recall. That holds for a store that lost rows, too, but only where so few are found
that it shows.

Every generation has its rows in a collection of its own (``langchain_journal``), which does not
change while it is searched. After it is filled, vectors of it are searched for: a store that does
not find what it was given, or not in the order of the inner product, is refused.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.dense.exact_index import (
    ExactIndex,
    ExactIndexFactory,
    allowed_rows,
    check_queries,
    check_rows,
)
from rag_engine.connectors.dense.langchain_journal import LangChainJournal, RowSet
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, ServiceError, SettingsError, StoreCorrupt
from rag_engine.ports import (
    DenseIndex,
    DenseIndexFactory,
    FieldsOf,
    Float32Array,
    IdSelector,
    Int64Array,
    Ranking,
    VectorRows,
)

if TYPE_CHECKING:
    from rag_engine.connectors.langchain.foreign_store import ForeignStore

__all__ = ["LangChainIndex", "LangChainIndexFactory"]

_FILE = "langchain.json"
_MOST = 10_000
"""Rows that a store is asked for at most: Pinecone and Weaviate give no more."""
_COMPARED = 2_000
"""So few allowed vectors are compared here, sooner than a store is asked."""
_COMPARED_TOGETHER = 20_000
"""Of so few vectors the nearest to several questions are found here, as each would be a request."""
_MARGIN = 1.2
"""A search asks for so many times more than it is to return."""
_SAMPLE = 16
"""Vectors that are searched for, to see that a store holds them."""
_NEAREST = 10
"""Their neighbours that are looked at."""
_CLOSE = 1e-3
"""Inner products that differ by less are the same, whatever a store rounds to."""
_IN_ORDER = 0.5
"""The part of the nearest to those vectors that a store has to find."""

_log = logging.getLogger(__name__)


class LangChainIndex:
    """Candidates from a store, scores from exact search. Safe to share if the store is."""

    def __init__(
        self, store: ForeignStore | None, rows: RowSet, ids: Int64Array, vectors: VectorRows
    ) -> None:
        self.rows = rows
        self._store = store
        self._ids = ids
        self._width = int(vectors.shape[1])
        self._vectors = vectors
        self._exact = ExactIndex(ids, vectors)
        self._told = False

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer.

        Where the store gives too few that may be returned, all of them are compared here.

        Raises:
            InvalidVectors: ``queries`` has another width than the index.
            ServiceError: the store can not be reached, or fails.
        """
        check_queries(queries, self._width)
        rows = allowed_rows(self._ids, allowed)
        count = len(self) if rows is None else len(rows)
        if count == 0 or k < 1 or len(queries) == 0:
            return [nothing() for _ in queries]
        limit = min(len(self), math.ceil(_MARGIN * k * len(self) / count))
        together = len(queries) > 1 and len(self) <= _COMPARED_TOGETHER
        if self._store is None or count <= _COMPARED or limit > _MOST or together:
            return self._exact.search(queries, k, allowed)
        rankings = []
        for query in queries:
            near = self._met(query, limit)
            if rows is None and len(near) < min(k, count):
                self._tell(len(near), limit)
            near = near if rows is None else near[np.isin(near, rows, assume_unique=True)]
            if len(near) < min(k, count):
                rankings += self._exact.search(query[np.newaxis], k, allowed)
            else:
                scores = self._exact.scores(query[np.newaxis], near)[0]
                rankings.append(best_of(self._ids[near], scores, k))
        return rankings

    def _met(self, query: Float32Array, limit: int) -> npt.NDArray[np.intp]:
        """Return the rows that the store found near a query ``(dimension,)``, ascending."""
        assert self._store is not None
        rows = self._store.near(self.rows.token, query, limit)
        return rows[rows < len(self)]

    def _tell(self, found: int, limit: int) -> None:
        if not self._told:
            _log.warning(
                "%s gave %d of %d rows that it was asked for: it limits them, or has lost some; "
                "all vectors are compared here where that is too few",
                self._store,
                found,
                limit,
            )
            self._told = True

    def missing(self) -> int | None:
        """Return a row of a sample that the store does not find by its own vector; None: none.

        Another row that is as near may stand for it.
        """
        for row, vector in self._sample():
            near = self._met(vector, _NEAREST)
            if len(near) == 0:
                return row
            best = float(self._exact.scores(vector[np.newaxis], near).max())
            if best < float(vector @ vector) - _CLOSE:
                return row
        return None

    def in_order(self) -> float:
        """Return the part of the nearest to a sample of its vectors that the store finds."""
        found = wanted = 0
        for _, vector in self._sample():
            nearest = self._exact.search(vector[np.newaxis], _NEAREST)[0].scores
            near = self._met(vector, _NEAREST)
            scores = self._exact.scores(vector[np.newaxis], near)[0]
            found += min(len(nearest), int((scores >= nearest[-1] - _CLOSE).sum()))
            wanted += len(nearest)
        return found / max(1, wanted)

    def _sample(self) -> Iterable[tuple[int, Float32Array]]:
        rows = np.linspace(0, len(self) - 1, min(_SAMPLE, len(self))).astype(np.intp)
        vectors = np.asarray(self._vectors[rows], dtype=np.float32)
        return zip(rows.tolist(), vectors, strict=True)

    def save(self, folder: Path) -> None:
        """Write where the rows are into the existing empty ``folder``."""
        description = {
            "collection": self.rows.collection,
            "token": self.rows.token,
            "rows": len(self),
        }
        (folder / _FILE).write_text(json.dumps(description), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class LangChainIndexFactory(DenseIndexFactory):
    """Fills and opens collections of one knowledge base (``bind``).

    Args:
        make: takes LangChain's ``Embeddings``, a collection's name and ``options``, and returns
            the vector store of that name, made if there is none. It is called once a collection.
        store: what names ``make``, in the manifest and in errors.
        options: keyword arguments for ``make``.
        patience_s: how long a store may take to find what it was given.
        root: the knowledge base's folder; its journal names the collections that are its own.
    """

    make: Callable[..., Any]
    store: str
    options: Mapping[str, Any] = field(default_factory=dict)
    patience_s: float = 60.0
    root: Path | None = None
    _opened: dict[tuple[str, int], ForeignStore] = field(default_factory=dict, compare=False)

    @property
    def kind(self) -> str:
        """The kind's name, the store's and its options: in another one it is built anew."""
        options = f" {json.dumps(self.options, sort_keys=True)}" if self.options else ""
        return f"langchain {self.store}{options}"

    @property
    def local(self) -> DenseIndexFactory:
        """Compares the few passages that were just added, in this process."""
        return ExactIndexFactory()

    def bind(self, root: Path, fields: FieldsOf) -> LangChainIndexFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        del fields
        return replace(self, root=root)

    def build(self, ids: Int64Array, vectors: VectorRows) -> LangChainIndex:
        """Put ``vectors`` ``(n, dimension)`` of ``ids`` ``(n,)`` into an empty collection.

        Raises:
            InvalidInput: ids out of order, or not one for each vector.
            SettingsError: the store can not be made, can not delete or take ids, or has another
                order than that of the inner product.
            ServiceError: it can not be reached, fails, or does not find what it was given.
        """
        check_rows(ids, vectors)
        if len(ids) == 0:
            return LangChainIndex(None, RowSet(collection="", store=self.kind), ids, vectors)
        journal = self._journal()
        rows = journal.begin(len(ids))
        store = self._store(rows.collection, int(vectors.shape[1]))
        store.add(rows.token, vectors)
        index = LangChainIndex(store, rows, ids, vectors)
        self._await(index)
        if (share := index.in_order()) < _IN_ORDER:
            raise SettingsError(
                f"dense: store = {self.store!r} finds only {share:.0%} of the vectors nearest to "
                "some that it holds; let it compare by cosine, inner product or Euclidean distance"
            )
        journal.filled(rows)
        return index

    def _await(self, index: LangChainIndex) -> None:
        """Wait until what was added is found: hosted stores take a while."""
        pause_s, until = 0.05, time.monotonic() + self.patience_s
        while (row := index.missing()) is not None:
            if time.monotonic() > until:
                raise ServiceError(
                    f"dense: store = {self.store!r} does not find row {row} of {len(index)} by its "
                    f"own vector, {self.patience_s:g} s after it was added; see that its "
                    "collections are its own, as wide as the vectors, and compared by cosine, "
                    "inner product or Euclidean distance"
                )
            time.sleep(pause_s)
            pause_s = min(2.0, 2 * pause_s)

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> LangChainIndex:
        """Open the collection that ``save`` named.

        Raises:
            StoreCorrupt: it does not find a vector that it should hold: the catalogue fills a new
                one.
            SettingsError: the store can not be made.
            ServiceError: it can not be reached, or fails.
        """
        path = folder / _FILE
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            rows = RowSet(
                collection=str(description["collection"]),
                store=self.kind,
                token=str(description["token"]),
                rows=int(description["rows"]),
                filled=True,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreCorrupt(f"{path} can not be read: {error!r}") from error
        if rows.rows != len(ids):
            raise StoreCorrupt(f"{path} is of {rows.rows} vectors, the index of {len(ids)}")
        if not len(ids):
            return LangChainIndex(None, rows, ids, vectors)
        store = self._store(rows.collection, int(vectors.shape[1]))
        index = LangChainIndex(store, rows, ids, vectors)
        if (row := index.missing()) is not None:
            raise StoreCorrupt(
                f"{path} names the collection {rows.collection} of {store}, which does not find "
                f"row {row} of {len(ids)} by its own vector: it was emptied, or lost rows. Who "
                "opens the knowledge base to write (rag-engine index, compact) fills it anew; a "
                "store in memory ends with its process, and is for one process alone"
            )
        return index

    def collect_garbage(self, current: DenseIndex) -> None:
        """Empty the knowledge base's collections but the ``current`` one and the one before it."""
        assert isinstance(current, LangChainIndex)
        clear = partial(self._clear, dimension=current._width)
        try:
            self._journal().sweep(current.rows.token, clear)
        except ServiceError as error:
            _log.warning("%s; what is searched no more is deleted the next time", error)

    def _clear(self, rows: RowSet, *, dimension: int) -> None:
        self._store(rows.collection, dimension).clear(rows.token, rows.rows)

    def _store(self, collection: str, dimension: int) -> ForeignStore:
        from rag_engine.connectors.langchain.foreign_store import open_store

        if (collection, dimension) not in self._opened:
            self._opened[collection, dimension] = open_store(
                self.make, collection, dimension, source=self.store, options=self.options
            )
        return self._opened[collection, dimension]

    def _journal(self) -> LangChainJournal:
        if self.root is None:
            raise InvalidInput("a LangChain index is a knowledge base's: use bind(root, fields)")
        return LangChainJournal(self.root, self.kind)
