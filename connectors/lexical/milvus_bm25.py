"""Lexical search by Milvus, over terms that the engine's own analyser made.

A term travels as a hash of itself, 64 bits in hexadecimal where Milvus counts words (its BM25
function, from 2.5 on), 32 bits where it adds up weights (a sparse vector with 1 for each term that
a passage holds). So nothing that a server does to words, splitting, folding, dropping, can change
one, and index and query agree in every language. How many passages hold a term is kept beside the
knowledge base: Milvus would count them anew for every question.

As with vectors, every generation has a collection of its own that never changes once it is filled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from rag_engine.connectors.lexical.weights import exact_weights
from rag_engine.connectors.milvus.collection_journal import TERMS, CollectionJournal
from rag_engine.connectors.milvus.service import CollectionMissing, MilvusService
from rag_engine.connectors.ranking import best_of, nothing
from rag_engine.errors import InvalidInput, SettingsError, StoreCorrupt
from rag_engine.ports import (
    Float32Array,
    Int64Array,
    LexicalIndex,
    Ranking,
    Restriction,
    Terms,
)
from rag_engine.store.forward_index import hash_of_term

__all__ = ["MilvusLexicalFactory", "MilvusLexicalIndex"]

_FILE, _COUNTS = "milvus.json", "frequencies.npz"
_MOST = 16_384
"""Rows that Milvus returns for one query at most."""
_NAMED = 5_000
"""Ids in one expression."""
_MOST_WORDS = 3_600
"""Terms of one passage that BM25 counts: Milvus takes texts of 65,535 bytes."""
_BATCH_ROWS = 1_000
_A_PASSAGE_S = 0.02
_FIRST_WITH_BM25 = (2, 5)

_Hits = tuple[Int64Array, Float32Array]


def _place(term: str) -> int:
    """Return a term's place in a sparse vector: two of a question's 50 meet once in 3 million."""
    return hash_of_term(term) & 0xFFFFFFFF


def _word(term: str) -> str:
    return f"t{hash_of_term(term):016x}"


class MilvusLexicalIndex:
    """One filled collection. Safe to share between threads.

    ``hashes`` ``(n_terms,)`` uint64 ascend, ``counts`` ``(n_terms,)`` say how many passages hold
    each.
    """

    def __init__(
        self,
        service: MilvusService,
        name: str,
        size: int,
        hashes: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.int64],
    ) -> None:
        self.name = name
        self._service = service
        self._size = size
        self._hashes = hashes
        self._counts = counts

    def __len__(self) -> int:
        return self._size

    def document_frequencies(self, terms: Sequence[str]) -> Int64Array:
        """Count for each term the passages that hold it, shape ``(n_terms,)``."""
        wanted = np.array([hash_of_term(term) for term in terms], dtype=np.uint64)
        if len(self._hashes) == 0:
            return np.zeros(len(terms), dtype=np.int64)
        places = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        found: Int64Array = np.where(self._hashes[places] == wanted, self._counts[places], 0)
        return found

    def search_weighted(
        self, weights: Mapping[str, float], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` passages with the greatest sum of ``weights`` over terms they hold.

        Raises:
            InvalidInput: a weight is not positive, or out of float32's range.
            ServiceError: the server can not be reached, or refuses.
        """
        query: dict[int, float] = {}
        for term, weight in exact_weights(weights).items():
            query[_place(term)] = query.get(_place(term), 0.0) + weight
        return self._search("terms", query, {"metric_type": "IP"}, k, restriction)

    def search_bm25(
        self, terms: Sequence[str], k: int, restriction: Restriction | None = None
    ) -> Ranking:
        """Return the ``k`` best passages by Okapi BM25, of those that hold one of ``terms``.

        A term that is given twice counts twice. Milvus Lite 3.2 computes with k1 = 1.5. A passage
        without terms counts as one of one term.
        """
        query = " ".join(map(_word, terms))
        return self._search("bm25", query, _BY_BM25, k, restriction)

    def _search(
        self,
        field: str,
        query: Any,
        parameters: Mapping[str, object],
        k: int,
        restriction: Restriction | None,
    ) -> Ranking:
        if not query or k < 1 or len(self) == 0:
            return nothing()

        def ask(limit: int, expression: str) -> _Hits:
            [hits] = self._service.search(
                self.name, field, [query], limit, parameters=parameters, expression=expression
            )
            ids = np.array([identifier for identifier, _ in hits], dtype=np.int64)
            # Milvus Lite gives BM25's scores a minus: as distances, the best first.
            scores = np.array([abs(score) for _, score in hits], dtype=np.float32)
            held = scores > 0  # a passage without any of the terms is none
            return ids[held], scores[held]

        if restriction is None:
            return best_of(*self._with_ties(ask, k, ""), k)
        if restriction.exclude and len(restriction.ids) > _NAMED:
            return self._over_fetched(ask, k, restriction)
        if restriction.exclude:
            names = restriction.ids.tolist()
            return best_of(*self._with_ties(ask, k, f"id not in {names}" if names else ""), k)
        found = [nothing()]
        for start in range(0, len(restriction.ids), _NAMED):
            names = restriction.ids[start : start + _NAMED].tolist()
            found.append(best_of(*self._with_ties(ask, k, f"id in {names}"), k))
        return best_of(
            np.concatenate([each.ids for each in found]),
            np.concatenate([each.scores for each in found]),
            k,
        )

    def _with_ties(self, ask: Any, k: int, expression: str) -> _Hits:
        """Fetch until the last result is worse than the ``k``-th: Milvus orders ties freely."""
        limit = min(_MOST, 2 * k + 16)
        while True:
            ids, scores = ask(limit, expression)
            kth = np.sort(scores)[::-1][k - 1] if len(scores) >= k else -np.inf
            if len(ids) < limit or limit == _MOST or scores.min() < kth:
                return ids, scores
            limit = min(_MOST, 4 * limit)

    def _over_fetched(self, ask: Any, k: int, restriction: Restriction) -> Ranking:
        """Fetch more and more, until ``k`` of them may be returned."""
        limit = min(_MOST, 2 * k + 16)
        while True:
            ids, scores = ask(limit, "")
            allowed = restriction.allows(ids)
            if allowed.sum() >= k or len(ids) < limit or limit == _MOST:
                return best_of(ids[allowed], scores[allowed], k)
            limit = min(_MOST, 4 * limit)

    def save(self, folder: Path) -> None:
        """Write the collection's name and the counts of terms into the empty ``folder``."""
        said = {"collection": self.name, "rows": len(self)}
        (folder / _FILE).write_text(json.dumps(said), encoding="utf-8")
        np.savez(folder / _COUNTS, hashes=self._hashes, counts=self._counts)


@dataclass(frozen=True, kw_only=True)
class MilvusLexicalFactory:
    """Builds and opens collections of terms of one knowledge base (``within``)."""

    service: MilvusService
    root: Path | None = None

    @property
    def kind(self) -> str:
        """The kind's name, and the server's: on another one it is built anew."""
        return f"milvus-bm25 {self.service.uri}"

    def within(self, root: Path) -> MilvusLexicalFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        return replace(self, root=root)

    def build(self, passages: Iterator[Terms], *, in_memory: bool = False) -> LexicalIndex:
        """Fill a new collection with the passages; ids come ascending and without repeats.

        What is kept ``in_memory`` does not go to the server.

        Raises:
            InvalidInput: ids out of order.
            SettingsError: the server is older than Milvus 2.5.
            ServiceError: the server can not be reached, or refuses.
        """
        if in_memory:
            return TantivyFactory().build(passages, in_memory=True)
        if self.service.version() < _FIRST_WITH_BM25:
            raise SettingsError(
                f"Milvus at {self.service.uri} is {'.'.join(map(str, self.service.version()))}, "
                "and BM25 comes with 2.5: set lexical.kind = 'tantivy', which keeps terms beside "
                "the knowledge base, or use a newer server"
            )
        journal = self._journal()
        name, _ = journal.begin(contents="")
        self.service.drop(name)  # what was begun before this process, if anything
        self.service.create(name, _add_fields)
        counts: dict[int, int] = {}
        size = 0
        for batch in _batches(passages, counts):
            self.service.upsert(name, batch)
            size += len(batch)
        patience_s = 60 + _A_PASSAGE_S * size
        self.service.finish(name, _INDEXES, rows=size, patience_s=patience_s)
        journal.filled(name)
        hashes = np.fromiter(counts, dtype=np.uint64, count=len(counts))
        order = np.argsort(hashes)
        numbers = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
        return MilvusLexicalIndex(self.service, name, size, hashes[order], numbers[order])

    def load(self, folder: Path) -> MilvusLexicalIndex:
        """Open the collection that ``save`` named.

        Raises:
            StoreCorrupt: it is gone or lost passages: the catalogue fills a new one.
            ServiceError: the server can not be reached, or refuses.
        """
        path = folder / _FILE
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            name, size = str(said["collection"]), int(said["rows"])
            with (
                (folder / _COUNTS).open("rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):
                hashes, counts = arrays["hashes"], arrays["counts"]
        except Exception as error:  # a damaged archive raises what it likes
            raise StoreCorrupt(f"{folder} can not be read: {error!r}") from error
        try:
            self.service.load(name)
            held = self.service.count(name)
        except CollectionMissing as error:
            raise StoreCorrupt(f"{path} names a collection that is gone: {error}") from error
        if held != size or hashes.shape != counts.shape:
            raise StoreCorrupt(
                f"Milvus at {self.service.uri}: the collection {name} holds {held} passages, the "
                f"knowledge base {size}"
            )
        return MilvusLexicalIndex(self.service, name, size, hashes, counts)

    def sweep(self, current: LexicalIndex) -> None:
        """Drop the knowledge base's collections but the ``current`` one and the one before it."""
        assert isinstance(current, MilvusLexicalIndex)
        self._journal().sweep(current.name)

    def _journal(self) -> CollectionJournal:
        if self.root is None:
            raise InvalidInput("a Milvus index belongs to a knowledge base: use within(root, ...)")
        return CollectionJournal(self.root, TERMS, self.service)


_BY_BM25: dict[str, object] = {
    "metric_type": "BM25",
    "params": {"bm25_k1": 1.2, "bm25_b": 0.75},
}
_INDEXES: dict[str, dict[str, object]] = {
    "terms": {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"},
    "bm25": {
        "index_type": "SPARSE_INVERTED_INDEX",
        **_BY_BM25,
    },
}


def _add_fields(schema: Any, types: Any) -> None:
    from pymilvus import Function, FunctionType

    schema.add_field("terms", types.SPARSE_FLOAT_VECTOR)
    schema.add_field(
        "words",
        types.VARCHAR,
        max_length=65_535,
        enable_analyzer=True,
        analyzer_params={"tokenizer": "standard"},
    )
    schema.add_field("bm25", types.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        Function(
            name="bm25",
            function_type=FunctionType.BM25,
            input_field_names=["words"],
            output_field_names=["bm25"],
        )
    )


def _batches(
    passages: Iterator[Terms], counts: dict[int, int]
) -> Iterator[list[dict[str, object]]]:
    """Yield rows, and count for each term the passages that hold it."""
    batch: list[dict[str, object]] = []
    last = 0
    for passage in passages:
        if passage.id <= last:
            raise InvalidInput("the ids of an index are positive, ascending and without repeats")
        last = passage.id
        distinct = set(passage.terms)
        for term in distinct:
            hashed = hash_of_term(term)
            counts[hashed] = counts.get(hashed, 0) + 1
        # A row may not be empty; the place 0 stands for no term.
        sparse = dict.fromkeys(map(_place, distinct), 1.0) or {0: 1e-30}
        words = " ".join(map(_word, passage.terms[:_MOST_WORDS]))
        batch.append({"id": passage.id, "terms": sparse, "words": words or _NO_WORD})
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


_NO_WORD = "none"
