"""Approximate search by Milvus: HNSW over the inner product, on a server of its own.

Every generation of a knowledge base has a collection, which is filled, indexed, loaded, and never
changed: the manifest that names it is put in place by one rename, and from then on it is searched.
So no search sees a mix, whatever was calibrated anew meanwhile. The collection before it is kept
until the next one, for readers that are still searching it.

What Milvus finds near is scored exactly, from the vectors that the knowledge base keeps, as with
every other approximate index here (``faiss_index``). A filter is handed to Milvus in its own
language, so that it looks among what may be returned; what comes back is checked all the same.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.dense.exact_index import (
    ExactIndex,
    ExactIndexFactory,
    allowed_rows,
    check_queries,
    check_rows,
)
from rag_engine.connectors.milvus.collection_journal import VECTORS, CollectionJournal
from rag_engine.connectors.milvus.expressions import compile_expression
from rag_engine.connectors.milvus.service import CollectionMissing, MilvusService
from rag_engine.connectors.milvus.vector_rows import (
    add_fields,
    in_batches,
    rows_to_send,
    vectors_digest,
)
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, StoreCorrupt
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

__all__ = ["MilvusIndex", "MilvusIndexFactory"]

_FILE = "milvus.json"
_MOST = 16_384
"""Rows that Milvus returns for one query at most."""
_COMPARED = 2_000
"""So few allowed vectors are compared here, sooner than a server is asked."""
_MARGIN = 1.2
"""A search that is to leave some out asks for so many times more."""
_RARITY = 16
"""A filtered search looks up to so many times as widely, the rarer what it may return."""
_QUERIES = 256
"""Questions sent at a time."""
_AGAIN = 20_000
"""Rows that are sent again when a collection is filled on that was begun before."""
_SAMPLE = 8
_A_VECTOR_S = 0.02
"""Seconds that indexing may take a vector, beside a minute, before it counts as failed."""

_log = logging.getLogger(__name__)


class MilvusIndex:
    """Candidates from Milvus, scores from exact search. Safe to share between threads.

    ``filterable`` says that Milvus has every field of every row.
    """

    def __init__(
        self,
        service: MilvusService,
        name: str,
        ids: Int64Array,
        vectors: VectorRows,
        *,
        effort: int,
        filterable: bool,
    ) -> None:
        self.name = name
        self.filterable = filterable
        self._service = service
        self._ids = ids
        self._width = int(vectors.shape[1])
        self._effort = effort
        self._exact = ExactIndex(ids, vectors)

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Float32Array, k: int, allowed: IdSelector | None = None
    ) -> list[Ranking]:
        """Return for each row of ``queries`` ``(m, dimension)`` its ``k`` best ids, or fewer.

        Where Milvus meets too few that may be returned, all of them are compared here: a
        restriction costs time, not recall. So it is where the collection was dropped since.

        Raises:
            InvalidVectors: ``queries`` has another width than the index.
            ServiceError: the server can not be reached, or refuses.
        """
        check_queries(queries, self._width)
        rows = allowed_rows(self._ids, allowed)
        count = len(self) if rows is None else len(rows)
        if count == 0 or k < 1 or len(queries) == 0:
            return [nothing() for _ in queries]
        limit, effort, expression = self._breadth(k, count, rows, allowed)
        if count <= _COMPARED or limit > _MOST:
            return self._exact.search(queries, k, allowed)
        rankings = []
        for query, met in zip(queries, self._met(queries, limit, effort, expression), strict=True):
            near = met if rows is None else met[np.isin(met, rows, assume_unique=True)]
            if len(near) < min(k, count):
                rankings += self._exact.search(query[np.newaxis], k, allowed)
            else:
                scores = self._exact.scores(query[np.newaxis], near)[0]
                rankings.append(best_of(self._ids[near], scores, k))
        return rankings

    def _breadth(
        self,
        k: int,
        count: int,
        rows: npt.NDArray[np.intp] | None,
        allowed: IdSelector | None,
    ) -> tuple[int, int, str]:
        """Return how many rows Milvus is asked for, how widely it looks, and among which."""
        least = max(k, self._effort)
        if rows is None or allowed is None:
            return least, least, ""
        rarity = len(self) / count
        if allowed.where is not None and self.filterable:
            # A walk that passes over what is not allowed has to be the longer.
            effort = min(_MOST, math.ceil(least * min(rarity, _RARITY)))
            limit = max(math.ceil(_MARGIN * k), self._effort)
            return limit, max(limit, effort), compile_expression(allowed.where)
        limit = max(math.ceil(_MARGIN * k * rarity), self._effort)
        return limit, limit, ""

    def _met(
        self, queries: Float32Array, k: int, effort: int, expression: str
    ) -> Iterator[npt.NDArray[np.intp]]:
        """Yield for each query the rows that Milvus found near, ascending."""
        for start in range(0, len(queries), _QUERIES):
            batch = queries[start : start + _QUERIES]
            try:
                results = self._service.search(
                    self.name,
                    "vector",
                    [query.tolist() for query in batch],
                    k,
                    parameters={"metric_type": "IP", "params": {"ef": effort}},
                    expression=expression,
                )
            except CollectionMissing as error:
                _log.warning("%s; comparing all vectors here until it is opened again", error)
                results = [[] for _ in batch]
            for hits in results:
                met = np.sort(np.array([identifier for identifier, _ in hits], dtype=np.int64))
                rows = np.minimum(np.searchsorted(self._ids, met), len(self) - 1)
                yield rows[self._ids[rows] == met]

    def save(self, folder: Path) -> None:
        """Write the collection's name into the existing empty ``folder``."""
        description = {"collection": self.name, "rows": len(self), "filterable": self.filterable}
        (folder / _FILE).write_text(json.dumps(description), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusIndexFactory(DenseIndexFactory):
    """Builds and opens collections of one knowledge base (``bind``).

    Args:
        service: the server.
        m: neighbours a vector in the graph.
        ef_construction: candidates looked at when a vector is inserted.
        ef_search: candidates looked at by a search, at least.
        root: the knowledge base's folder; its journal names the collections that are its own.
        fields: what a passage may be filtered by.
    """

    service: MilvusService
    m: int = 32
    ef_construction: int = 200
    ef_search: int = 128
    root: Path | None = None
    fields: FieldsOf | None = None

    @property
    def kind(self) -> str:
        """The kind's name, and the server's: on another one it is built anew."""
        return f"milvus {self.service.uri}"

    @property
    def local(self) -> DenseIndexFactory:
        """Compares the few passages that were just added, in this process."""
        return ExactIndexFactory()

    def bind(self, root: Path, fields: FieldsOf) -> MilvusIndexFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        return replace(self, root=root, fields=fields)

    def build(self, ids: Int64Array, vectors: VectorRows) -> MilvusIndex:
        """Fill a new collection with ``vectors`` ``(n, dimension)`` under ``ids`` ``(n,)``.

        Raises:
            InvalidInput: ids out of order, or not one for each vector.
            ServiceError: the server can not be reached, or refuses.
        """
        check_rows(ids, vectors)
        journal = self._journal()
        name, begun = journal.begin(vectors_digest(ids, vectors))
        done = self._rows_there(name, len(ids)) if begun else None
        if done is None:
            self.service.create(name, partial(add_fields, int(vectors.shape[1])))
        # Batches arrive whole and in order, but for the last ones before a kill.
        first = max(0, (done or 0) - _AGAIN)
        rows = rows_to_send(ids, vectors, self.fields, first=first)
        for batch in in_batches(rows, self.service.batch_bytes):
            self.service.upsert(name, [data for data, _ in batch])
        self._finish(name, len(ids))
        try:
            self._compare(name, ids, vectors)
        except StoreCorrupt:
            journal.drop(name)
            if not begun:
                raise
            return self.build(ids, vectors)  # what was begun is not what it should be
        journal.filled(name)
        # A row whose fields found no room has none at all.
        filterable = not self.service.some(name, 'not (exists document["document_id"])')
        return self._index(name, ids, vectors, filterable=filterable)

    def _rows_there(self, name: str, count: int) -> int | None:
        """Count the rows of a collection that a process before this one began; None: none is."""
        try:
            self._finish(name, count)
            return self.service.count(name)
        except CollectionMissing:
            return None

    def _finish(self, name: str, count: int) -> None:
        index = {
            "index_type": "HNSW",
            "metric_type": "IP",
            "params": {"M": self.m, "efConstruction": self.ef_construction},
        }
        patience_s = 60 + _A_VECTOR_S * count
        self.service.finish(name, {"vector": index}, rows=count, patience_s=patience_s)

    def load(self, folder: Path, ids: Int64Array, vectors: VectorRows) -> MilvusIndex:
        """Open the collection that ``save`` named.

        Raises:
            StoreCorrupt: it is gone, or holds other vectors: the catalogue fills a new one.
            ServiceError: the server can not be reached, or refuses.
        """
        path = folder / _FILE
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            name, filterable = str(description["collection"]), bool(description["filterable"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreCorrupt(f"{path} can not be read: {error!r}") from error
        index = self._index(name, ids, vectors, filterable=filterable)
        try:
            self.service.load(name)
            self._compare(name, ids, vectors)
        except CollectionMissing as error:
            raise StoreCorrupt(f"{path} names a collection that is gone: {error}") from error
        return index

    def collect_garbage(self, current: DenseIndex) -> None:
        """Drop the knowledge base's collections but the ``current`` one and the one before it."""
        assert isinstance(current, MilvusIndex)
        self._journal().sweep(current.name)

    def _compare(self, name: str, ids: Int64Array, vectors: VectorRows) -> None:
        """See that a collection holds these vectors: their number, and a sample of them."""
        held = self.service.count(name)
        if held != len(ids):
            raise StoreCorrupt(
                f"Milvus at {self.service.uri}: the collection {name} holds {held} rows, the "
                f"knowledge base {len(ids)}"
            )
        rows = np.linspace(0, len(ids) - 1, min(_SAMPLE, len(ids))).astype(np.intp)
        expected = np.asarray(vectors[rows], dtype=np.float32)
        vector_of = self.service.vectors(name, ids[rows].tolist()) if len(rows) else {}
        for identifier, vector in zip(ids[rows].tolist(), expected, strict=True):
            if not np.allclose(vector_of.get(identifier, np.nan), vector, atol=1e-3):
                raise StoreCorrupt(
                    f"Milvus at {self.service.uri}: the collection {name} holds another vector of "
                    f"chunk {identifier} than the knowledge base"
                )

    def _index(
        self, name: str, ids: Int64Array, vectors: VectorRows, *, filterable: bool
    ) -> MilvusIndex:
        return MilvusIndex(
            self.service, name, ids, vectors, effort=self.ef_search, filterable=filterable
        )

    def _journal(self) -> CollectionJournal:
        if self.root is None:
            raise InvalidInput("a Milvus index belongs to a knowledge base: use bind(root, ...)")
        return CollectionJournal(self.root, VECTORS, self.service)
